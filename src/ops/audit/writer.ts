import { sealRecord } from '../../core/audit/chain.ts'
import type { AuditFields, ChainPosition, ChainStatement, Hash } from '../../core/audit/chain.ts'
import { WriteFailure } from './sink.ts'
import type { AuditSink } from './sink.ts'
import { countEvents, WaitingRecords } from './waiting-records.ts'
import type { WaitingRecord } from './waiting-records.ts'

export interface AuditWriterOptions {
  readonly sink: AuditSink
  readonly position: ChainPosition
  readonly hash: Hash
  /** Signs what a checkpoint says; without it there are none. */
  readonly sign: ((statement: ChainStatement) => Promise<string>) | undefined
  /** Whether an intent that cannot be written ends its delete. */
  readonly isRequired: boolean
  /** A signature after so many records, and after so much time. */
  readonly checkpoint: { readonly records: number; readonly afterMs: number }
  /** How long an intent waits to be written, in milliseconds. */
  readonly timeoutMs: number
  /** Records that wait while nothing can be written; more are lost. */
  readonly maxWaiting: number
  /** What the first record says beside that a chain begins. */
  readonly opening: AuditFields
  readonly onEvent: (event: AuditWriterEvent) => void
}

export type AuditWriterEvent =
  | { readonly kind: 'written'; readonly records: readonly AuditFields[] }
  /** Those that one record lists counted each. */
  | { readonly kind: 'lost'; readonly records: number }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'recovered' }

/** Puts records into one chain, those that wait together in one write. */
export interface AuditWriter {
  /**
   * Ends when the record is where it must be. Where it cannot be: rejects if the audit is required, else it is over for the caller, and the record waits or is lost.
   * @throws Error
   */
  write(fields: AuditFields): Promise<void>
  append(fields: AuditFields): void
  health(): { readonly failing: boolean; readonly waiting: number }
  /** The file was renamed. */
  reopen(): void
  /** Ends the chain, with a record that says so. */
  close(): Promise<void>
}

const MAX_GROUP = 512
const RETRY_MS = 250

