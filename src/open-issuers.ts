import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

import { openAuthMemory } from './auth/auth-memory.ts'
import type { AuthMemory } from './auth/auth-memory.ts'
import { checkIssuers } from './auth/issuer-rules.ts'
import type { IssuerOptions } from './auth/issuer.ts'
import { createAuthenticator } from './auth/verify.ts'
import type { Authenticator } from './auth/verify.ts'
import type { ConfigProblem } from './config/problem.ts'
import type { ConfigFile } from './config/schema.ts'
import { claimsOfRoutes } from './open-clusters.ts'
import type { Log } from './ops/log.ts'
import type { Metrics } from './ops/metrics.ts'

type Issuer = ConfigFile['auth']['issuers'][number]

/** What is learnt of issuers and tokens, and outlives a configuration. */
export function openIssuerMemory(log: Log, metrics: Metrics): AuthMemory {
  return openAuthMemory(Date.now, ({ kind, ...fields }) => {
    if (kind === 'keysFetched') metrics.keySetFetched(fields.issuer, 'ok')
    if (kind === 'keysNotFetched') metrics.keySetFetched(fields.issuer, 'failed')
    if (kind === 'keysNotFetched' || kind === 'diskCopyFailed') log.warn(kind, fields)
    else log.info(kind, fields)
  })
}

/** The authenticator of a checked configuration. */
export function openAuthenticator(config: ConfigFile, memory: AuthMemory): Authenticator {
  const keptClaims = claimsOfRoutes(config)
  return createAuthenticator({
    issuers: config.auth.issuers.map((issuer) => issuerOptions(issuer, keptClaims)),
    rememberedTokens: config.auth.rememberedTokens,
    memory,
  })
}

/** The rules that `auth/` knows, in the words and paths of the file. */
export function checkIssuersOf({ auth }: ConfigFile): readonly ConfigProblem[] {
  return checkIssuers(auth.issuers.map((issuer) => issuerOptions(issuer, []))).map(({ path, message, remedy }) => ({
    path: `auth.${SETTING_PATHS.reduce((text, [from, to]) => text.replace(from, to), path)}`,
    message: `${message}; ${remedy}`,
  }))
}

/** Where a setting of `auth/` has another name in the file. */
const SETTING_PATHS: readonly (readonly [from: RegExp, to: string])[] = [
  [/\.keys\.uri$/, '.jwks.uri'],
  [/\.keys\.secret$/, '.secret'],
  [/\.cache\./, '.keySet.'],
  [/Ms$/, ''],
]

/** A configured issuer as `auth/` takes it. */
export function issuerOptions(issuer: Issuer, keptClaims: readonly string[]): IssuerOptions {
  const { keySet } = issuer
  return {
    issuer: issuer.issuer,
    audience: issuer.audience,
    algorithms: issuer.algorithms,
    keys: keysOf(issuer),
    clockToleranceMs: issuer.clockTolerance,
    requiredClaims: issuer.requiredClaims,
    types: issuer.types,
    claims: issuer.claims,
    keptClaims,
    namePrefix: issuer.namePrefix,
    cache: {
      maxAgeMs: keySet.maxAge,
      refreshBeforeMs: keySet.refreshBefore,
      cooldownMs: keySet.cooldown,
      staleForMs: keySet.staleFor,
      fetchTimeoutMs: keySet.fetchTimeout,
      maxBytes: keySet.maxBytes,
      maxKeys: keySet.maxKeys,
      ...(keySet.diskPath === undefined ? {} : { diskPath: keySet.diskPath }),
      ...(keySet.ca === undefined ? {} : { ca: keySet.ca }),
    },
  }
}

function keysOf({ jwks, discovery, secret }: Issuer): IssuerOptions['keys'] {
  if (secret !== undefined) return { kind: 'secret', secret: Buffer.from(secret, 'base64url') }
  if (jwks === undefined) return { kind: 'discovery', ...(typeof discovery === 'string' ? { uri: discovery } : {}) }
  if ('uri' in jwks) return { kind: 'jwks', uri: jwks.uri }
  return { kind: 'file', path: jwks.file, fingerprint: fingerprintOf(jwks.file) }
}

/** Whether there is such a file is the key set's to say. */
function fingerprintOf(path: string): string {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('base64')
  } catch {
    return ''
  }
}
