import { errors, flattenedVerify } from 'jose'
import { GatewayError } from '../core/failure.ts'
import type { Principal } from '../core/principal.ts'
import { readBearerToken } from './bearer.ts'
import { readPrincipal } from './claims.ts'
import { openAuthMemory } from './auth-memory.ts'
import type { AuthMemory, Issuer } from './auth-memory.ts'
import { checkIssuers } from './issuer-rules.ts'
import type { AuthEvent, IssuerOptions, KeySetHealth } from './issuer.ts'
import type { FoundKey } from './key-set.ts'
import { refuse } from './refusal.ts'
import { member } from '../core/strict-json.ts'
import type { JsonObject } from '../core/strict-json.ts'
import { readCompactJws } from './token-shape.ts'
import type { UnverifiedToken } from './token-shape.ts'
import { normalizeType } from './token-type.ts'

export interface AuthenticatorOptions {
  readonly issuers: readonly IssuerOptions[]
  /** How many verified tokens are remembered at most; 0 for none. */
  readonly rememberedTokens: number
  /** Milliseconds since 1970. */
  readonly now?: () => number
  readonly onEvent?: (event: AuthEvent) => void
  /** What another authenticator has learnt, with the clock and the listener of that one; by default it begins with nothing. */
  readonly memory?: AuthMemory
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

const REVOKED = 'The token was revoked'

/** Throws an `Error` when the issuers break a rule of `checkIssuers`. Nothing is fetched before `start`. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const memory = options.memory ?? openAuthMemory(options.now ?? Date.now, options.onEvent ?? (() => undefined))
  const problems = checkIssuers(options.issuers).map(({ path, message }) => `${path}: ${message}`)
  if (problems.length > 0) throw new Error(problems.join('\n'))
  const held = options.issuers.map((issuer) =>
    memory.issuers.hold({ options: issuer, foreignPrefixes: foreignPrefixes(issuer, options.issuers) }),
  )
  const issuers = new Map<unknown, Issuer>(held.map(({ part }) => [part.options.issuer, part]))
  const isInForce = (issuer: Issuer): boolean => issuers.get(issuer.options.issuer) === issuer
  const { tokens, counts, now } = memory
  tokens.resize(options.rememberedTokens)

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
    tokens.remember(token, { principal, issuer, version, endsAt })
    return principal
  }

  const all = () => [...issuers.values()]
  return {
    start: async () => {
      await Promise.all(all().map((issuer) => issuer.start()))
    },
    authenticate: async (authorization) => {
      const token = readBearerToken(authorization)
      const recalled = tokens.recall(token, now(), isInForce)
      if (recalled !== undefined) counts.remembered += 1
      const principal = recalled ?? (await verify(token))
      // check: revoked
      if (memory.isRevoked(principal)) throw new GatewayError('invalidToken', { reason: REVOKED, cause: 'revoked' })
      return principal
    },
    counts: () => counts,
    health: () => all().map(({ keys }) => keys.health()),
    close: () => held.forEach((one) => void one.release()),
  }
}

/** The prefixes of others that names of the one issuer without a prefix must not begin with. */
function foreignPrefixes(issuer: IssuerOptions, issuers: readonly IssuerOptions[]): readonly string[] {
  if (issuer.namePrefix !== '') return []
  return issuers.filter((other) => other !== issuer && other.namePrefix !== '').map(({ namePrefix }) => namePrefix)
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

async function verifySignature(token: UnverifiedToken, algorithm: string, key: FoundKey['key']): Promise<void> {
  try {
    await flattenedVerify(token.encoded, key, { algorithms: [algorithm] })
  } catch (error) {
    if (error instanceof errors.JOSEError) throw refuse('signature')
    throw error
  }
}
