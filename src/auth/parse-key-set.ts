import { isUtf8 } from 'node:buffer'
import { hasDuplicateMember, isJsonObject, member } from '../core/strict-json.ts'
import type { JsonObject } from '../core/strict-json.ts'

/** Parses JSON that must be an object without duplicate members; throws an `Error` that says what else it is. */
export function parseDocument(bytes: Uint8Array): JsonObject {
  if (!isUtf8(bytes)) throw new Error('the document is not UTF-8')
  const text = new TextDecoder().decode(bytes)
  const value = parse(text)
  if (!isJsonObject(value)) throw new Error('the document is not a JSON object')
  if (hasDuplicateMember(text)) throw new Error('the document names a member twice')
  return value
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new Error('the document is not JSON')
  }
}

/** The keys of a JWK set (RFC 7517 section 5). Keys that cannot be used stay in: naming one tells more than not finding it. */
export function readKeys(document: JsonObject, maxKeys: number): readonly JsonObject[] {
  const keys = member(document, 'keys')
  if (!Array.isArray(keys) || !keys.every(isJsonObject))
    throw new Error('the document has no "keys" that is a list of keys')
  // check: set-key-count
  if (keys.length > maxKeys) throw new Error(`the key set has ${keys.length} keys, more than ${maxKeys}`)
  return keys
}
