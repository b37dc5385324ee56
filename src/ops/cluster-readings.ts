import { Counter, Gauge } from 'prom-client'

import type { NodeCounters, NodeState } from '../core/cluster-nodes.ts'
import type { Reading, Sample } from './reading.ts'

export interface ClusterReading {
  readonly cluster: string
  /** What the last look at it saw. */
  readonly health: {
    readonly reachable: boolean
    readonly version: string | undefined
    readonly problem: string | undefined
  }
  /** Looks and removes that wait for a place in a batch. */
  readonly waiting: number
  /** Connections that callers upgraded. */
  readonly upgraded: number
  readonly nodes: readonly NodeState[]
  readonly counters: NodeCounters
  readonly circuit: { readonly state: string; readonly opened: number; readonly refused: number }
}

const OPENNESS: Readonly<Record<string, number>> = { open: 1, 'half-open': 0.5 }

/** What is read of each cluster and its nodes. */
export function clusterReadings(clusters: () => readonly ClusterReading[]): readonly Reading[] {
  const each = (value: (reading: ClusterReading) => number) => ({
    labels: ['cluster'],
    read: () => clusters().map((reading): Sample => [{ cluster: reading.cluster }, value(reading)]),
  })
  const eachNode = (value: (state: NodeState) => number) => ({
    labels: ['cluster', 'node'],
    read: () =>
      clusters().flatMap(({ cluster, nodes }) =>
        nodes.map((state): Sample => [{ cluster, node: state.node }, value(state)]),
      ),
  })
  return [
    {
      kind: Gauge,
      name: 'queue_items',
      help: 'Looks and removes that wait for a place in a batch.',
      ...each(({ waiting }) => waiting),
    },
    {
      kind: Gauge,
      name: 'upgraded_connections',
      help: 'Connections of callers that were upgraded, as to WebSocket, and stand.',
      ...each(({ upgraded }) => upgraded),
    },
    {
      kind: Gauge,
      name: 'node_up',
      help: 'Nodes that get requests: 0 for one that is ejected.',
      ...eachNode(({ state }) => (state === 'up' ? 1 : 0)),
    },
    {
      kind: Gauge,
      name: 'node_requests',
      help: 'Requests under way at a node.',
      ...eachNode(({ outstanding }) => outstanding),
    },
    {
      kind: Counter,
      name: 'node_ejections_total',
      help: 'Nodes that were ejected so far.',
      ...each(({ counters }) => counters.ejections),
    },
    {
      kind: Counter,
      name: 'retries_total',
      help: 'Requests sent again, and those for which no budget was left.',
      labels: ['cluster', 'result'],
      read: () =>
        clusters().flatMap(({ cluster, counters }): readonly Sample[] => [
          [{ cluster, result: 'sent' }, counters.retries],
          [{ cluster, result: 'refused' }, counters.retriesRefused],
        ]),
    },
    {
      kind: Gauge,
      name: 'circuit_open',
      help: 'Whether the circuit keeps requests from the cluster: 1 open, 0.5 half-open, 0 closed.',
      ...each(({ circuit }) => OPENNESS[circuit.state] ?? 0),
    },
    {
      kind: Counter,
      name: 'circuit_openings_total',
      help: 'How often the circuit has opened.',
      ...each(({ circuit }) => circuit.opened),
    },
    {
      kind: Counter,
      name: 'circuit_refusals_total',
      help: 'Requests that the circuit turned away.',
      ...each(({ circuit }) => circuit.refused),
    },
  ]
}
