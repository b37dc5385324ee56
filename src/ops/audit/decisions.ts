import type { AuditFields } from '../../core/audit/chain.ts'
import { failed } from '../route.ts'
import type { OpsRoute } from '../route.ts'

/** What the audit says of one delete by now; no memory's text is in any record. */
export interface Decision {
  readonly at: string
  /** Of its last record: `intent` while it is under way. */
  readonly phase: string
  readonly action: string
  readonly result: string
  readonly outcome?: string
  readonly rule?: string
  readonly subject?: string
  readonly issuer?: string
  readonly clientIp?: string
  readonly requestId?: string
  readonly cluster?: string
  readonly containerId?: string
  readonly type?: string
  readonly memoryId?: string
  readonly index?: string
  readonly deleted?: number
}

export interface Decisions {
  add(record: AuditFields): void
  /** The newest first. */
  list(): readonly Decision[]
}

/** Keeps the last deletes that the audit has recorded, each with its last record. Nothing is made of them until somebody looks. */
export function keepDecisions(limit = 50): Decisions {
  const kept = new Map<unknown, AuditFields>()
  return {
    add(record) {
      const id = record['event.id']
      // Records about the chain itself have none.
      if (id === undefined) return
      kept.delete(id)
      kept.set(id, record)
      const [oldest] = kept.keys()
      if (kept.size > limit) kept.delete(oldest)
    },
    list: () => [...kept.values()].reverse().map(decisionOf),
  }
}

/** `GET /decisions`. */
export function decisionsRoute(decisions: Pick<Decisions, 'list'> | undefined): OpsRoute {
  return {
    method: 'GET',
    path: '/decisions',
    answer: () =>
      decisions === undefined
        ? failed(404, 'The audit is off: set audit.sink')
        : { status: 200, body: { decisions: decisions.list() } },
  }
}

const OPTIONAL = {
  outcome: 'memory.outcome',
  rule: 'rule.name',
  subject: 'user.id',
  issuer: 'user.domain',
  clientIp: 'client.ip',
  requestId: 'http.request.id',
  cluster: 'memory.cluster',
  containerId: 'memory.container_id',
  type: 'memory.type',
  memoryId: 'memory.id',
  index: 'memory.index',
  deleted: 'memory.deleted',
} as const

function decisionOf(record: AuditFields): Decision {
  const given = Object.entries(OPTIONAL).flatMap(([name, field]) =>
    record[field] === undefined ? [] : [[name, record[field]] as const],
  )
  return {
    at: String(record['@timestamp']),
    phase: String(record['memory.phase']),
    action: String(record['event.action']),
    result: String(record['event.outcome']),
    ...(Object.fromEntries(given) as Partial<Decision>),
  }
}
