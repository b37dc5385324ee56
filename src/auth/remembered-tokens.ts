import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Principal } from '../core/principal.ts'
import type { KeySet } from './key-set.ts'

/** That a token was verified: with which keys, and until when that holds (milliseconds since 1970). */
interface Verification {
  readonly principal: Principal
  readonly keys: KeySet
  readonly version: number
  readonly endsAt: number
}

/** Verified tokens, so that the same token is not verified for every request; what its bearer may do is not kept here. */
export interface RememberedTokens {
  recall(token: string, now: number): Principal | undefined
  remember(token: string, verification: Verification): void
}

/** Remembers up to `max` tokens, by their SHA-256: a dump of the memory gives no token away. */
export function rememberTokens(max: number): RememberedTokens {
  if (max === 0) return { recall: () => undefined, remember: () => undefined }
  const verified = new LRUCache<string, Verification>({ max })
  return {
    recall: (token, now) => {
      const digest = digestOf(token)
      const found = verified.get(digest)
      if (found === undefined) return undefined
      if (stillHolds(found, now)) return found.principal
      verified.delete(digest)
      return undefined
    },
    remember: (token, verification) => void verified.set(digestOf(token), verification),
  }
}

function stillHolds({ keys, version, endsAt }: Verification, now: number): boolean {
  // check: remembered-expiry
  if (endsAt <= now) return false
  // check: remembered-keys
  if (!keys.stands(version)) return false
  return true
}

function digestOf(token: string): string {
  return hash('sha256', token, 'base64')
}
