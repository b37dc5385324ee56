import { importJWK } from 'jose'
import type { CryptoKey } from 'jose'
import { GatewayError } from '../core/failure.ts'
import { algorithmNamed } from './algorithms.ts'
import { refuse } from './refusal.ts'
import { member } from '../core/strict-json.ts'
import type { JsonObject } from '../core/strict-json.ts'

const MIN_RSA_BITS = 2048

/**
 * The one key of a set for a token: by `kid` where the token has one, else the only key that fits its algorithm.
 * `undefined` when no key has that `kid` (or none fits): the set may be out of date. Two keys that fit are refused, as one
 * of them may be there by mistake; the same `kid` on keys of different types is no ambiguity.
 */
export function selectKey(keys: readonly JsonObject[], algorithm: string, keyId: string | undefined) {
  const named = keyId === undefined ? keys : keys.filter((key) => member(key, 'kid') === keyId)
  const fitting = named.filter((key) => fits(key, algorithm))
  // check: key-ambiguous
  if (fitting.length > 1) throw refuse('key-ambiguous')
  const [first] = named
  if (keyId !== undefined && fitting.length === 0 && first !== undefined) checkKey(first, algorithm)
  return fitting[0]
}

/** Imports a public key for one algorithm; only the members that make the key go in, what the others say is checked here. */
export async function importVerificationKey(key: JsonObject, algorithm: string): Promise<CryptoKey> {
  const { kty, crv, x, y, n, e } = key as Record<string, string>
  const given = Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined)
  try {
    const imported = await importJWK(Object.fromEntries(given), algorithm)
    if (!(imported instanceof Uint8Array)) return imported
  } catch {
    // Falls through: whatever is wrong with it, it is not a public key.
  }
  throw refuse('key-malformed')
}

function fits(key: JsonObject, algorithm: string): boolean {
  try {
    checkKey(key, algorithm)
    return true
  } catch (error) {
    if (error instanceof GatewayError) return false
    throw error
  }
}

/** Binds the key to the algorithm (RFC 8725 section 3.1, CVE-2022-23540) and to its purpose (RFC 7517 sections 4.2 to 4.4). */
function checkKey(key: JsonObject, algorithm: string): void {
  const wanted = algorithmNamed(algorithm)
  const operations = member(key, 'key_ops')
  // check: key-type
  if (key['kty'] !== wanted?.kty || (wanted?.crv !== undefined && key['crv'] !== wanted.crv)) throw refuse('key-type')
  // check: key-private
  if (Object.hasOwn(key, 'd')) throw refuse('key-private')
  // check: key-use
  if (Object.hasOwn(key, 'use') && key['use'] !== 'sig') throw refuse('key-use')
  // check: key-ops
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) throw refuse('key-ops')
  // check: key-alg
  if (Object.hasOwn(key, 'alg') && key['alg'] !== algorithm) throw refuse('key-alg')
  // check: key-rsa-size
  if (key['kty'] === 'RSA' && modulusBits(key['n']) < MIN_RSA_BITS) throw refuse('key-rsa-size')
}

function modulusBits(modulus: unknown): number {
  const hex = Buffer.from(typeof modulus === 'string' ? modulus : '', 'base64url')
    .toString('hex')
    .replace(/^0+/, '')
  const leading = Number.parseInt(hex.charAt(0) || '0', 16)
  return hex === '' ? 0 : hex.length * 4 - (Math.clz32(leading) - 28)
}
