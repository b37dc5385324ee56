import type { Counter, Gauge } from 'prom-client'

export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]

/** A metric that is read when it is asked for. */
export interface Reading {
  readonly kind: typeof Counter | typeof Gauge
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  readonly read: () => readonly Sample[]
}
