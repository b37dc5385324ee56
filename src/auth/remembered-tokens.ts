import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Principal } from '../core/principal.ts'
import type { KeySet } from './key-set.ts'

/** Whose token it was: an object that stays the same one for as long as the rules for its tokens do. */
interface VerifiedBy {
  readonly keys: Pick<KeySet, 'stands'>
}

/** That a token was verified: by whose rules and with which keys, and until when that holds (milliseconds since 1970). */
interface Verification<Issuer> {
  readonly principal: Principal
  readonly issuer: Issuer
  readonly version: number
  readonly endsAt: number
}

/** Verified tokens, so that the same token is not verified for every request; what its bearer may do is not kept here. */
export interface RememberedTokens<Issuer> {
  /** @param isInForce whether the rules are those that apply now */
  recall(token: string, now: number, isInForce: (issuer: Issuer) => boolean): Principal | undefined
  remember(token: string, verification: Verification<Issuer>): void
  /** Keeps the most recently used ones, at most so many from now on. */
  resize(max: number): void
}

/** Remembers tokens, none before `resize`, by their SHA-256: a dump of the memory gives no token away. */
export function rememberTokens<Issuer extends VerifiedBy>(): RememberedTokens<Issuer> {
  let verified: LRUCache<string, Verification<Issuer>> | undefined
  return {
    recall(token, now, isInForce) {
      if (verified === undefined) return undefined
      const digest = digestOf(token)
      const found = verified.get(digest)
      if (found === undefined) return undefined
      if (stillHolds(found, now, isInForce)) return found.principal
      verified.delete(digest)
      return undefined
    },
    remember: (token, verification) => void verified?.set(digestOf(token), verification),
    resize(max) {
      if (max === (verified?.max ?? 0)) return
      const before = verified?.dump() ?? []
      verified = max === 0 ? undefined : new LRUCache({ max })
      verified?.load(before)
    },
  }
}

function stillHolds<Issuer extends VerifiedBy>(
  { issuer, version, endsAt }: Verification<Issuer>,
  now: number,
  isInForce: (issuer: Issuer) => boolean,
): boolean {
  // check: remembered-expiry
  if (endsAt <= now) return false
  // check: remembered-rules
  if (!isInForce(issuer)) return false
  // check: remembered-keys
  if (!issuer.keys.stands(version)) return false
  return true
}

function digestOf(token: string): string {
  return hash('sha256', token, 'base64')
}
