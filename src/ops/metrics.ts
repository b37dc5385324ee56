import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client'

import { FAILURES } from '../core/failure.ts'
import { openConfigMetrics } from './config-metrics.ts'
import type { ConfigSample } from './config-metrics.ts'
import { watchReadings } from './readings.ts'
import type { Readings } from './readings.ts'
import { readTotals } from './totals.ts'
import type { Totals } from './totals.ts'

/** One request, as it ended. */
export interface RequestSample {
  /** A route's kind, or `refused` where there was none. */
  readonly route: string
  readonly dialect: string
  readonly status: number
  readonly seconds: number
  /** Of these, those in which it did not wait for a cluster. */
  readonly ownSeconds: number
}

/** One request of ours to a cluster, or one that was passed through. */
export interface UpstreamSample {
  readonly cluster: string
  readonly operation: 'look' | 'remove' | 'forward'
  readonly seconds: number
  readonly result: 'answered' | 'failed'
}

/** What the gateway counts, under Prometheus' naming rules: base units, `_total` for counters. */
export interface Metrics {
  request(sample: RequestSample): void
  upstream(sample: UpstreamSample): void
  batch(cluster: string, operation: 'look' | 'remove', items: number): void
  /** @param type a memory type, or `unknown` where the delete did not come that far */
  delete(outcome: string, type: string, memories: number): void
  /** A request that could not be decided or carried out. */
  failure(code: string, source: string): void
  /** @param result a failure's code */
  tokenRefused(result: string): void
  keySetFetched(issuer: string, result: 'ok' | 'failed'): void
  /** A request that the guard let through, refused, or would have refused (`observed`). */
  guardDecision(outcome: 'allowed' | 'refused' | 'observed', cause: string, level: string): void
  /** Records of the audit that were written, for which there was no room while nothing could be, or which were counted in another one. */
  auditRecords(result: 'written' | 'lost' | 'suppressed', records: number): void
  /** A receipt for a delete. */
  receipt(result: 'signed' | 'failed'): void
  /** Memories of a person that an erasure which goes on here has deleted. */
  erased(cluster: string, memories: number): void
  /** The audit could not be written, after it could. */
  auditFailure(): void
  configuration(sample: ConfigSample): void
  /** Takes up what is read only when asked for. */
  watch(readings: Readings): void
  /** What was counted since the start, added up. */
  totals(): Promise<Totals>
  /** The text that Prometheus scrapes, and its content type. */
  expose(): Promise<{ readonly contentType: string; readonly text: string }>
}

// Deletes take 1 to 10 ms on an idle cluster, and up to their deadline on one in trouble; a passed-through search may take minutes.
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120]
const OWN_SECONDS = [0.0001, 0.00025, 0.0005, ...SECONDS.slice(0, 10)]
const ITEMS = [1, 2, 4, 8, 16, 32, 64, 128, 256]

/** Opens a registry of its own: several gateways may run in one process. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> =>
    new Counter({ name: `memory_gateway_${name}`, help, labelNames, registers })
  const histogram = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    buckets: number[],
  ): Histogram<Label> => new Histogram({ name: `memory_gateway_${name}`, help, labelNames, buckets, registers })

  const requests = counter('requests_total', 'Requests by route, dialect and status.', ['route', 'dialect', 'status'])
  const durations = histogram(
    'request_duration_seconds',
    'Whole requests, from their headers to the end of the answer.',
    ['route'],
    SECONDS,
  )
  const own = histogram(
    'own_duration_seconds',
    'The part of a request in which it does not wait for a cluster, nor for a place in a batch.',
    ['route'],
    OWN_SECONDS,
  )
  const upstream = histogram(
    'upstream_duration_seconds',
    'Requests to the cluster: batches of looks and removes, and what was passed through.',
    ['cluster', 'operation', 'result'],
    SECONDS,
  )
  const batches = histogram(
    'batch_items',
    'Looks or removes that shared one request to the cluster.',
    ['cluster', 'operation'],
    ITEMS,
  )
  const deletes = counter('deletes_total', 'Memories that were to be deleted, by outcome and memory type.', [
    'outcome',
    'type',
  ])
  const failures = counter('failures_total', 'Requests that failed, by the code of the failure and who has to act.', [
    'code',
    'source',
  ])
  const refused = counter('token_refusals_total', 'Requests without a usable token, by the code of the refusal.', [
    'result',
  ])
  const fetches = counter('key_set_fetches_total', 'Fetches of key sets.', ['issuer', 'result'])

  const guarded = counter(
    'guard_decisions_total',
    'What the guard let through, refused, or only observed, by cause and class of API.',
    ['outcome', 'cause', 'class'],
  )

  const recorded = counter(
    'audit_records_total',
    'Records of the audit: written, lost while nothing could be, or counted in another one.',
    ['result'],
  )
  const receipts = counter('receipts_total', 'Receipts for deletes: signed, or not, which ends no delete.', ['result'])
  const erased = counter('memories_erased_total', 'Memories deleted by erasures of people.', ['cluster'])
  const auditFailures = counter('audit_failures_total', 'How often the audit could not be written any more.', [])
  // A counter that is not there before it counts shows no increase the first time: these may happen once, and alerts wait for them.
  for (const [code, { source }] of Object.entries(FAILURES)) failures.inc({ code, source }, 0)
  for (const result of ['written', 'lost', 'suppressed'] as const) recorded.inc({ result }, 0)
  for (const result of ['signed', 'failed'] as const) receipts.inc({ result }, 0)

  return {
    request({ route, dialect, status, seconds, ownSeconds }) {
      requests.inc({ route, dialect, status: String(status) })
      // An upgraded connection lasts as long as its two ends like.
      if (status === 101) return
      durations.observe({ route }, seconds)
      own.observe({ route }, ownSeconds)
    },
    upstream: ({ seconds, ...labels }) => upstream.observe(labels, seconds),
    batch: (cluster, operation, items) => batches.observe({ cluster, operation }, items),
    delete: (outcome, type, memories) => deletes.inc({ outcome, type }, memories),
    failure: (code, source) => failures.inc({ code, source }),
    tokenRefused: (result) => refused.inc({ result }),
    keySetFetched: (issuer, result) => fetches.inc({ issuer, result }),
    guardDecision: (outcome, cause, level) => guarded.inc({ outcome, cause, class: level }),
    auditRecords: (result, records) => recorded.inc({ result }, records),
    receipt: (result) => receipts.inc({ result }),
    erased: (cluster, memories) => erased.inc({ cluster }, memories),
    auditFailure: () => auditFailures.inc(),
    configuration: openConfigMetrics(registers),
    watch: (readings) => watchReadings(readings, registry),
    totals: () => readTotals({ deletes, requests, durations, upstream, batches }),
    expose: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  }
}
