import type { BatchKind, Latency } from './totals.ts'

/** Seconds; absent where nothing was measured. */
export interface LatencyReport {
  readonly count: number
  readonly p50?: number
  readonly p95?: number
  readonly p99?: number
}

export interface PeriodReport {
  /** As in `2026-11-22T10:00:00.000Z`. */
  readonly from: string
  readonly to: string
  /** By outcome: memories, and requests that were not decided on (`failed`, `limited`, `unauthenticated`). */
  readonly deletes: Readonly<Record<string, number>>
  readonly latency: Readonly<Record<Latency, LatencyReport>>
  /** Requests to the clusters, and the looks or removes that shared them. */
  readonly batches: Readonly<Record<BatchKind, { readonly requests: number; readonly items: number }>>
}

/** What was done over time: periods of equal length, of which the last is under way, and the whole. */
export interface ActivityReport {
  readonly periodSeconds: number
  readonly periods: readonly PeriodReport[]
  readonly whole: PeriodReport
}
