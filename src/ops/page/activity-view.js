import { bars, lines } from './chart.js'
import { element, nothing, table } from './element.js'
import { count, duration, words } from './format.js'

/** @import { ActivityReport } from '../activity-report.ts' */
/** @import { Series } from './chart.js' */

/** Colours are for few kinds; the table below the chart has every outcome. */
const KINDS = ['deleted', 'not found', 'refused', 'failed']

/** @param {string} outcome */
function kindOf(outcome) {
  if (outcome === 'deleted' || outcome === 'failed') return outcome
  return /NotFound$|^indexMissing$/.test(outcome) ? 'not found' : 'refused'
}

/** Of one period's length: how many there are room for. */
const SLOTS = 60

/** @param {ActivityReport} activity */
export function deletesView(activity) {
  const { periods, periodSeconds, whole } = activity
  const series = KINDS.map((name, position) => {
    const values = periods.map(({ deletes }) => sumOf(deletes, name))
    return { name, look: `series-${String(position + 1)}`, values, sum: count(sumOf(whole.deletes, name)) }
  })
  const told = series.map(({ name, sum }) => `${sum} ${name}`).join(', ')
  const outcomes = Object.entries(whole.deletes).sort(([, a], [, b]) => b - a)
  return [
    ...bars({
      title: `Deletes ${within(activity)}: ${told}`,
      tableName: 'Deletes by outcome over time',
      periods,
      slots: SLOTS,
      periodSeconds,
      series,
      word: count,
    }),
    outcomes.length === 0
      ? nothing(`No deletes ${within(activity)}.`)
      : table(
          'Deletes by outcome',
          ['Outcome', { name: 'Deletes', isNumber: true }],
          outcomes.map(([outcome, sum]) => [words(outcome), count(sum)]),
          outcomes.map(([outcome]) => outcome),
        ),
  ]
}

/**
 * @param {Readonly<Record<string, number>>} deletes
 * @param {string} kind
 */
function sumOf(deletes, kind) {
  return Object.entries(deletes)
    .filter(([outcome]) => kindOf(outcome) === kind)
    .reduce((sum, [, value]) => sum + value, 0)
}

/** @param {ActivityReport} activity */
function within({ periodSeconds }) {
  return periodSeconds === 60 ? 'in the last hour' : 'in the last 10 minutes'
}

const LATENCIES = /** @type {const} */ ({
  delete: 'Deletes of one memory, whole',
  otherMemory: 'Other memory requests, whole',
  passThrough: 'Passed through, whole',
  clusterLook: 'Looks at the cluster',
  clusterRemove: 'Removes at the cluster',
})

/** @param {ActivityReport} activity */
export function latencyView(activity) {
  const { periods, periodSeconds, whole } = activity
  /** @type {readonly Series[]} */
  const series = /** @type {const} */ (['p50', 'p95', 'p99']).map((name, position) => ({
    name,
    look: `line-${String(position + 1)}`,
    values: periods.map(({ latency }) => latency.delete[name]),
    sum: duration(whole.latency.delete[name]) ?? '–',
  }))
  const told = series.map(({ name, sum }) => `${name} ${sum}`).join(', ')
  const columns = ['Requests', 'p50', 'p95', 'p99'].map((name) => /** @type {const} */ ({ name, isNumber: true }))
  const rows = Object.entries(LATENCIES).map(([key, name]) => {
    const { count: requests, p50, p95, p99 } = whole.latency[/** @type {keyof typeof LATENCIES} */ (key)]
    return [name, count(requests), ...[p50, p95, p99].map(duration)]
  })
  return [
    ...lines({
      title: `Latency of deletes ${within(activity)}: ${told}`,
      tableName: 'Latency of deletes over time',
      periods,
      slots: SLOTS,
      periodSeconds,
      series,
      word: (seconds) => (seconds === 0 ? '0' : (duration(seconds) ?? '')),
    }),
    table(`Latency ${within(activity)}`, ['What', ...columns], rows),
    element(
      'p',
      { class: 'hint' },
      'Estimated within the buckets of the metrics’ histograms. The lines are deletes of one memory.',
    ),
  ]
}

/** @param {ActivityReport} activity */
export function batchesView(activity) {
  const { periods, periodSeconds, whole } = activity
  const series = /** @type {const} */ (['look', 'remove']).map((kind, position) => ({
    name: `${kind}s`,
    look: `series-${String(position === 0 ? 2 : 1)}`,
    values: periods.map(({ batches }) => batches[kind].items),
    sum: count(whole.batches[kind].items),
  }))
  const rows = /** @type {const} */ (['look', 'remove']).map((kind) => {
    const { requests, items } = whole.batches[kind]
    return [`${kind}s`, count(items), count(requests), requests === 0 ? undefined : count(items / requests)]
  })
  const numbers = ['Memories', 'Requests', 'Each']
  return [
    ...bars({
      title: `Memories in batches ${within(activity)}: ${series.map(({ name, sum }) => `${sum} ${name}`).join(', ')}`,
      tableName: 'Memories in batches over time',
      periods,
      slots: SLOTS,
      periodSeconds,
      series,
      word: count,
    }),
    table(
      `Batches ${within(activity)}`,
      ['Kind', ...numbers.map((name) => /** @type {const} */ ({ name, isNumber: true }))],
      rows,
    ),
  ]
}
