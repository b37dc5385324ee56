import { readFile } from 'node:fs/promises'
import { compactVerify, createLocalJWKSet, errors } from 'jose'
import type { JSONWebKeySet } from 'jose'
import { isJsonObject } from '../core/strict-json.ts'
import type { JsonObject } from '../core/strict-json.ts'

const FETCH_MS = 10_000

/**
 * Verifies what a gateway signed.
 * @param type the `typ` that it must be under
 * @returns what it says; `undefined` where it is not signed by any of the keys
 */
export type VerifyStatement = (type: string, jws: string) => Promise<JsonObject | undefined>

/**
 * Opens public keys, from a file or an http(s) address.
 * @throws Error where they cannot be had
 */
export async function openStatementKeys(source: string): Promise<VerifyStatement> {
  const keys = createLocalJWKSet(await readKeySet(source))
  return async (type, jws) => {
    try {
      const { payload, protectedHeader } = await compactVerify(jws, keys, { algorithms: ['ES256'] })
      if (protectedHeader.typ !== type) return undefined
      const value: unknown = JSON.parse(new TextDecoder().decode(payload))
      return isJsonObject(value) ? value : undefined
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof SyntaxError) return undefined
      throw error
    }
  }
}

async function readKeySet(source: string): Promise<JSONWebKeySet> {
  const text = /^https?:\/\//.test(source) ? await fetchText(source) : await readFile(source, 'utf8')
  const value: unknown = JSON.parse(text)
  if (isKeySet(value)) return value
  throw new Error(`${source} is no key set`)
}

/** RFC 7517 section 5; what each key says, jose checks when it is used. */
function isKeySet(value: unknown): value is JSONWebKeySet {
  return isJsonObject(value) && Array.isArray(value['keys']) && value['keys'].every(isJsonObject)
}

async function fetchText(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_MS) })
  if (response.ok) return response.text()
  throw new Error(`${url} answered ${String(response.status)}`)
}
