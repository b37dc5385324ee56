import type { KeySetHealth } from './issuer.ts'
import type { FoundKey, KeySet } from './key-set.ts'

/** The one key of an issuer that signs with a shared secret: a `kid` has nothing to choose from. */
export function secretKeySet(issuer: string, secret: Uint8Array, now: () => number): KeySet {
  const found: FoundKey = { key: secret, version: 1 }
  const health: KeySetHealth = { issuer, usable: true, fetchedAt: now(), keys: 1, lastError: undefined }
  return {
    start: () => Promise.resolve(),
    find: () => Promise.resolve(found),
    stands: () => true,
    health: () => health,
    close: () => undefined,
  }
}
