import type { AuditFields } from '../../core/audit/chain.ts'
import { refusalEntry, refusalsRecord } from '../../core/audit/refusal-list.ts'
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
  /** Writes what is listed and has no record yet. */
  flush(): void
}

const WINDOW_MS = 1_000
/** What one record lists at most, and about as much of its text: it must fit into what the next start reads of the file's end. */
const MAX_LISTED = 500
const MAX_CHARACTERS = 131_072

/** Gives so many refusals in a second a record of their own, and lists the rest of that second in one together, or in several where they are many. */
export function boundAnonymousRefusals({
  append,
  perSecond,
  onSuppressed,
  now = Date.now,
}: Options): AnonymousRefusals {
  let since = -Infinity
  let written = 0
  let listed: AuditFields[] = []
  let characters = 0
  let last = 0
  let timer: NodeJS.Timeout | undefined

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    if (listed.length === 0) return
    append(refusalsRecord(listed, since, last))
    listed = []
    characters = 0
  }

  function list(fields: AuditFields, at: number): void {
    const entry = refusalEntry(fields, at, since)
    listed.push(entry)
    characters += JSON.stringify(entry).length
    last = at
    onSuppressed()
    // check: listed-refusals-bound
    if (listed.length >= MAX_LISTED || characters >= MAX_CHARACTERS) flush()
    else timer ??= setTimeout(flush, WINDOW_MS).unref()
  }

  return {
    append(fields) {
      const at = now()
      if (at >= since + WINDOW_MS || at < since) {
        flush()
        since = at
        written = 0
      }
      if (written >= perSecond) {
        list(fields, at)
        return
      }
      written += 1
      append(fields)
    },
    flush,
  }
}
