import { hash as hashOf, randomUUID } from 'node:crypto'

import type { ConfigFile } from './config/schema.ts'
import { auditFields } from './core/audit/event.ts'
import type { AuditEvent } from './core/audit/event.ts'
import type { ErasureWorld } from './core/erasure/advance.ts'
import { personNamed } from './core/erasure/person.ts'
import type { Person } from './core/erasure/person.ts'
import { planIn, textOfPlan } from './core/erasure/plan.ts'
import type { Plan } from './core/erasure/plan.ts'
import { statementOfErasure } from './core/erasure/receipt.ts'
import { erasureOf, isUnderWay, plannedRecord, replanned } from './core/erasure/record.ts'
import type { ErasureRecord, ErasureState } from './core/erasure/record.ts'
import { recordsInMemory } from './core/erasure/records.ts'
import type { ErasureRecords, HeldRecord } from './core/erasure/records.ts'
import { FAILURES, GatewayError } from './core/failure.ts'
import { createErasureDriver, stamped } from './erasure-driver.ts'
import type { GatewayCluster } from './open-cluster.ts'
import { routesOf } from './open-clusters.ts'
import type { AuditWriter } from './ops/audit/writer.ts'
import type { ErasureAnswer, Erasures } from './ops/erasures.ts'
import { causesOf } from './ops/log.ts'
import type { Log } from './ops/log.ts'
import type { Metrics } from './ops/metrics.ts'

interface Signing {
  /** @returns `undefined` where it could not be signed */
  sign(statement: Readonly<Record<string, unknown>>): Promise<string | undefined>
}

/** What erasures need of the configuration that is in force. */
export interface ErasureParts {
  readonly config: ConfigFile
  readonly clusters: ReadonlyMap<string, Pick<GatewayCluster, 'erasureStoreFor' | 'erasureRecords'>>
  readonly receipts: { readonly receipts: Signing | undefined } | undefined
}

export interface ErasureSurroundings {
  readonly now: () => ErasureParts
  /** Does the work with parts that stay until it is done. */
  readonly use: <Value>(work: (parts: ErasureParts) => Promise<Value>) => Promise<Value>
  readonly audit: Pick<AuditWriter, 'write' | 'append'> | undefined
  readonly log: Pick<Log, 'info' | 'warn'>
  readonly metrics: Pick<Metrics, 'erased'>
  /** Told of each change, for whoever watches. */
  readonly onChange?: (record: ErasureRecord) => void
}

export interface OpenErasures extends Erasures {
  /** By state, as they were last seen; `undefined` where there are none of ours. */
  counts(): ReadonlyMap<ErasureState, number> | undefined
  /** Looks for erasures that nobody goes on with. Never rejects. */
  takeUp(): Promise<void>
  /** Resolves when an erasure that this gateway goes on with has ended, or another has it. */
  ended(id: string): Promise<void>
  close(): Promise<void>
}

const OFF =
  'Erasures are off: set erasures.cluster in the configuration to the cluster that is to keep them, or use memory-gateway erase'

