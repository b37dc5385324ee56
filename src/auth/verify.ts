import { errors, flattenedVerify } from 'jose'
import type { Principal } from '../core/principal.ts'
import { readBearerToken } from './bearer.ts'
import { readPrincipal } from './claims.ts'
import { checkIssuers } from './issuer-rules.ts'
import type { AuthEvent, IssuerOptions, KeySetHealth } from './issuer.ts'
import { FetchedKeySet } from './key-set.ts'
import type { FoundKey, KeySet } from './key-set.ts'
import { openKeySetSource } from './key-set-source.ts'
import { refuse } from './refusal.ts'
import { rememberTokens } from './remembered-tokens.ts'
import { secretKeySet } from './secret-key.ts'
import { member } from '../core/strict-json.ts'
import type { JsonObject } from '../core/strict-json.ts'
import { readCompactJws } from './token-shape.ts'
import type { UnverifiedToken } from './token-shape.ts'

export interface AuthenticatorOptions {
  readonly issuers: readonly IssuerOptions[]
  /** How many verified tokens are remembered at most; 0 for none. */
  readonly rememberedTokens: number
  /** Milliseconds since 1970. */
  readonly now?: () => number
  readonly onEvent?: (event: AuthEvent) => void
}

export interface Authenticator {
  /** Fetches every key set. A key server that is down is no reason to reject; a key file that cannot be used is. */
  start(): Promise<void>
  /**
   * Who is calling. Takes the values of all `Authorization` headers as received; throws a `GatewayError`: 400 for several,
   * 401 for a token that is missing or refused, 503 when the key to tell cannot be fetched.
   */
  authenticate(authorization: readonly string[]): Promise<Principal>
  health(): readonly KeySetHealth[]
  /** Accepted tokens so far: remembered ones, and those whose signature was verified. */
  counts(): { readonly remembered: number; readonly verified: number }
  close(): void
}

interface Issuer {
  readonly options: IssuerOptions
  readonly types: readonly string[]
  readonly keys: KeySet
  readonly foreignPrefixes: readonly string[]
}

/** Throws an `Error` when the issuers break a rule of `checkIssuers`. Nothing is fetched before `start`. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { now = Date.now, onEvent = () => undefined } = options
  const problems = checkIssuers(options.issuers).map(({ path, message }) => `${path}: ${message}`)
  if (problems.length > 0) throw new Error(problems.join('\n'))
  const issuers = new Map<unknown, Issuer>()
  for (const issuer of options.issuers) issuers.set(issuer.issuer, openIssuer(issuer, options.issuers, now, onEvent))
  const remembered = rememberTokens(options.rememberedTokens)
  const counts = { remembered: 0, verified: 0 }

  async function verify(token: string): Promise<Principal> {
    const unverified = readCompactJws(token)
    const issuer = issuers.get(member(unverified.payload, 'iss'))
    // check: claim-iss
    if (issuer === undefined) throw refuse('claim-iss')
    const { algorithm, keyId } = readHeader(unverified.header, issuer)
    const { key, version } = await issuer.keys.find(algorithm, keyId)
    // check: signature
    await verifySignature(unverified, algorithm, key)
    const principal = readPrincipal(unverified.payload, issuer.options, issuer.foreignPrefixes, now())
    const endsAt = principal.expiresAt * 1000 + issuer.options.clockToleranceMs
    counts.verified += 1
    remembered.remember(token, { principal, keys: issuer.keys, version, endsAt })
    return principal
  }

  const all = () => [...issuers.values()]
  return {
    start: async () => {
      await Promise.all(all().map(({ keys }) => keys.start()))
    },
    authenticate: async (authorization) => {
      const token = readBearerToken(authorization)
      const recalled = remembered.recall(token, now())
      if (recalled === undefined) return verify(token)
      counts.remembered += 1
      return recalled
    },
    counts: () => counts,
    health: () => all().map(({ keys }) => keys.health()),
    close: () => all().forEach(({ keys }) => keys.close()),
  }
}

function openIssuer(
  issuer: IssuerOptions,
  issuers: readonly IssuerOptions[],
  now: () => number,
  onEvent: (event: AuthEvent) => void,
): Issuer {
  const prefixes = issuers.filter((other) => other !== issuer).map((other) => other.namePrefix)
  return {
    options: issuer,
    types: issuer.types.map(normalizeType),
    keys: openKeySet(issuer, now, onEvent),
    foreignPrefixes: prefixes.filter((prefix) => prefix !== '' && issuer.namePrefix === ''),
  }
}

function openKeySet(issuer: IssuerOptions, now: () => number, onEvent: (event: AuthEvent) => void): KeySet {
  if (issuer.keys.kind === 'secret') return secretKeySet(issuer.issuer, issuer.keys.secret, now)
  const source = openKeySetSource(issuer.issuer, issuer.keys, issuer.cache)
  return new FetchedKeySet({ issuer, source, now, onEvent })
}

function readHeader(header: JsonObject, { options, types }: Issuer) {
  const { alg, typ = '', kid } = header
  // check: header-alg
  if (!options.algorithms.some((accepted) => accepted === alg)) throw refuse('header-alg')
  // RFC 8725 section 3.11: an ID token is no access token.
  // check: header-typ
  if (typeof typ !== 'string' || !types.includes(normalizeType(typ))) throw refuse('header-typ')
  return { algorithm: String(alg), keyId: typeof kid === 'string' ? kid : undefined }
}

/** RFC 7515 section 4.1.9: `application/` may be left out where no other slash is. */
function normalizeType(type: string): string {
  const lower = type.toLowerCase()
  const short = lower.replace(/^application\//, '')
  return short.includes('/') ? lower : short
}

async function verifySignature(token: UnverifiedToken, algorithm: string, key: FoundKey['key']): Promise<void> {
  try {
    await flattenedVerify(token.encoded, key, { algorithms: [algorithm] })
  } catch (error) {
    if (error instanceof errors.JOSEError) throw refuse('signature')
    throw error
  }
}