/** Opens the writer; its first record is on its way by then. */
export function openAuditWriter(options: AuditWriterOptions): AuditWriter {
  const { sink, hash, sign, isRequired, checkpoint, timeoutMs, maxWaiting, onEvent } = options
  let position = options.position
  const waiting = new WaitingRecords(maxWaiting)
  let pumping: Promise<void> | undefined
  let isScheduled = false
  let isFailing = false
  let isClosed = false
  let unsigned = 0
  let timer: NodeJS.Timeout | undefined

  function add(one: WaitingRecord): void {
    if (waiting.hasRoom && !isClosed) waiting.push(one)
    else {
      onEvent({ kind: 'lost', records: countEvents([one]) })
      one.done?.(new Error('Too many audit records wait'))
    }
    schedule()
  }

  /** What comes in the same turn of the event loop goes together; what comes during a write goes with the next. */
  function schedule(): void {
    if (isScheduled || isFailing || pumping !== undefined) return
    isScheduled = true
    setImmediate(() => {
      isScheduled = false
      void pump()
    })
  }

  function pump(): Promise<void> {
    pumping ??= writeAll().finally(() => {
      pumping = undefined
      // What came between the last write and here.
      if (waiting.all.length > 0) schedule()
    })
    return pumping
  }

  async function writeAll(): Promise<void> {
    while (waiting.all.length > 0) {
      if (!(await writeGroup(waiting.takeFirst(MAX_GROUP)))) return
    }
  }

  /** @returns whether all of it is written */
  async function writeGroup(group: readonly WaitingRecord[]): Promise<boolean> {
    const { lines, next, sinceSigned } = await seal(group)
    try {
      await sink.write(lines.map(({ line }) => line).join(''))
    } catch (error) {
      giveBack(group, lines, error instanceof WriteFailure ? error : new WriteFailure(0, error))
      return false
    }
    position = next
    unsigned = sinceSigned
    onEvent({ kind: 'written', records: lines.map(({ fields }) => fields) })
    if (isFailing) {
      isFailing = false
      onEvent({ kind: 'recovered' })
    }
    for (const { done } of group) done?.()
    signLater()
    return true
  }

  type Sealed = { readonly line: string; readonly next: ChainPosition; readonly fields: AuditFields }

  async function seal(group: readonly WaitingRecord[]) {
    const lines: Sealed[] = []
    let at = position
    let sinceSigned = unsigned
    const put = (fields: AuditFields): void => {
      const sealed = sealRecord(fields, at, hash)
      lines.push({ ...sealed, fields })
      at = sealed.next
    }
    const all = group.map(({ fields }) => fields)
    if (sign !== undefined && unsigned + all.length >= checkpoint.records) all.push(marker('checkpoint'))
    for (const fields of all) {
      const isSigned = sign !== undefined && SIGNED.has(fields['memory.phase'])
      put(isSigned ? { ...fields, 'memory.signature': await sign(at) } : fields)
      sinceSigned = isSigned ? 0 : sinceSigned + 1
    }
    return { lines, next: at, sinceSigned }
  }

  /** Time, not only records: what comes last before a quiet hour is signed too. */
  function signLater(): void {
    if (sign === undefined || unsigned === 0 || timer !== undefined) return
    timer = setTimeout(() => {
      timer = undefined
      if (unsigned > 0) add({ fields: marker('checkpoint') })
    }, checkpoint.afterMs).unref()
  }

  function giveBack(group: readonly WaitingRecord[], lines: readonly Sealed[], error: WriteFailure): void {
    let bytes = error.bytes
    let arrived = 0
    for (const { line, next } of lines) {
      bytes -= Buffer.byteLength(line)
      if (bytes < 0) break
      position = next
      arrived += 1
    }
    // Who waited was told that it failed, and makes no delete of it: an intent that is not there need not be written any more.
    const kept = group.slice(arrived).filter(({ done }) => done === undefined || !isRequired)
    const lost = waiting.replace([...kept.map(({ fields }) => ({ fields })), ...waiting.all])
    if (lost.length > 0) onEvent({ kind: 'lost', records: countEvents(lost) })
    for (const { done } of lost) done?.(error)
    if (!isFailing) onEvent({ kind: 'failed', error })
    isFailing = true
    for (const { done } of group) done?.(error)
    refuseWaiting(error)
    setTimeout(() => {
      // Only a write shows that writing is possible again.
      if (waiting.all.length === 0 && !isClosed) waiting.push({ fields: marker('checkpoint') })
      void pump()
    }, RETRY_MS).unref()
  }

  /** Nobody waits behind a disk that takes nothing. */
  function refuseWaiting(error: Error): void {
    const asked = waiting.all.filter(({ done }) => done !== undefined)
    waiting.replace(waiting.all.flatMap(({ fields, done }) => (done !== undefined && isRequired ? [] : [{ fields }])))
    for (const { done } of asked) done?.(error)
  }

  add({ fields: { ...marker('opened'), ...options.opening } })
  return {
    append: (fields) => add({ fields }),
    write(fields) {
      if (isFailing) {
        if (isRequired) return Promise.reject(new Error('The audit cannot be written at the moment'))
        add({ fields })
        return Promise.resolve()
      }
      return new Promise((resolve, reject) => {
        const done = (error?: Error): void => {
          clearTimeout(limit)
          if (error === undefined || !isRequired) resolve()
          else reject(error)
        }
        const limit = setTimeout(() => done(new Error('The audit was not written in time')), timeoutMs).unref()
        add({ fields, done })
      })
    },
    health: () => ({ failing: isFailing, waiting: countEvents(waiting.all) }),
    reopen: () => sink.reopen(),
    async close() {
      clearTimeout(timer)
      await pumping
      waiting.push({ fields: marker('closed') })
      isClosed = true
      await pump()
      const lost = waiting.takeFirst(Infinity)
      if (lost.length > 0) onEvent({ kind: 'lost', records: countEvents(lost) })
      await sink.close()
    },
  }
}

const SIGNED: ReadonlySet<unknown> = new Set(['opened', 'checkpoint', 'closed'])

/** A record about the chain itself. */
function marker(phase: 'opened' | 'checkpoint' | 'closed'): AuditFields {
  return {
    '@timestamp': new Date().toISOString(),
    'event.kind': 'event',
    'event.category': ['process'],
    'event.type': [MARKER_TYPES[phase]],
    'event.action': `audit-${phase}`,
    'event.outcome': 'success',
    'memory.phase': phase,
  }
}

const MARKER_TYPES = { opened: 'start', checkpoint: 'info', closed: 'end' } as const