/** @param kept where there is no index for them: in memory, for this process alone */
export function openErasures(
  { now, use, audit, log, metrics, onChange }: ErasureSurroundings,
  kept: 'inIndex' | 'inMemory' = 'inIndex',
): OpenErasures {
  const memory = kept === 'inMemory' ? recordsInMemory() : undefined
  const name = randomUUID()
  const closing = new AbortController()
  const seen = new Map<string, { readonly version: string; readonly sinceMs: number }>()
  let counted: ReadonlyMap<ErasureState, number> = new Map()
  const isOff = (): boolean => memory === undefined && now().config.erasures.cluster === undefined

  function records(): ErasureRecords {
    if (memory !== undefined) return memory
    const { config, clusters } = now()
    const cluster = clusters.get(config.erasures.cluster ?? '')
    if (cluster === undefined) throw new GatewayError('upstreamUnavailable', { reason: OFF })
    return cluster.erasureRecords(config.erasures.index)
  }

  function inWorld<Value>(work: (world: ErasureWorld) => Promise<Value>, signal: AbortSignal): Promise<Value> {
    return use(({ config, clusters }) => {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(config.erasures.deadline)])
      const routed = new Set(routesOf(config).map(({ cluster }) => cluster))
      const stores = [...clusters].filter(([one]) => routed.has(one))
      const { ownership, containersWithoutOwner } = config.memory
      return work({
        stores: new Map(stores.map(([one, { erasureStoreFor }]) => [one, erasureStoreFor(limited)])),
        policy: { ownership, containersWithoutOwner },
        requestsPerSecond: config.erasures.requestsPerSecond,
        slices: config.erasures.slices,
      })
    })
  }

  const planFor = (person: Person): Promise<{ readonly plan: Plan; readonly hash: string }> =>
    inWorld(async ({ stores, policy }) => {
      const plans: Plan[] = []
      for (const [cluster, store] of stores) plans.push(await planIn(cluster, store, person, policy))
      const parts = plans.flatMap((plan) => plan.parts)
      const sum = (of: 'containers' | 'indices'): number => plans.reduce((total, plan) => total + plan[of], 0)
      const plan = { parts, containers: sum('containers'), indices: sum('indices') }
      return { plan, hash: hashOf('sha256', textOfPlan(person, parts), 'base64url') }
    }, closing.signal)

  const driver = createErasureDriver(name, {
    records,
    inWorld,
    finish,
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

  async function finish(record: ErasureRecord): Promise<ErasureRecord> {
    if (record.state !== 'done') return record
    const { receipts } = now().receipts ?? {}
    if (receipts === undefined) return record
    const receipt = await receipts.sign(statementOfErasure(record, new Date().toISOString()))
    return receipt === undefined ? { ...record, reason: 'The receipt could not be signed' } : { ...record, receipt }
  }

  function ended(record: ErasureRecord): void {
    const { id, state, deleted, total } = record
    const result = state === 'done' ? 'success' : 'failure'
    audit?.append(auditFields({ ...eventOf(record), phase: 'outcome', result, outcome: state, deleted }))
    log.info('an erasure has ended', { id, state, total, deleted })
  }

  async function look(): Promise<void> {
    if (isOff()) return
    const all = await records().list()
    const counts = new Map<ErasureState, number>()
    for (const { record } of all) counts.set(record.state, (counts.get(record.state) ?? 0) + 1)
    counted = counts
    const open = all.filter(({ record }) => isUnderWay(record) && !driver.isDriving(record.id))
    for (const id of seen.keys()) if (!open.some(({ record }) => record.id === id)) seen.delete(id)
    for (const held of open) if (isLeft(held)) await take(held)
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
    return performance.now() - before.sinceMs >= now().config.erasures.lease
  }

  async function take(held: HeldRecord): Promise<void> {
    const mine = await records().replace(held, stamped({ ...held.record, driver: name }))
    if (mine === undefined) return
    log.info('an erasure that had lost its gateway goes on here', { id: held.record.id })
    void driver.drive(held.record.id)
  }

  async function takeUp(): Promise<void> {
    await look().catch((error: unknown) => log.warn('erasures cannot be read', { causes: causesOf(error) }))
  }

  function lookLater(): void {
    if (closing.signal.aborted || memory !== undefined) return
    timer = setTimeout(() => void takeUp().then(lookLater), now().config.erasures.lease / 3).unref()
  }
  let timer: NodeJS.Timeout | undefined
  lookLater()

  async function start(held: HeldRecord, hash: string): Promise<ErasureAnswer> {
    const { record } = held
    const found = await planFor(record.person)
    if (found.hash !== hash) {
      const next = stamped(replanned(record, found.plan, found.hash))
      await records().replace(held, next)
      audit?.append(auditFields({ ...eventOf(next), phase: 'refusal', result: 'failure', outcome: 'planNoLongerFits' }))
      return refused('The plan no longer fits: look at the new one, and apply it by its hash', next)
    }
    const at = new Date().toISOString()
    // With the places where the indices stand now, which the plan has too, but earlier.
    const next = { ...replanned(record, found.plan, hash), state: 'running' as const, appliedAt: at, driver: name }
    await intend(next)
    const mine = await records().replace(held, stamped(next))
    if (mine === undefined) {
      audit?.append(auditFields({ ...eventOf(next), phase: 'refusal', result: 'failure', outcome: 'changedMeanwhile' }))
      return refused('Somebody else has changed it meanwhile', undefined)
    }
    void driver.drive(record.id)
    return { kind: 'erasure', erasure: erasureOf(mine.record) }
  }

  async function intend(record: ErasureRecord): Promise<void> {
    if (audit === undefined) return
    try {
      await audit.write(auditFields({ ...eventOf(record), phase: 'intent', result: 'unknown' }))
    } catch (cause) {
      throw new GatewayError('auditUnavailable', { reason: FAILURES.auditUnavailable.reason, cause })
    }
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
    off: () => (isOff() ? OFF : undefined),
    async plan(request) {
      const person = personNamed(request, now().config.auth.issuers)
      if (typeof person === 'string') return { kind: 'invalid', why: person }
      const planned = await planFor(person)
      const at = new Date().toISOString()
      const held = await records().create(plannedRecord({ id: randomUUID(), at, request, person, ...planned }))
      return { kind: 'erasure', erasure: erasureOf(held.record) }
    },
    async apply(id, hash) {
      const held = await records().read(id)
      if (held === undefined) return { kind: 'notFound' }
      const { record } = held
      if (record.state !== 'planned') return refused(`It is ${record.state} already`, record)
      return record.hash === hash ? start(held, hash) : refused('The hash is not that of the plan', record)
    },
    cancel,
    list: async () => (await records().list()).map(({ record }) => erasureOf(record)),
    async read(id) {
      const held = await records().read(id)
      return held === undefined ? { kind: 'notFound' } : { kind: 'erasure', erasure: erasureOf(held.record) }
    },
    counts: () => (isOff() ? undefined : counted),
    takeUp,
    ended: (id) => driver.drive(id),
    async close() {
      closing.abort()
      clearTimeout(timer)
      await driver.close()
    },
  }
}

function refused(why: string, record: ErasureRecord | undefined): ErasureAnswer {
  return { kind: 'refused', why, ...(record === undefined ? {} : { erasure: erasureOf(record) }) }
}

function eventOf({ id, person, subject, issuer, total, hash }: ErasureRecord): Omit<AuditEvent, 'phase' | 'result'> {
  return {
    at: Date.now(),
    eventId: id,
    requestId: id,
    action: 'erase-person',
    targetSubject: subject,
    targetIssuer: issuer,
    rule: Object.keys(person.namespace).length === 0 ? 'owner' : 'owner/namespace',
    planHash: hash,
    total,
  }
}
