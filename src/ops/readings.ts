import { Counter, Gauge } from 'prom-client'
import type { Registry } from 'prom-client'

import { clusterReadings } from './cluster-readings.ts'
import type { ClusterReading } from './cluster-readings.ts'
import type { Reading, Sample } from './reading.ts'

/** What is read when the metrics are asked for: states, and counts that others keep. */
export interface Readings {
  readonly keySets: () => readonly {
    readonly issuer: string
    readonly usable: boolean
    readonly fetchedAt: number | undefined
    readonly keys: number
    readonly lastError: string | undefined
  }[]
  readonly clusters: () => readonly ClusterReading[]
  readonly checks: () => Readonly<Record<string, { readonly ok: boolean }>>
  /** Absent where there is none. */
  readonly audit: () => { readonly waiting: number } | undefined
  /** The deny list of tokens; absent where there is none. */
  readonly revocation: () =>
    { readonly entries: number; readonly reachable: boolean; readonly readAt: number | undefined } | undefined
  /** Erasures of people by state, of those that are kept; absent where they are off. */
  readonly erasures: () => ReadonlyMap<string, number> | undefined
  readonly tokens: () => { readonly remembered: number; readonly verified: number }
}

/** Takes up readings into a registry. */
export function watchReadings(readings: Readings, registry: Registry): void {
  for (const { kind: Kind, name, help, labels, read } of [
    ...ownReadings(readings),
    ...clusterReadings(readings.clusters),
  ]) {
    new Kind({
      name: `memory_gateway_${name}`,
      help,
      labelNames: labels,
      registers: [registry],
      collect() {
        this.reset()
        for (const [of, value] of read()) this.inc(of, value)
      },
    })
  }
}

function ownReadings({ keySets, checks, tokens, audit, revocation, erasures }: Readings): readonly Reading[] {
  return [
    {
      kind: Gauge,
      name: 'key_set_age_seconds',
      help: 'Time since the key set of an issuer was fetched.',
      labels: ['issuer'],
      read: () =>
        keySets().flatMap(({ issuer, fetchedAt }): readonly Sample[] =>
          fetchedAt === undefined ? [] : [[{ issuer }, (Date.now() - fetchedAt) / 1000]],
        ),
    },
    {
      kind: Gauge,
      name: 'key_set_keys',
      help: 'Keys of an issuer that are in use.',
      labels: ['issuer'],
      read: () => keySets().map(({ issuer, keys }) => [{ issuer }, keys]),
    },
    {
      kind: Gauge,
      name: 'ready',
      help: 'The checks of /readyz: 1 where they are good.',
      labels: ['check'],
      read: () => Object.entries(checks()).map(([check, { ok }]) => [{ check }, ok ? 1 : 0]),
    },
    {
      kind: Counter,
      name: 'token_verifications_total',
      help: 'Accepted tokens: verified, or remembered.',
      labels: ['result'],
      read: () => Object.entries(tokens()).map(([result, count]) => [{ result }, count]),
    },
    {
      kind: Gauge,
      name: 'revocation_entries',
      help: 'Entries of the deny list of tokens that are in force.',
      labels: [],
      read: () => {
        const health = revocation()
        return health === undefined ? [] : [[{}, health.entries]]
      },
    },
    {
      kind: Gauge,
      name: 'revocation_reachable',
      help: 'Whether the deny list of tokens can be read: 1, or 0 while the last one stays in force.',
      labels: [],
      read: () => {
        const health = revocation()
        return health === undefined ? [] : [[{}, health.reachable ? 1 : 0]]
      },
    },
    {
      kind: Gauge,
      name: 'revocation_age_seconds',
      help: 'Time since the deny list of tokens was read.',
      labels: [],
      read: () => {
        const readAt = revocation()?.readAt
        return readAt === undefined ? [] : [[{}, (Date.now() - readAt) / 1000]]
      },
    },
    {
      kind: Gauge,
      name: 'erasures',
      help: 'The last 100 erasures of people, by state.',
      labels: ['state'],
      read: () => [...(erasures() ?? [])].map(([state, count]) => [{ state }, count]),
    },
    {
      kind: Gauge,
      name: 'audit_waiting_records',
      help: 'Records of the audit that wait to be written.',
      labels: [],
      read: () => {
        const health = audit()
        return health === undefined ? [] : [[{}, health.waiting]]
      },
    },
  ]
}
