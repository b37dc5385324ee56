import { isUnderWay } from '../core/erasure/record.ts'
import type { ErasureState } from '../core/erasure/record.ts'
import type { HeldRecord, UnreadableRecord } from '../core/erasure/records.ts'
import { causesOf } from '../ops/log.ts'
import type { ErasureDriver } from './driver.ts'
import { stamped } from './driver.ts'
import type { ErasureAccess, ErasureSurroundings } from './surroundings.ts'

interface WatchParts extends Pick<ErasureSurroundings, 'now' | 'log'> {
  readonly access: Pick<ErasureAccess, 'off' | 'records'>
  readonly driver: Pick<ErasureDriver, 'name' | 'isDriving' | 'drive'>
}

export interface ErasureWatch {
  /** By state, as they were last seen. */
  counts(): ReadonlyMap<ErasureState, number>
  /** Looks for erasures that nobody goes on with. Never rejects. */
  takeUp(): Promise<void>
  /** Looks again and again. */
  start(): void
  close(): void
}

/** Watches over erasures whose gateways may have gone. */
export function watchErasures({ access, driver, now, log }: WatchParts): ErasureWatch {
  const seen = new Map<string, { readonly version: string; readonly sinceMs: number }>()
  const told = new Set<string>()
  let counted: ReadonlyMap<ErasureState, number> = new Map()
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  async function look(): Promise<void> {
    if (access.off() !== undefined) return
    const { held, unreadable } = await access.records().list()
    unreadable.forEach(tellOnce)
    const counts = new Map<ErasureState, number>()
    for (const { record } of held) counts.set(record.state, (counts.get(record.state) ?? 0) + 1)
    counted = counts
    const open = held.filter(({ record }) => isUnderWay(record) && !driver.isDriving(record.id))
    for (const id of seen.keys()) if (!open.some(({ record }) => record.id === id)) seen.delete(id)
    for (const one of open) if (isLeft(one)) await take(one)
  }

  function tellOnce({ id, reason }: UnreadableRecord): void {
    const key = JSON.stringify([id, reason])
    if (told.has(key)) return
    told.add(key)
    log.warn('an erasure cannot be read, and is left alone', { id, reason })
  }

  /** By our own clock alone: whether it was written since, not when. */
  function isLeft({ record, seqNo, primaryTerm }: HeldRecord): boolean {
    if (record.driver === '') return true
    const version = `${String(primaryTerm)}/${String(seqNo)}`
    const before = seen.get(record.id)
    if (before?.version !== version) {
      seen.set(record.id, { version, sinceMs: performance.now() })
      return false
    }
    // check: erasure-lease
    if (performance.now() - before.sinceMs < now().config.erasures.lease) return false
    return true
  }

  async function take(held: HeldRecord): Promise<void> {
    const mine = await access.records().replace(held, stamped({ ...held.record, driver: driver.name }))
    if (mine === undefined) return
    log.info('an erasure that had lost its gateway goes on here', { id: held.record.id })
    void driver.drive(held.record.id)
  }

  async function takeUp(): Promise<void> {
    await look().catch((error: unknown) => log.warn('erasures cannot be read', { causes: causesOf(error) }))
  }

  function start(): void {
    if (isClosed) return
    timer = setTimeout(() => void takeUp().then(start), now().config.erasures.lease / 3).unref()
  }

  return {
    counts: () => counted,
    takeUp,
    start,
    close() {
      isClosed = true
      clearTimeout(timer)
    },
  }
}
