import { randomUUID } from 'node:crypto'

import { personNamed } from '../core/erasure/person.ts'
import { erasureOf, isUnderWay, plannedRecord, replanned } from '../core/erasure/record.ts'
import type { ErasureRecord } from '../core/erasure/record.ts'
import type { HeldRecord } from '../core/erasure/records.ts'
import type { ErasureAnswer, Erasures } from '../ops/erasures.ts'
import type { ErasureAudit } from './audit.ts'
import { stamped } from './driver.ts'
import type { ErasureDriver } from './driver.ts'
import type { ErasureAccess, ErasureSurroundings } from './surroundings.ts'

interface OrderParts extends Pick<ErasureSurroundings, 'now'> {
  readonly access: ErasureAccess
  readonly driver: Pick<ErasureDriver, 'name' | 'drive'>
  readonly audit: ErasureAudit
  /** Plans end with it. */
  readonly signal: AbortSignal
}

/** What operators ask of erasures. */
export function createErasureOrders({ now, access, driver, audit, signal }: OrderParts): Erasures {
  const records = () => access.records()

  async function start(held: HeldRecord, hash: string): Promise<ErasureAnswer> {
    const { record } = held
    const found = await access.planFor(record.person, signal)
    // check: erasure-plan-fits
    if (found.hash !== hash) {
      const next = stamped(replanned(record, found.plan, found.hash))
      await records().replace(held, next)
      audit.refused(next, 'planNoLongerFits')
      return refused('The plan no longer fits: look at the new one, and apply it by its hash', next)
    }
    const at = new Date().toISOString()
    // With the places where the indices stand now, which the plan has too, but earlier.
    const next = {
      ...replanned(record, found.plan, hash),
      state: 'running' as const,
      appliedAt: at,
      driver: driver.name,
    }
    await audit.intended(next)
    const mine = await records().replace(held, stamped(next))
    if (mine === undefined) {
      audit.refused(next, 'changedMeanwhile')
      return refused('Somebody else has changed it meanwhile', undefined)
    }
    void driver.drive(record.id)
    return { kind: 'erasure', erasure: erasureOf(mine.record) }
  }

  async function cancel(id: string): Promise<ErasureAnswer> {
    const held = await records().read(id)
    if (held === undefined) return { kind: 'notFound' }
    const { record } = held
    if (record.state !== 'planned' && !isUnderWay(record)) return refused(`It is ${record.state} already`, record)
    const asked: ErasureRecord =
      record.state === 'planned'
        ? { ...record, state: 'cancelled', reason: 'It was cancelled' }
        : { ...record, isCancelling: true }
    const written = await records().replace(held, stamped(asked))
    // It has made a step meanwhile.
    return written === undefined ? cancel(id) : { kind: 'erasure', erasure: erasureOf(written.record) }
  }

  return {
    off: () => access.off(),
    async plan(request) {
      const person = personNamed(request, now().config.auth.issuers)
      if (typeof person === 'string') return { kind: 'invalid', why: person }
      const planned = await access.planFor(person, signal)
      const at = new Date().toISOString()
      const held = await records().create(plannedRecord({ id: randomUUID(), at, request, person, ...planned }))
      return { kind: 'erasure', erasure: erasureOf(held.record) }
    },
    async apply(id, hash) {
      const held = await records().read(id)
      if (held === undefined) return { kind: 'notFound' }
      const { record } = held
      // check: erasure-applied-once
      if (record.state !== 'planned') return refused(`It is ${record.state} already`, record)
      // check: erasure-hash
      if (record.hash !== hash) return refused('The hash is not that of the plan', record)
      return start(held, hash)
    },
    cancel,
    async list() {
      const { held, unreadable } = await records().list()
      return { erasures: held.map(({ record }) => erasureOf(record)), unreadable }
    },
    async read(id) {
      const held = await records().read(id)
      return held === undefined ? { kind: 'notFound' } : { kind: 'erasure', erasure: erasureOf(held.record) }
    },
  }
}

function refused(why: string, record: ErasureRecord | undefined): ErasureAnswer {
  return { kind: 'refused', why, ...(record === undefined ? {} : { erasure: erasureOf(record) }) }
}
