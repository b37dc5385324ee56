import { distributionSince, quantile } from '../core/quantile.ts'
import type { Distribution } from '../core/quantile.ts'
import type { ActivityReport, PeriodReport, LatencyReport } from './activity-report.ts'
import { failed } from './route.ts'
import type { OpsRoute } from './route.ts'
import { LATENCIES } from './totals.ts'
import type { Totals } from './totals.ts'

export interface Activity {
  /** @param strides periods of so many samples */
  report(strides: number): Promise<ActivityReport>
  close(): void
}

interface Sample {
  readonly at: number
  readonly totals: Totals
}

interface ActivityOptions {
  readonly totals: () => Promise<Totals>
  /** Milliseconds since 1970. */
  readonly now?: () => number
  readonly everyMs?: number
}

const SAMPLE_MS = 10_000
const PERIODS = 60
/** By the minutes that a caller asks for. */
const STRIDES: ReadonlyMap<string, number> = new Map([
  ['10', 1],
  ['60', 6],
])
/** One more than there are periods in an hour. */
const KEPT = PERIODS * 6 + 1

/** Keeps what was counted in the last hour, a sample each ten seconds. */
export async function openActivity({
  totals,
  now = Date.now,
  everyMs = SAMPLE_MS,
}: ActivityOptions): Promise<Activity> {
  const sample = async (): Promise<Sample> => ({ at: now(), totals: await totals() })
  const samples: Sample[] = [await sample()]
  /** Of the first that is kept, counted from the start. */
  let number = 0
  const timer = setInterval(() => {
    void sample().then((one) => {
      samples.push(one)
      if (samples.length <= KEPT) return
      samples.shift()
      number += 1
    })
  }, everyMs).unref()
  return {
    async report(strides) {
      const last = await sample()
      // Periods begin where the last ones began, whenever one asks.
      const ends = [...samples.filter((_, position) => (number + position) % strides === 0), last].slice(-PERIODS - 1)
      return {
        periodSeconds: (strides * everyMs) / 1_000,
        periods: ends.slice(1).map((end, position) => between(ends[position] ?? end, end)),
        whole: between(ends[0] ?? last, last),
      }
    },
    close: () => clearInterval(timer),
  }
}

/** `GET /activity?minutes=10`, or 60. */
export function activityRoute(activity: Pick<Activity, 'report'>): OpsRoute {
  return {
    method: 'GET',
    path: '/activity',
    async answer({ query }) {
      const strides = STRIDES.get(query.get('minutes') ?? '10')
      if (strides === undefined) return failed(400, 'minutes must be 10 or 60')
      return { status: 200, body: await activity.report(strides) }
    },
  }
}

function between(earlier: Sample, later: Sample): PeriodReport {
  const [before, after] = [earlier.totals, later.totals]
  const deletes = Object.entries(after.deletes)
    .map(([outcome, count]) => [outcome, count - (before.deletes[outcome] ?? 0)] as const)
    .filter(([, count]) => count > 0)
  const latency = LATENCIES.map((one) => [one, wordLatency(distributionSince(after.latency[one], before.latency[one]))])
  const batches = (['look', 'remove'] as const).map((kind) => [
    kind,
    {
      requests: after.batches[kind].requests - before.batches[kind].requests,
      items: after.batches[kind].items - before.batches[kind].items,
    },
  ])
  return {
    from: new Date(earlier.at).toISOString(),
    to: new Date(later.at).toISOString(),
    deletes: Object.fromEntries(deletes),
    latency: Object.fromEntries(latency) as PeriodReport['latency'],
    batches: Object.fromEntries(batches) as PeriodReport['batches'],
  }
}

function wordLatency(distribution: Distribution): LatencyReport {
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => quantile(share, distribution))
  const { count } = distribution
  return p50 === undefined || p95 === undefined || p99 === undefined ? { count } : { count, p50, p95, p99 }
}
