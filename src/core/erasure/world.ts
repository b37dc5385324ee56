import type { AccessPolicy } from '../access.ts'
import { GatewayError } from '../failure.ts'
import type { ErasurePart } from './record.ts'
import type { ErasureStore } from './store.ts'

/** What an erasure stands on. */
export interface ErasureWorld {
  /** Every cluster that requests are routed to, by name. */
  readonly stores: ReadonlyMap<string, ErasureStore>
  readonly policy: AccessPolicy
  /** Of each shard; 0 for no limit. */
  readonly requestsPerSecond: number
  readonly slices: number | 'auto'
  /** Waits, or less where nobody wants the work any more. Never rejects. */
  readonly pause: (ms: number) => Promise<void>
}

/** @throws GatewayError where the configuration has the cluster no more */
export function storeOf({ stores }: ErasureWorld, { cluster }: Pick<ErasurePart, 'cluster'>): ErasureStore {
  const store = stores.get(cluster)
  if (store !== undefined) return store
  throw new GatewayError('noRoute', { reason: `The cluster [${cluster}] is not in the configuration any more` })
}

/** Failures that end by themselves, or by what somebody does to the cluster. */
const PASSING = new Set([
  'upstreamUnavailable',
  'upstreamTimeout',
  'tooManyRequests',
  'circuitOpen',
  'auditUnavailable',
])

/** Why an erasure cannot go on, by what a step of it threw; `undefined` where the step is to be tried again. */
export function whyFailed(error: unknown): string | undefined {
  if (!(error instanceof GatewayError)) return undefined
  return PASSING.has(error.code) || isOfServer(error) ? undefined : error.message
}

/** A node that has just lost another, and asks it all the same, answers 500 (`node_disconnected_exception`): so it is while a cluster fails over. */
function isOfServer({ code, cause }: GatewayError): boolean {
  return code === 'upstreamInvalid' && isAnswer(cause) && Number(cause.status) >= 500
}

function isAnswer(cause: unknown): cause is { readonly status: unknown } {
  return typeof cause === 'object' && cause !== null && 'status' in cause
}
