import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    deletes: { type: 'string', default: '4000' },
    requests: { type: 'string', default: '8000' },
    callers: { type: 'string' },
    memories: { type: 'string', default: '1000000' },
    'look-alikes': { type: 'string', default: '0' },
    million: { type: 'boolean', default: false },
  },
})

/** What the command line asks for. */
export const OPTIONS = {
  suites: positionals,
  rounds: Number(values.rounds),
  /** Of each contender in a round. */
  deletes: Number(values.deletes),
  requests: Number(values.requests),
  /** At once; each suite has its own where the command line names none. */
  callers: values.callers?.split(',').map(Number),
  /** Of the person who is erased. */
  memories: Number(values.memories),
  /** Memories of others that a filter finds with those of the person. Beyond 10,000 the gateway deletes page by page, and no longer by the cluster's tasks. */
  lookAlikes: Number(values['look-alikes']),
  /** Whether the memory after a million requests is measured too. */
  million: values.million,
} as const
