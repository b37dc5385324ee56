import type { Counter, Histogram } from 'prom-client'

import type { Distribution } from '../core/quantile.ts'

export const LATENCIES = ['delete', 'otherMemory', 'passThrough', 'clusterLook', 'clusterRemove'] as const
export type Latency = (typeof LATENCIES)[number]
export type BatchKind = 'look' | 'remove'

/** What was counted since the start. */
export interface Totals {
  /** Memories, by what was decided of them; requests for deletes, by what kept them from being decided. */
  readonly deletes: Readonly<Record<string, number>>
  /** Seconds. */
  readonly latency: Readonly<Record<Latency, Distribution>>
  readonly batches: Readonly<Record<BatchKind, { readonly requests: number; readonly items: number }>>
}

interface Counted {
  readonly deletes: Counter
  readonly requests: Counter
  readonly durations: Histogram
  readonly upstream: Histogram
  readonly batches: Histogram
}

type Values = Awaited<ReturnType<Histogram['get']>>['values']

/** Adds up what the registry holds anyway: requests pay nothing for it. */
export async function readTotals({ deletes, requests, durations, upstream, batches }: Counted): Promise<Totals> {
  const [byOutcome, byStatus, byRoute, byOperation, bySize] = await Promise.all([
    deletes.get(),
    requests.get(),
    durations.get(),
    upstream.get(),
    batches.get(),
  ])
  const outcomes: Record<string, number> = {}
  const add = (outcome: string, value: number): void => void (outcomes[outcome] = (outcomes[outcome] ?? 0) + value)
  for (const { labels, value } of byOutcome.values) add(String(labels['outcome']), value)
  for (const { labels, value } of byStatus.values) {
    const outcome = DELETES.has(String(labels['route'])) ? undecided(Number(labels['status'])) : undefined
    if (outcome !== undefined) add(outcome, value)
  }
  const routes = (wanted: Latency): Distribution =>
    distributionOf(byRoute.values.filter(({ labels }) => latencyOf(String(labels['route'])) === wanted))
  const cluster = (operation: string): Distribution =>
    distributionOf(byOperation.values.filter(({ labels }) => labels['operation'] === operation))
  return {
    deletes: outcomes,
    latency: {
      delete: routes('delete'),
      otherMemory: routes('otherMemory'),
      passThrough: routes('passThrough'),
      clusterLook: cluster('look'),
      clusterRemove: cluster('remove'),
    },
    batches: { look: batchesOf(bySize.values, 'look'), remove: batchesOf(bySize.values, 'remove') },
  }
}

const DELETES: ReadonlySet<string> = new Set([
  'deleteMemory',
  'deleteLegacyMemory',
  'deleteLegacyMemories',
  'deleteByQuery',
  'deleteContainer',
])

/** Statuses that no decision about a memory comes with. */
function undecided(status: number): 'failed' | 'limited' | 'unauthenticated' | undefined {
  if (status >= 500) return 'failed'
  if (status === 429) return 'limited'
  return status === 401 ? 'unauthenticated' : undefined
}

/** Requests that never had a route say nothing of how long any takes. */
function latencyOf(route: string): Latency | undefined {
  if (route === 'deleteMemory' || route === 'deleteLegacyMemory') return 'delete'
  if (route === 'passThrough') return 'passThrough'
  return route === 'refused' ? undefined : 'otherMemory'
}

function distributionOf(values: Values): Distribution {
  const upTo = new Map<number, number>()
  let count = 0
  for (const { labels, value, metricName } of values) {
    const bound = Number(labels['le'])
    if (metricName?.endsWith('_count') === true) count += value
    else if (Number.isFinite(bound)) upTo.set(bound, (upTo.get(bound) ?? 0) + value)
  }
  const sorted = [...upTo].sort(([a], [b]) => a - b)
  return { bounds: sorted.map(([bound]) => bound), upTo: sorted.map(([, counted]) => counted), count }
}

function batchesOf(values: Values, kind: BatchKind): { readonly requests: number; readonly items: number } {
  const sumOf = (suffix: string): number =>
    values
      .filter(({ labels, metricName }) => labels['operation'] === kind && metricName?.endsWith(suffix) === true)
      .reduce((sum, { value }) => sum + value, 0)
  return { requests: sumOf('_count'), items: sumOf('_sum') }
}
