import { GatewayError } from '../core/failure.ts'
import type { Long } from '../core/look.ts'

/** A JSON object as the cluster sent it. */
export type JsonObject = Readonly<Record<string, unknown>>

export function asObject(value: unknown): JsonObject {
  if (isObject(value)) return value
  throw new GatewayError('upstreamInvalid', { cause: 'an object was expected' })
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function asList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value as readonly unknown[]
  throw new GatewayError('upstreamInvalid', { cause: 'a list was expected' })
}

export function asLong(value: unknown): Long {
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))) return value
  throw new GatewayError('upstreamInvalid', { cause: 'a whole number was expected' })
}

export function asString(value: unknown): string {
  if (typeof value === 'string') return value
  throw new GatewayError('upstreamInvalid', { cause: 'a string was expected' })
}

/** The `type` of an error object of the cluster's. */
export function errorType(error: unknown): string {
  return isObject(error) && typeof error['type'] === 'string' ? error['type'] : ''
}

/** What an answer with another status than 200 means for the caller. Its body may be anything: a proxy's page, a line of text. */
export function failureOf({ status, body }: { readonly status: number; readonly body: unknown }): GatewayError {
  return failureFor(status, isObject(body) ? body['error'] : undefined)
}

/** Items of `_mget` have no status of their own. Nothing was begun in any of these cases. */
const BUSY = new Set(['rejected_execution_exception', 'es_rejected_execution_exception', 'circuit_breaking_exception'])

/**
 * What an error of the cluster's, for a whole request or for one item of it, means for the caller. Never returns `invalidToken` or the like:
 * a refusal of *our* credentials is not the caller's fault.
 */
export function failureFor(status: number, error: unknown): GatewayError {
  const cause = { status, error }
  const type = errorType(error)
  if (type === 'cluster_block_exception') {
    return new GatewayError('upstreamUnavailable', {
      reason: 'The cluster blocks writes to this index at the moment',
      cause,
    })
  }
  if (type === 'unavailable_shards_exception' || type === 'no_shard_available_action_exception') {
    return new GatewayError('upstreamUnavailable', {
      reason: 'The shard of this document is not available at the moment',
      cause,
    })
  }
  if (status === 401 || status === 403 || type === 'security_exception')
    return new GatewayError('upstreamRefusedGateway', { cause })
  if (status === 429 || BUSY.has(type)) return new GatewayError('tooManyRequests', { retryAfterSeconds: 1, cause })
  if (status === 502 || status === 503 || status === 504) return new GatewayError('upstreamUnavailable', { cause })
  return new GatewayError('upstreamInvalid', { cause })
}
