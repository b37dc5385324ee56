import { createHash } from 'node:crypto'

import type { Open } from '../core/delete-memory.ts'
import { GatewayError } from '../core/failure.ts'
import { judgeHeld, parseIdempotencyKey } from '../core/idempotency.ts'
import type { Claim } from '../core/idempotency.ts'
import { dialectOf } from '../core/route.ts'
import { statusOf } from '../wire/answer.ts'
import type { Result } from '../wire/answer.ts'
import type { Admitted, HandlerParts } from './exchange.ts'
import type { Asked, Foreseen, Subject } from './work.ts'

/** Whether a call carries on without its caller, who will ask for its answer again. */
export type CarriesOn = boolean

/** A delete that is about to be made. */
interface Order {
  /** What the request asks for beside its method and target: its body, and what its token says for it. */
  readonly about: readonly string[]
  /** How many it makes; `asFound` where that is known, and counted, only as they are found. */
  readonly deletes: number | 'asFound'
}

/** The same where only asked about; `undefined` for what the body says. */
interface AskedOrder {
  readonly about: readonly string[] | undefined
  readonly deletes: number | undefined
}

/**
 * What is carried out once.
 * @param open what the call before left unconfirmed; what is in it at the end is known to the next
 */
type OnceWork<Left> = (carriesOn: CarriesOn, open: Open<Left>) => Promise<Result>

/**
 * Carries a call out once, and counts it: with an `Idempotency-Key`, who asks the same again gets the answer of the first call, for as long as it is kept. Comes
 * after authentication and the scope, which are decided anew for each call.
 * @throws GatewayError invalidIdempotencyKey, idempotencyKeyReused, idempotencyKeyInUse, keptAnswersUnavailable, rateLimited, insufficientScope, and what
 * `work` throws
 */
export async function answerOnce<Left>(
  parts: HandlerParts,
  exchange: Admitted,
  { about, deletes }: Order,
  work: OnceWork<Left>,
): Promise<Result> {
  const { request, principal } = exchange
  const countAndWork: OnceWork<Left> = async (carriesOn, open) => {
    if (deletes !== 'asFound') await parts.quota.count(principal, deletes)
    return work(carriesOn, open)
  }
  const key = parseIdempotencyKey(request.headersDistinct['idempotency-key'] ?? [])
  if (key === undefined) return countAndWork(false, { order: undefined })

  const claim = await parts.keptAnswers.claim(nameOf(exchange, key), fingerprintOf(exchange, about))
  if (claim.kind !== 'first') {
    const kept = keptAnswer(claim)
    exchange.isReplayed = true
    return kept
  }
  const open = openOf<Left>(claim.open)
  // What could not be decided may be decided later; what was ordered may be done by then.
  const release = (): Promise<void> => claim.release(open.order === undefined ? undefined : writeLongs(open.order))
  try {
    const result = await countAndWork(true, open)
    await (isFinal(parts, exchange, result) ? claim.keep(writeLongs(result)) : release())
    return result
  } catch (error) {
    await release()
    throw error
  }
}

/**
 * What {@link answerOnce} would come to at this moment. Nothing is claimed or counted.
 * @throws GatewayError as `answerOnce`
 */
export async function foreseeOnce<Left>(
  parts: HandlerParts,
  asked: Asked,
  { about, deletes }: AskedOrder,
  foresee: (open: Open<Left>) => Promise<Foreseen>,
): Promise<Foreseen> {
  const { idempotencyKey, notes, principal } = asked
  const decidedBefore = notes.stage
  notes.stage = 'idempotencyKey'
  let open = openOf<Left>(undefined)
  const key = parseIdempotencyKey(idempotencyKey === undefined ? [] : [idempotencyKey])
  if (key !== undefined) {
    const held = await parts.keptAnswers.peek(nameOf(asked, key))
    notes.idempotencyKey = held === undefined ? 'unused' : 'used'
    if (held !== undefined && about !== undefined) {
      const claim = judgeHeld(held, fingerprintOf(asked, about))
      if (claim.kind !== 'open') {
        const kept = keptAnswer(claim)
        notes.idempotencyKey = 'replayed'
        return kept
      }
      open = openOf(claim.open)
    }
  }
  notes.stage = 'quota'
  const left = await parts.quota.foresee(principal, deletes ?? 0)
  if (left.length > 0) notes.quota = left
  notes.stage = decidedBefore
  return foresee(open)
}

/** Where an earlier call with the key ordered the delete, and never heard that it was made. */
export const GONE = 'It is gone after the order of an earlier call with this Idempotency-Key: deleted'

function openOf<Left>(text: string | undefined): Open<Left> {
  return { order: text === undefined ? undefined : (parseLongs(text) as Left) }
}

/** What is answered where the key was used before. */
function keptAnswer(claim: Exclude<Claim, { kind: 'first' }>): Result {
  switch (claim.kind) {
    case 'otherRequest':
      throw new GatewayError('idempotencyKeyReused')
    case 'running':
      throw new GatewayError('idempotencyKeyInUse', { retryAfterSeconds: 1 })
    case 'answered':
      return parseLongs(claim.answer) as Result
  }
}

function nameOf({ principal, cluster }: Subject, key: string): string {
  return hashOf([principal.issuer, principal.subject, cluster.name, key])
}

function fingerprintOf({ method, uri }: Subject, about: readonly string[]): string {
  return hashOf([method, uri, ...about])
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
