import { isUtf8 } from 'node:buffer'
import { refuse } from './refusal.ts'
import { hasDuplicateMember, isJsonObject } from '../core/strict-json.ts'
import type { JsonObject } from '../core/strict-json.ts'

const MAX_TOKEN_LENGTH = 8192

// RFC 7515 sections 4.1.2, 4.1.3, 4.1.5 and 4.1.6: ways to bring a key along, or to make us fetch one.
const KEY_MATERIAL = ['jwk', 'jku', 'x5u', 'x5c']

/** A token whose form is right and of whose content nothing is proven. */
export interface UnverifiedToken {
  readonly encoded: { readonly protected: string; readonly payload: string; readonly signature: string }
  readonly header: JsonObject
  readonly payload: JsonObject
}

/**
 * Takes a compact JWS (RFC 7515 section 3.1) apart, and refuses whatever two parsers could read two ways. No key is
 * looked for and nothing is decrypted, derived or fetched before this has passed.
 */
export function readCompactJws(token: string): UnverifiedToken {
  // check: token-size
  if (token.length > MAX_TOKEN_LENGTH) throw refuse('token-size')
  const parts = token.split('.')
  // Five parts are a JWE, whose decryption is work at the sender's command (CVE-2022-36083, CVE-2024-28176).
  // check: token-parts
  if (parts.length !== 3) throw refuse('token-parts')
  // check: base64url
  if (!parts.every(isBase64url)) throw refuse('base64url')
  const [header = '', payload = '', signature = ''] = parts
  const unverified = {
    encoded: { protected: header, payload, signature },
    header: readJsonPart(header),
    payload: readJsonPart(payload),
  }
  checkHeaderMembers(unverified.header)
  return unverified
}

/** Strict: no padding, no other alphabet, and no stray bits in the last character, so that a token has one spelling. */
function isBase64url(part: string): boolean {
  return Buffer.from(part, 'base64url').toString('base64url') === part
}

function readJsonPart(part: string): JsonObject {
  const bytes = Buffer.from(part, 'base64url')
  // check: json-utf8
  if (!isUtf8(bytes)) throw refuse('json-utf8')
  const text = bytes.toString('utf8')
  const value = parseJson(text)
  // check: json-object
  if (!isJsonObject(value)) throw refuse('json-object')
  // check: json-duplicate
  if (hasDuplicateMember(text)) throw refuse('json-duplicate')
  return value
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw refuse('json-syntax')
  }
}

function checkHeaderMembers(header: JsonObject): void {
  // check: header-key-material
  if (KEY_MATERIAL.some((name) => Object.hasOwn(header, name))) throw refuse('header-key-material')
  // RFC 7797: with b64 false the signature is over other bytes than the ones that were decoded.
  // check: header-b64
  if (Object.hasOwn(header, 'b64')) throw refuse('header-b64')
  // check: header-crit
  if (Object.hasOwn(header, 'crit')) throw refuse('header-crit')
  // check: header-kid
  if (Object.hasOwn(header, 'kid') && typeof header['kid'] !== 'string') throw refuse('header-kid')
}
