import type { AuditFields } from '../../core/audit/chain.ts'
import type { AuditWriter } from './writer.ts'

/** Where records go. */
export interface RecordWriter extends Pick<AuditWriter, 'write' | 'append'> {
  /** For a caller without a good token: there may be any number of them. */
  appendAnonymous(fields: AuditFields): void
}

interface Options {
  readonly append: (fields: AuditFields) => void
  /** Records of their own in a second. */
  readonly perSecond: number
  readonly onSuppressed: () => void
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/** Refusals of callers without a good token: anybody can make as many as they like, and must not fill the disk. */
export interface AnonymousRefusals {
  append(fields: AuditFields): void
  /** Writes what was counted and has no record yet. */
  flush(): void
}

const WINDOW_MS = 1_000

/** Gives so many refusals in a second a record of their own, and the rest of that second one together, with how many there were. */
export function boundAnonymousRefusals({
  append,
  perSecond,
  onSuppressed,
  now = Date.now,
}: Options): AnonymousRefusals {
  let since = -Infinity
  let written = 0
  let suppressed = 0
  let last: AuditFields = {}
  let timer: NodeJS.Timeout | undefined

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    if (suppressed === 0) return
    append(sumOf(last, suppressed, since))
    suppressed = 0
  }

  return {
    append(fields) {
      const at = now()
      if (at >= since + WINDOW_MS || at < since) {
        flush()
        since = at
        written = 0
      }
      if (written < perSecond) {
        written += 1
        append(fields)
        return
      }
      suppressed += 1
      last = fields
      onSuppressed()
      timer ??= setTimeout(flush, WINDOW_MS).unref()
    },
    flush,
  }
}

function sumOf(last: AuditFields, suppressed: number, since: number): AuditFields {
  return {
    '@timestamp': last['@timestamp'],
    'event.kind': 'event',
    'event.category': ['database'],
    'event.type': ['deletion', 'denied'],
    'event.action': 'delete-refused',
    'event.outcome': 'failure',
    'event.start': new Date(since).toISOString(),
    'event.end': last['@timestamp'],
    'memory.phase': 'suppressed',
    'memory.outcome': 'suppressed',
    'memory.suppressed': suppressed,
  }
}
