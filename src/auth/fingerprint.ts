import { createHash, createPublicKey } from 'node:crypto'
import type { JsonWebKey, KeyObject } from 'node:crypto'

import type { JsonObject } from '../core/strict-json.ts'

/** SHA-256 of a public key's SPKI, which is the same however the key is written. @returns `undefined` for what is no public key */
export function fingerprintOfJwk({ kty, crv, x, y, n, e }: JsonObject): string | undefined {
  return fingerprintOf(() => createPublicKey({ key: { kty, crv, x, y, n, e } as JsonWebKey, format: 'jwk' }))
}

/** The same of PEM (SPKI) with or without its first and last line. A shared secret, which may be anything, has none. */
export function fingerprintOfPem(text: string): string | undefined {
  const key = Buffer.from(text.replaceAll(/-----[A-Z ]+-----|\s/g, ''), 'base64')
  return fingerprintOf(() => createPublicKey({ key, format: 'der', type: 'spki' }))
}

function fingerprintOf(read: () => KeyObject): string | undefined {
  try {
    return createHash('sha256')
      .update(read().export({ format: 'der', type: 'spki' }))
      .digest('base64url')
  } catch {
    return undefined
  }
}
