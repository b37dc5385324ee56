import { Counter, Gauge } from 'prom-client'
import type { Registry } from 'prom-client'

import type { NodeCounters, NodeState } from '../core/cluster-nodes.ts'

/** What is read when the metrics are asked for: states, and counts that others keep. */
export interface Readings {
  readonly keySets: () => readonly {
    readonly issuer: string
    readonly fetchedAt: number | undefined
    readonly keys: number
  }[]
  readonly clusters: () => readonly ClusterReading[]
  readonly checks: () => Readonly<Record<string, { readonly ok: boolean }>>
  readonly tokens: () => { readonly remembered: number; readonly verified: number }
}

interface ClusterReading {
  readonly cluster: string
  /** Looks and removes that wait for a place in a batch. */
  readonly waiting: number
  readonly nodes: readonly NodeState[]
  readonly counters: NodeCounters
  readonly circuit: { readonly state: string; readonly opened: number; readonly refused: number }
}

type Labels = Readonly<Record<string, string>>
type Read = () => readonly (readonly [labels: Labels, value: number])[]

/** Takes up readings into a registry. */
export function watchReadings({ keySets, clusters, checks, tokens }: Readings, registry: Registry): void {
  const each = (value: (reading: ClusterReading) => number): Read => {
    return () => clusters().map((reading) => [{ cluster: reading.cluster }, value(reading)])
  }
  const ofNodes = (value: (state: NodeState) => number): Read => {
    return () =>
      clusters().flatMap(({ cluster, nodes }) =>
        nodes.map((state): readonly [Labels, number] => [{ cluster, node: state.node }, value(state)]),
      )
  }
  gauge(registry, 'key_set_age_seconds', 'Time since the key set of an issuer was fetched.', ['issuer'], () =>
    keySets().flatMap(({ issuer, fetchedAt }) =>
      fetchedAt === undefined ? [] : [[{ issuer }, (Date.now() - fetchedAt) / 1000] as const],
    ),
  )
  gauge(registry, 'key_set_keys', 'Keys of an issuer that are in use.', ['issuer'], () =>
    keySets().map(({ issuer, keys }) => [{ issuer }, keys]),
  )
  gauge(registry, 'ready', 'The checks of /readyz: 1 where they are good.', ['check'], () =>
    Object.entries(checks()).map(([check, { ok }]) => [{ check }, ok ? 1 : 0]),
  )
  counter(registry, 'token_verifications_total', 'Accepted tokens: verified, or remembered.', ['result'], () =>
    Object.entries(tokens()).map(([result, count]) => [{ result }, count]),
  )
  const waiting = 'Looks and removes that wait for a place in a batch.'
  gauge(
    registry,
    'queue_items',
    waiting,
    ['cluster'],
    each((reading) => reading.waiting),
  )
  const up = 'Nodes that get requests: 0 for one that is ejected.'
  gauge(
    registry,
    'node_up',
    up,
    ['cluster', 'node'],
    ofNodes(({ state }) => (state === 'up' ? 1 : 0)),
  )
  const underWay = 'Requests under way at a node.'
  gauge(
    registry,
    'node_requests',
    underWay,
    ['cluster', 'node'],
    ofNodes((state) => state.outstanding),
  )
  const ejections = 'Nodes that were ejected so far.'
  counter(
    registry,
    'node_ejections_total',
    ejections,
    ['cluster'],
    each(({ counters }) => counters.ejections),
  )
  counter(
    registry,
    'retries_total',
    'Requests sent again, and those for which no budget was left.',
    ['cluster', 'result'],
    () =>
      clusters().flatMap(({ cluster, counters }) => [
        [{ cluster, result: 'sent' }, counters.retries] as const,
        [{ cluster, result: 'refused' }, counters.retriesRefused] as const,
      ]),
  )
  const isOpen = 'Whether the circuit keeps requests from the cluster: 1 open, 0.5 half-open, 0 closed.'
  gauge(
    registry,
    'circuit_open',
    isOpen,
    ['cluster'],
    each(({ circuit }) => OPENNESS[circuit.state] ?? 0),
  )
  const opened = 'How often the circuit has opened.'
  counter(
    registry,
    'circuit_openings_total',
    opened,
    ['cluster'],
    each(({ circuit }) => circuit.opened),
  )
  const refused = 'Requests that the circuit turned away.'
  counter(
    registry,
    'circuit_refusals_total',
    refused,
    ['cluster'],
    each(({ circuit }) => circuit.refused),
  )
}

const OPENNESS: Readonly<Record<string, number>> = { open: 1, 'half-open': 0.5 }

function gauge(registry: Registry, name: string, help: string, labelNames: readonly string[], read: Read): void {
  new Gauge({
    name: `memory_gateway_${name}`,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset()
      for (const [labels, value] of read()) this.set(labels, value)
    },
  })
}

function counter(registry: Registry, name: string, help: string, labelNames: readonly string[], read: Read): void {
  new Counter({
    name: `memory_gateway_${name}`,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset()
      for (const [labels, value] of read()) this.inc(labels, value)
    },
  })
}
