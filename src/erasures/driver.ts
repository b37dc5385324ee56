import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'

import { advance } from '../core/erasure/advance.ts'
import { isUnderWay } from '../core/erasure/record.ts'
import type { ErasureRecord } from '../core/erasure/record.ts'
import type { ErasureRecords, HeldRecord } from '../core/erasure/records.ts'
import { whyFailed } from '../core/erasure/world.ts'
import type { ErasureWorld } from '../core/erasure/world.ts'

/** What going on with erasures stands on, as it is at that moment. */
export interface DriverParts {
  readonly records: () => ErasureRecords
  /** Does the work with the clusters as they are; ends with the signal. */
  readonly inWorld: <Value>(work: (world: ErasureWorld) => Promise<Value>, signal: AbortSignal) => Promise<Value>
  /** Completes a record that has come to its end. */
  readonly finish: (record: ErasureRecord) => Promise<ErasureRecord>
  /** Told of what was written. */
  readonly onChange: (record: ErasureRecord, before: ErasureRecord) => void
  readonly onTrouble: (id: string, error: unknown) => void
  readonly settings: () => { readonly intervalMs: number; readonly leaseMs: number }
}

/** Goes on with erasures, one gateway each. */
export interface ErasureDriver {
  /** The name under which this gateway holds an erasure: no other has it, nor has it had it before its last start. */
  readonly name: string
  isDriving(id: string): boolean
  /** Goes on with an erasure that is held under its name. Never rejects; ends when the erasure does, or another has it. */
  drive(id: string): Promise<void>
  /** Lets go: whoever looks next may go on. */
  close(): Promise<void>
}

const FIRST_PAUSE_MS = 50

/** What a step came to. */
interface Step {
  /** The record before it, and as it was written meanwhile. */
  readonly first: HeldRecord
  readonly held: HeldRecord
  readonly record: ErasureRecord
  readonly isTroubled: boolean
}

export function createErasureDriver(name: string, parts: DriverParts): ErasureDriver {
  const driving = new Map<string, Promise<void>>()
  const closing = new AbortController()
  const isClosing = (): boolean => closing.signal.aborted

  async function go(id: string): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS
    let heardMs = performance.now()
    // What could not be written is not done again: its tasks run.
    let unwritten: Step | undefined
    while (!isClosing()) {
      const { intervalMs, leaseMs } = parts.settings()
      try {
        const came = unwritten ?? (await nextStep(id, leaseMs / 3))
        if (came === undefined) return
        const isSame = isDeepStrictEqual(came.record, came.held.record)
        if (!isSame || performance.now() - heardMs > leaseMs / 3) {
          unwritten = came
          heardMs = performance.now()
          await settle(came)
          unwritten = undefined
        }
        // Small parts are soon done: the first looks come soon after one another.
        const soonMs = isSame ? Math.min(2 * pauseMs, intervalMs) : Math.min(FIRST_PAUSE_MS, intervalMs)
        pauseMs = came.isTroubled ? intervalMs : soonMs
      } catch (error) {
        if (isClosing()) return
        parts.onTrouble(id, error)
        pauseMs = intervalMs
      }
      await delay(pauseMs, undefined, { signal: closing.signal }).catch(() => undefined)
    }
  }

  /** Writes what a step came to; somebody may have asked meanwhile that it stops, or have taken it. */
  async function settle({ first, held, record }: Step): Promise<void> {
    const done = isUnderWay(record) ? record : await parts.finish(record)
    const written = (await put(held, done)) ? done : await writeOver(done)
    if (written !== undefined) parts.onChange(written, first.record)
  }

  /** @returns what stands there by now; `undefined` where another has it */
  async function writeOver(done: ErasureRecord): Promise<ErasureRecord | undefined> {
    const now = await parts.records().read(done.id)
    if (now?.record.driver !== name) return undefined
    // Nobody else ends what is held here: an answer to this very order was lost.
    if (!isUnderWay(now.record)) return now.record
    // What was done counts all the same, and tasks that were started are to be stopped.
    const { isCancelling } = now.record
    const merged = isUnderWay(done) && isCancelling === true ? { ...done, isCancelling } : done
    return (await put(now, merged)) ? merged : undefined
  }

  /** @returns `undefined` where it has ended, or another has it */
  async function nextStep(id: string, everyMs: number): Promise<Step | undefined> {
    const held = await parts.records().read(id)
    return held?.record.driver === name && isUnderWay(held.record) ? step(held, everyMs) : undefined
  }

  /** One step, during which the record goes on saying that somebody is there. */
  async function step(first: HeldRecord, everyMs: number): Promise<Step> {
    let held = first
    let isTroubled = false
    const lost = new AbortController()
    const signal = AbortSignal.any([closing.signal, lost.signal])
    const onTrouble = (error: unknown): void => {
      isTroubled = true
      if (!signal.aborted) parts.onTrouble(first.record.id, error)
    }
    const work = parts
      .inWorld((world) => advance(world, first.record, onTrouble), signal)
      .catch((error: unknown): ErasureRecord => {
        const why = isClosing() ? undefined : whyFailed(error)
        if (why === undefined) throw error
        return { ...first.record, state: 'failed', reason: why }
      })
    for (;;) {
      const timer = new AbortController()
      const waited = delay(everyMs, 'late' as const, { signal: timer.signal }).catch(() => 'late' as const)
      const record = await Promise.race([work, waited]).finally(() => timer.abort())
      if (record !== 'late') return { first, held, record, isTroubled }
      const again = await parts
        .records()
        .replace(held, stamped(held.record))
        .catch(() => held)
      // Somebody else wrote: what this step comes to will not be written.
      if (again === undefined) lost.abort()
      else held = again
    }
  }

  async function put(held: HeldRecord, record: ErasureRecord): Promise<boolean> {
    return (await parts.records().replace(held, stamped(record))) !== undefined
  }

  return {
    name,
    isDriving: (id) => driving.has(id),
    async drive(id) {
      const going = driving.get(id) ?? go(id).finally(() => driving.delete(id))
      driving.set(id, going)
      await going
    },
    async close() {
      closing.abort()
      const ids = [...driving.keys()]
      await Promise.all(driving.values())
      await Promise.all(ids.map((id) => letGo(id).catch(() => undefined)))
    },
  }

  async function letGo(id: string): Promise<void> {
    const held = await parts.records().read(id)
    if (held?.record.driver === name) await put(held, { ...held.record, driver: '' })
  }
}

export function stamped(record: ErasureRecord): ErasureRecord {
  return { ...record, updatedAt: new Date().toISOString() }
}
