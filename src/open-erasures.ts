import { randomUUID } from 'node:crypto'

import { statementOfErasure } from './core/erasure/receipt.ts'
import { isUnderWay } from './core/erasure/record.ts'
import type { ErasureRecord, ErasureState } from './core/erasure/record.ts'
import { createErasureAudit } from './erasures/audit.ts'
import { createErasureDriver } from './erasures/driver.ts'
import { createErasureOrders } from './erasures/orders.ts'
import { openErasureAccess } from './erasures/surroundings.ts'
import type { ErasureSurroundings, Kept } from './erasures/surroundings.ts'
import { watchErasures } from './erasures/watch.ts'
import type { Erasures } from './ops/erasures.ts'
import { causesOf } from './ops/log.ts'

export interface OpenErasures extends Erasures {
  /** By state, as they were last seen; `undefined` where there are none of ours. */
  counts(): ReadonlyMap<ErasureState, number> | undefined
  /** Looks for erasures that nobody goes on with. Never rejects. */
  takeUp(): Promise<void>
  /** Resolves when an erasure that this gateway goes on with has ended, or another has it. */
  ended(id: string): Promise<void>
  close(): Promise<void>
}

export function openErasures(surroundings: ErasureSurroundings, kept: Kept = 'inIndex'): OpenErasures {
  const { now, log, metrics, onChange } = surroundings
  const closing = new AbortController()
  const access = openErasureAccess(surroundings, kept)
  const audit = createErasureAudit(surroundings.audit)

  const driver = createErasureDriver(randomUUID(), {
    records: () => access.records(),
    inWorld: (work, signal) => access.inWorld(work, signal),
    async finish(record) {
      const { receipts } = now().receipts ?? {}
      if (record.state !== 'done' || receipts === undefined) return record
      const receipt = await receipts.sign(statementOfErasure(record, new Date().toISOString()))
      return receipt === undefined ? { ...record, reason: 'The receipt could not be signed' } : { ...record, receipt }
    },
    settings: () => ({ intervalMs: now().config.erasures.interval, leaseMs: now().config.erasures.lease }),
    onTrouble: (id, error) => log.warn('an erasure cannot go on at the moment', { id, causes: causesOf(error) }),
    onChange(record, before) {
      for (const [position, { cluster, deleted }] of record.parts.entries()) {
        const more = deleted - (before.parts[position]?.deleted ?? 0)
        if (more > 0) metrics.erased(cluster, more)
      }
      if (!isUnderWay(record)) ended(record)
      onChange?.(record)
    },
  })

  function ended(record: ErasureRecord): void {
    audit.ended(record)
    const { id, state, deleted, total } = record
    log.info('an erasure has ended', { id, state, total, deleted })
  }

  const watch = watchErasures({ access, driver, now, log })
  if (kept === 'inIndex') watch.start()

  return {
    ...createErasureOrders({ now, access, driver, audit, signal: closing.signal }),
    counts: () => (access.off() === undefined ? watch.counts() : undefined),
    takeUp: () => watch.takeUp(),
    ended: (id) => driver.drive(id),
    async close() {
      closing.abort()
      watch.close()
      await driver.close()
    },
  }
}
