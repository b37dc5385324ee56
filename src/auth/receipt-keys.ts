import { randomUUID } from 'node:crypto'
import { CompactSign, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK } from 'jose'
import type { JWK } from 'jose'
import { isJsonObject } from '../core/strict-json.ts'
import type { JsonObject } from '../core/strict-json.ts'
import { createFile } from './private-file.ts'

const ALGORITHM = 'ES256'

/** What a signature of the gateway is under: no signature over one kind of statement passes for another. */
export const RECEIPT_TYPE = 'memory-receipt+jwt'
export const CHECKPOINT_TYPE = 'memory-audit-checkpoint+jwt'

export interface ReceiptKeys {
  /** The public keys, newest first: what was signed with an earlier key can still be verified. */
  readonly jwks: { readonly keys: readonly JWK[] }
  /** Signs with the first key: a compact JWS (RFC 7515). */
  sign(type: typeof RECEIPT_TYPE | typeof CHECKPOINT_TYPE, payload: Readonly<Record<string, unknown>>): Promise<string>
}

/**
 * Takes up keys as JWK texts, newest first. The first must be private; of the others the public half is enough.
 * @throws Error that says which key cannot be used, and never what it holds
 */
export async function openReceiptKeys(texts: readonly string[]): Promise<ReceiptKeys> {
  const keys = texts.map(readKey)
  const [newest] = keys
  if (newest?.d === undefined) throw new Error('the first key must be private: it signs')
  const published = await Promise.all(keys.map(publicPart))
  const key = await importJWK({ kty: 'EC', ...newest }, ALGORITHM)
  const kid = published[0]?.kid ?? ''
  return {
    jwks: { keys: published },
    sign: (typ, payload) =>
      new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
        .setProtectedHeader({ alg: ALGORITHM, kid, typ })
        .sign(key),
  }
}

/**
 * Checks keys as {@link openReceiptKeys} takes them.
 * @returns what is wrong, by their position
 */
export function checkReceiptKeys(
  texts: readonly string[],
): readonly { readonly position: number; readonly message: string }[] {
  return texts.flatMap((text, position) => {
    try {
      const { d } = readKey(text)
      return position === 0 && d === undefined
        ? [{ position, message: 'must be a private key: the first one signs' }]
        : []
    } catch (error) {
      return [{ position, message: error instanceof Error ? error.message : 'cannot be used' }]
    }
  })
}

/** Makes a key file, readable by its owner alone; tells whether there was none yet. */
export async function createReceiptKey(path: string): Promise<boolean> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true })
  return createFile(path, `${JSON.stringify(await exportJWK(privateKey))}\n`, 0o600)
}

/** A new id for a statement. */
export function statementId(): string {
  return randomUUID()
}

interface KeyParts {
  readonly crv: string
  readonly x: string
  readonly y: string
  /** Of a private key. */
  readonly d?: string
}

const COORDINATE = /^[\w-]{43}$/

function readKey(text: string): KeyParts {
  const jwk = parse(text)
  const { kty, crv, x, y, d } = jwk ?? {}
  const isPoint = [x, y].every((value) => typeof value === 'string' && COORDINATE.test(value))
  const isPrivate = d === undefined || (typeof d === 'string' && COORDINATE.test(d))
  if (kty !== 'EC' || crv !== 'P-256' || !isPoint || !isPrivate) {
    throw new Error('must be an EC key on P-256 as a JWK; memory-gateway receipt new-key makes one')
  }
  return { crv, x: String(x), y: String(y), ...(d === undefined ? {} : { d }) }
}

function parse(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

async function publicPart({ crv, x, y }: KeyParts): Promise<JWK & { readonly kid: string }> {
  const kid = await calculateJwkThumbprint({ kty: 'EC', crv, x, y })
  return { kty: 'EC', crv, x, y, kid, alg: ALGORITHM, use: 'sig' }
}
