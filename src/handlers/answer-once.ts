import { createHash } from 'node:crypto'

import type { Open } from '../core/delete-memory.ts'
import { GatewayError } from '../core/failure.ts'
import { parseIdempotencyKey } from '../core/idempotency.ts'
import { dialectOf } from '../core/route.ts'
import { statusOf } from '../wire/answer.ts'
import type { Result } from '../wire/answer.ts'
import type { Admitted, HandlerParts } from './exchange.ts'

/** Whether a call carries on without its caller, who will ask for its answer again. */
export type CarriesOn = boolean

/**
 * What is carried out once.
 * @param open what the call before left unconfirmed; what is in it at the end is known to the next
 */
export type Work<Order> = (carriesOn: CarriesOn, open: Open<Order>) => Promise<Result>

/**
 * Carries a call out once: with an `Idempotency-Key`, who asks the same again gets the answer of the first call, for as long as it is kept. Comes
 * after authentication and the scope, which are decided anew for each call.
 * @param about what the request asks for beside its method and target: its body, and what its token says for it
 * @throws GatewayError invalidIdempotencyKey, idempotencyKeyReused, idempotencyKeyInUse, keptAnswersUnavailable, and what `work` throws
 */
export async function answerOnce<Order>(
  parts: HandlerParts,
  exchange: Admitted,
  about: readonly string[],
  work: Work<Order>,
): Promise<Result> {
  const { request, principal, cluster, method, uri } = exchange
  const key = parseIdempotencyKey(request.headersDistinct['idempotency-key'] ?? [])
  if (key === undefined) return work(false, { order: undefined })

  const name = hashOf([principal.issuer, principal.subject, cluster.name, key])
  const claim = await parts.keptAnswers.claim(name, hashOf([method, uri, ...about]))
  switch (claim.kind) {
    case 'otherRequest':
      throw new GatewayError('idempotencyKeyReused')
    case 'running':
      throw new GatewayError('idempotencyKeyInUse', { retryAfterSeconds: 1 })
    case 'answered':
      exchange.isReplayed = true
      return parseLongs(claim.answer) as Result
    case 'first':
  }
  const open: Open<Order> = { order: claim.open === undefined ? undefined : (parseLongs(claim.open) as Order) }
  // What could not be decided may be decided later; what was ordered may be done by then.
  const release = (): Promise<void> => claim.release(open.order === undefined ? undefined : writeLongs(open.order))
  try {
    const result = await work(true, open)
    await (isFinal(parts, exchange, result) ? claim.keep(writeLongs(result)) : release())
    return result
  } catch (error) {
    await release()
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
function writeLongs(written: unknown): string {
  return JSON.stringify(written, (_, value: unknown) => (typeof value === 'bigint' ? { $long: String(value) } : value))
}

function parseLongs(text: string): unknown {
  return JSON.parse(text, (_, value: unknown) => {
    const isLong = typeof value === 'object' && value !== null && '$long' in value
    return isLong ? BigInt(String(value.$long)) : value
  })
}
