import { createHash } from 'node:crypto'

import { GatewayError } from '../core/failure.ts'
import { parseIdempotencyKey } from '../core/idempotency.ts'
import { dialectOf } from '../core/route.ts'
import { statusOf } from '../wire/answer.ts'
import type { Result } from '../wire/answer.ts'
import type { Admitted, HandlerParts } from './exchange.ts'

/** Whether a call carries on without its caller, who will ask for its answer again. */
export type CarriesOn = boolean

/**
 * Carries a call out once: with an `Idempotency-Key`, who asks the same again gets the answer of the first call, for as long as it is kept. Comes
 * after authentication and the scope, which are decided anew for each call.
 * @param about what the request asks for beside its method and target: its body, and what its token says for it
 * @throws GatewayError invalidIdempotencyKey, idempotencyKeyReused, idempotencyKeyInUse, keptAnswersUnavailable, and what `work` throws
 */
export async function answerOnce(
  parts: HandlerParts,
  exchange: Admitted,
  about: readonly string[],
  work: (carriesOn: CarriesOn) => Promise<Result>,
): Promise<Result> {
  const { request, principal, cluster, method, uri } = exchange
  const key = parseIdempotencyKey(request.headersDistinct['idempotency-key'] ?? [])
  if (key === undefined) return work(false)

  const name = hashOf([principal.issuer, principal.subject, cluster.name, key])
  const claim = await parts.keptAnswers.claim(name, hashOf([method, uri, ...about]))
  switch (claim.kind) {
    case 'otherRequest':
      throw new GatewayError('idempotencyKeyReused')
    case 'running':
      throw new GatewayError('idempotencyKeyInUse', { retryAfterSeconds: 1 })
    case 'answered':
      exchange.isReplayed = true
      return parseResult(claim.answer)
    case 'first':
  }
  try {
    const result = await work(true)
    await (isFinal(parts, exchange, result) ? claim.keep(writeResult(result)) : claim.release())
    return result
  } catch (error) {
    // What could not be decided may be decided later.
    await claim.release()
    throw error
  }
}

const FINAL = new Set([200, 403, 404])

function isFinal({ legacy }: HandlerParts, { route, method, uri, target }: Admitted, result: Result): boolean {
  const dialect = route === undefined ? 'opensearch' : dialectOf(route)
  const { decodedPath } = target
  return FINAL.has(statusOf(result, { dialect, method, uri, decodedPath, legacyMissing: legacy.missing }))
}

function hashOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}

// JSON has no way to say a bigint: the cluster's long numbers are written as {"$long": "..."}.
function writeResult(result: Result): string {
  return JSON.stringify(result, (_, value: unknown) => (typeof value === 'bigint' ? { $long: String(value) } : value))
}

function parseResult(text: string): Result {
  return JSON.parse(text, (_, value: unknown) => {
    const isLong = typeof value === 'object' && value !== null && '$long' in value
    return isLong ? BigInt(String(value.$long)) : value
  }) as Result
}
