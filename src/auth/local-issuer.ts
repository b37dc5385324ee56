import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SignJWT, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK } from 'jose'
import type { JWK_EC_Private } from 'jose'
import { randomUUID } from 'node:crypto'
import { parseDocument, readKeys } from './parse-key-set.ts'
import { codeOf, createFile, forbiddenMode } from './private-file.ts'
import { member } from '../core/strict-json.ts'

const ALGORITHM = 'ES256'

export interface LocalIssuerOptions {
  /** The `iss` of its tokens. */
  readonly issuer: string
  /** Whether to make a key where there is none. */
  readonly create: boolean
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/** What a token is to say. */
export interface TokenRequest {
  readonly subject: string
  readonly scopes: readonly string[]
  readonly audience: string
  readonly ttlMs: number
  readonly extraClaims?: Readonly<Record<string, unknown>>
}

/** An issuer whose key is a file of this machine: for trying out, and for legacy apps that hold one long-lived token. */
export interface LocalIssuer {
  readonly issuer: string
  readonly algorithm: string
  readonly keyId: string
  /** The public keys, for `keys: { kind: 'file', path }` of an issuer. */
  readonly jwksPath: string
  /** Whether this call made the key. */
  readonly created: boolean
  sign(request: TokenRequest): Promise<string>
}

/**
 * Opens the issuer of a directory, whose `private.jwk.json` and `jwks.json` it makes where they are missing and `create`
 * says so; of several processes that do so at once all end up with the same key. Throws an `Error` whose message says what
 * is wrong with the files and what to do.
 */
export async function openLocalIssuer(dir: string, options: LocalIssuerOptions): Promise<LocalIssuer> {
  const { issuer, now = Date.now } = options
  const privatePath = join(dir, 'private.jwk.json')
  const jwksPath = join(dir, 'jwks.json')
  const created = options.create && (await createPrivateKey(privatePath))
  const jwk = await readPrivateKey(privatePath)
  const keyId = await calculateJwkThumbprint(jwk)
  await providePublicKey(jwksPath, publicPart(jwk, keyId))
  const key = await importJWK(jwk, ALGORITHM)
  return {
    issuer,
    algorithm: ALGORITHM,
    keyId,
    jwksPath,
    created,
    sign: (request) =>
      new SignJWT(claimsOf(request, issuer, now()))
        .setProtectedHeader({ alg: ALGORITHM, kid: keyId, typ: 'JWT' })
        .sign(key),
  }
}

function claimsOf({ subject, scopes, audience, ttlMs, extraClaims = {} }: TokenRequest, issuer: string, now: number) {
  const iat = Math.floor(now / 1000)
  const exp = iat + Math.ceil(ttlMs / 1000)
  const claims = { iss: issuer, sub: subject, aud: audience, iat, exp, jti: randomUUID(), scope: scopes.join(' ') }
  const taken = Object.keys(extraClaims).find((name) => Object.hasOwn(claims, name))
  if (taken !== undefined)
    throw new Error(`The claim ${taken} has a setting of its own and cannot be given as an extra claim`)
  return { ...extraClaims, ...claims }
}

async function createPrivateKey(path: string): Promise<boolean> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true })
  return createFile(path, `${JSON.stringify(await exportJWK(privateKey), undefined, 2)}\n`, 0o600)
}

async function readPrivateKey(path: string): Promise<JWK_EC_Private> {
  const content = await readFile(path).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error
    throw new Error(`There is no signing key at ${path}; create one first, or name the directory that has it`)
  })
  const mode = await forbiddenMode(path, 0o077)
  if (mode !== undefined) {
    throw new Error(`The signing key ${path} is open to other users (mode ${mode}); run: chmod 600 ${path}`)
  }
  const { kty, crv, x, y, d } = parsed(content, path)
  if (kty !== 'EC' || crv !== 'P-256' || typeof x !== 'string' || typeof y !== 'string' || typeof d !== 'string') {
    throw new Error(`${path} is not a private key for ${ALGORITHM} (a JWK with kty EC, crv P-256, x, y and d)`)
  }
  return { kty, crv, x, y, d }
}

function publicPart({ crv, x, y }: JWK_EC_Private, kid: string) {
  return { kty: 'EC', crv, x, y, kid, alg: ALGORITHM, use: 'sig' }
}

/** An existing file is left as it is: it may hold older keys, whose tokens are still out. */
async function providePublicKey(path: string, key: ReturnType<typeof publicPart>): Promise<void> {
  if (await createFile(path, `${JSON.stringify({ keys: [key] }, undefined, 2)}\n`, 0o644)) return
  const keys = readKeys(parsed(await readFile(path), path), Infinity)
  if (keys.some((one) => member(one, 'kid') === key.kid)) return
  throw new Error(
    `${path} lacks the public key of private.jwk.json beside it; add it, or delete the file to have it made again`,
  )
}

function parsed(content: Buffer, path: string) {
  try {
    return parseDocument(content)
  } catch (error) {
    throw new Error(`${path} cannot be used`, { cause: error })
  }
}
