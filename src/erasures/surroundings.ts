import { hash as hashOf } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

import type { ConfigFile } from '../config/schema.ts'
import type { Person } from '../core/erasure/person.ts'
import { planIn, textOfPlan } from '../core/erasure/plan.ts'
import type { Plan } from '../core/erasure/plan.ts'
import type { ErasureRecord } from '../core/erasure/record.ts'
import { recordsInMemory } from '../core/erasure/records.ts'
import type { ErasureRecords } from '../core/erasure/records.ts'
import type { ErasureWorld } from '../core/erasure/world.ts'
import { GatewayError } from '../core/failure.ts'
import type { GatewayCluster } from '../open-cluster.ts'
import { routesOf } from '../open-clusters.ts'
import type { AuditWriter } from '../ops/audit/writer.ts'
import type { Log } from '../ops/log.ts'
import type { Metrics } from '../ops/metrics.ts'

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

/** Where erasures are kept: without an index in memory, for this process alone. */
export type Kept = 'inIndex' | 'inMemory'

/** The clusters, as erasures ask them, and where erasures are kept. */
export interface ErasureAccess {
  /** Why there are none, and what to do; `undefined` where there may be. */
  off(): string | undefined
  /** @throws GatewayError where they are off */
  records(): ErasureRecords
  /** Does the work with the clusters as they are; ends with the signal. */
  inWorld<Value>(work: (world: ErasureWorld) => Promise<Value>, signal: AbortSignal): Promise<Value>
  planFor(person: Person, signal: AbortSignal): Promise<HashedPlan>
}

export interface HashedPlan {
  readonly plan: Plan
  readonly hash: string
}

const OFF =
  'Erasures are off: set erasures.cluster in the configuration to the cluster that is to keep them, or use memory-gateway erase'

export function openErasureAccess({ now, use }: Pick<ErasureSurroundings, 'now' | 'use'>, kept: Kept): ErasureAccess {
  const memory = kept === 'inMemory' ? recordsInMemory() : undefined

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
        pause: (ms) => delay(ms, undefined, { signal: limited }).catch(() => undefined),
      })
    })
  }

  return {
    off: () => (memory === undefined && now().config.erasures.cluster === undefined ? OFF : undefined),
    records() {
      if (memory !== undefined) return memory
      const { config, clusters } = now()
      const cluster = clusters.get(config.erasures.cluster ?? '')
      if (cluster === undefined) throw new GatewayError('upstreamUnavailable', { reason: OFF })
      return cluster.erasureRecords(config.erasures.index)
    },
    inWorld,
    planFor: (person, signal) =>
      inWorld(async ({ stores, policy }) => {
        const plans: Plan[] = []
        for (const [cluster, store] of stores) plans.push(await planIn(cluster, store, person, policy))
        const parts = plans.flatMap((plan) => plan.parts)
        const sum = (of: 'containers' | 'indices'): number => plans.reduce((total, plan) => total + plan[of], 0)
        const plan = { parts, containers: sum('containers'), indices: sum('indices') }
        return { plan, hash: hashOf('sha256', textOfPlan(person, parts), 'base64url') }
      }, signal),
  }
}
