import type { NodeState } from '../core/cluster-nodes.ts'
import type { ReadChecks } from './health.ts'
import type { ClusterReading } from './cluster-readings.ts'
import type { Readings } from './readings.ts'
import type { OpsRoute } from './route.ts'

/** How the gateway is at the moment, for people; times as in `2026-11-22T10:00:00.000Z`. */
export interface StatusReport {
  readonly version: string
  readonly startedAt: string
  readonly at: string
  readonly ready: boolean
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly details: unknown }[]
  readonly clusters: readonly ClusterStatus[]
  readonly keySets: readonly {
    readonly issuer: string
    readonly usable: boolean
    readonly keys: number
    readonly fetchedAt?: string
    readonly lastError?: string
  }[]
  /** What this gateway has at all. */
  readonly features: {
    readonly audit: boolean
    readonly erasures: boolean
    /** Why there are no erasures, and what to do. */
    readonly erasuresOff?: string
  }
}

export interface ClusterStatus {
  readonly name: string
  readonly reachable: boolean
  readonly version?: string
  /** Why it cannot be used. */
  readonly problem?: string
  /** Looks and removes that wait for a place in a batch. */
  readonly waiting: number
  /** Connections that were handed over whole, as for WebSockets. */
  readonly upgraded: number
  readonly circuit: { readonly state: string; readonly opened: number; readonly refused: number }
  readonly ejections: number
  readonly retries: number
  readonly nodes: readonly {
    readonly node: string
    readonly state: NodeState['state']
    readonly since: string
    readonly outstanding: number
    readonly failures: number
  }[]
}

export interface StatusSources {
  readonly version: string
  readonly checks: ReadChecks
  readonly readings: Pick<Readings, 'clusters' | 'keySets'>
  readonly hasAudit: boolean
  /** `undefined` where there may be erasures. */
  readonly erasuresOff: () => string | undefined
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/** `GET /status`, which the ops page shows. */
export function statusRoute(sources: StatusSources): OpsRoute {
  const { version, checks, readings, hasAudit, erasuresOff, now = Date.now } = sources
  const startedAt = isoOf(now())
  const report = (): StatusReport => {
    const at = now()
    const off = erasuresOff()
    const all = Object.entries(checks()).map(([name, { ok, ...details }]) => ({ name, ok, details }))
    return {
      version,
      startedAt,
      at: isoOf(at),
      ready: all.every(({ ok }) => ok),
      checks: all,
      clusters: readings.clusters().map((reading) => wordCluster(reading, at)),
      keySets: readings.keySets().map(({ issuer, usable, keys, fetchedAt, lastError }) => ({
        issuer,
        usable,
        keys,
        ...(fetchedAt === undefined ? {} : { fetchedAt: isoOf(fetchedAt) }),
        ...(lastError === undefined ? {} : { lastError }),
      })),
      features: { audit: hasAudit, erasures: off === undefined, ...(off === undefined ? {} : { erasuresOff: off }) },
    }
  }
  return { method: 'GET', path: '/status', answer: () => ({ status: 200, body: report() }) }
}

function wordCluster({ cluster, waiting, upgraded, nodes, counters, circuit, health }: ClusterReading, at: number) {
  const { reachable, version, problem } = health
  return {
    name: cluster,
    reachable,
    ...(version === undefined ? {} : { version }),
    ...(problem === undefined ? {} : { problem }),
    waiting,
    upgraded,
    circuit,
    ejections: counters.ejections,
    retries: counters.retries,
    nodes: nodes.map(({ forMs, ...node }) => ({ ...node, since: isoOf(at - forMs) })),
  }
}

const isoOf = (time: number): string => new Date(time).toISOString()
