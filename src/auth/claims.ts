import type { Principal } from '../core/principal.ts'
import type { IssuerOptions } from './issuer.ts'
import { refuse } from './refusal.ts'
import { member } from '../core/strict-json.ts'
import type { JsonObject } from '../core/strict-json.ts'

// The last second that a JavaScript date can name; beyond it, arithmetic on times is not exact (1e999 is Infinity).
const LAST_SECOND = 8.64e12

/**
 * The principal of a token whose signature is verified. `foreignPrefixes` are the prefixes of the other issuers, which
 * the names of the issuer without a prefix must not begin with. `now` in milliseconds since 1970.
 */
export function readPrincipal(
  payload: JsonObject,
  issuer: IssuerOptions,
  foreignPrefixes: readonly string[],
  now: number,
): Principal {
  const names = issuer.claims
  // A sender-bound token (RFC 7800, RFC 9449) is worth nothing without the proof, which is not looked at here.
  // check: claim-cnf
  if (Object.hasOwn(payload, 'cnf')) throw refuse('claim-cnf')
  const expiresAt = checkTimes(payload, issuer.clockToleranceMs, now)
  checkAudience(payload, issuer.audience)
  // check: claim-required
  if (!issuer.requiredClaims.every((name) => isPresent(payload, name))) throw refuse('claim-required')
  const subject = member(payload, names.subject)
  // check: claim-sub
  if (typeof subject !== 'string' || subject === '') throw refuse('claim-sub')
  const roles = readList(payload, names.roles)
  const backendRoles = readList(payload, names.backendRoles)
  checkNames([subject, ...roles, ...backendRoles], foreignPrefixes)
  return Object.freeze({
    subject: issuer.namePrefix + subject,
    issuer: issuer.issuer,
    scopes: readScopes(payload, names.scopes),
    roles: Object.freeze(roles.map((role) => issuer.namePrefix + role)),
    backendRoles: Object.freeze(backendRoles.map((role) => issuer.namePrefix + role)),
    container: readContainer(payload, names.container),
    containers: Object.freeze(readList(payload, names.containers)),
    claims: new Map(issuer.keptClaims.map((name) => [name, readTexts(payload, name)])),
    expiresAt,
    ...(typeof payload['jti'] === 'string' ? { tokenId: payload['jti'] } : {}),
    // Its form was checked with the times.
    ...(typeof payload['iat'] === 'number' ? { issuedAt: payload['iat'] } : {}),
  })
}

/** RFC 7519 sections 4.1.4 to 4.1.6; `exp` is required. The tolerance counts on both sides. */
function checkTimes(payload: JsonObject, toleranceMs: number, now: number): number {
  const { exp, nbf, iat } = payload
  // check: claim-exp-form
  if (!isPointInTime(exp)) throw refuse('claim-exp-form')
  // check: claim-exp
  if (exp * 1000 + toleranceMs <= now) throw refuse('claim-exp')
  // check: claim-nbf-form
  if (nbf !== undefined && !isPointInTime(nbf)) throw refuse('claim-nbf-form')
  // check: claim-nbf
  if (nbf !== undefined && nbf * 1000 - toleranceMs > now) throw refuse('claim-nbf')
  // check: claim-iat-form
  if (iat !== undefined && !isPointInTime(iat)) throw refuse('claim-iat-form')
  // check: claim-iat
  if (iat !== undefined && iat * 1000 - toleranceMs > now) throw refuse('claim-iat')
  return exp
}

function isPointInTime(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= LAST_SECOND
}

function checkAudience(payload: JsonObject, accepted: readonly string[]): void {
  const aud = member(payload, 'aud')
  const audience: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  // check: claim-aud-form
  if (!audience.every((one) => typeof one === 'string')) throw refuse('claim-aud-form')
  // check: claim-aud
  if (!accepted.some((one) => audience.includes(one))) throw refuse('claim-aud')
}

function isPresent(payload: JsonObject, name: string): boolean {
  const value = member(payload, name)
  return value !== undefined && value !== null
}

/** Scopes as one string, separated by spaces (RFC 8693 section 4.2), or as a list. */
function readScopes(payload: JsonObject, claim: string): ReadonlySet<string> {
  const value = member(payload, claim)
  const scopes = typeof value === 'string' ? value.split(' ') : readList(payload, claim)
  return new Set(scopes.filter((scope) => scope !== ''))
}

function readList(payload: JsonObject, claim: string): string[] {
  const value = member(payload, claim)
  if (value === undefined || value === null || value === '') return []
  const list: unknown = typeof value === 'string' ? [value] : value
  // check: claim-list-form
  if (!isStrings(list)) throw refuse('claim-list-form')
  return [...list]
}

/** A claim's values as texts; a value that is none, an object or a list of lists, is no value. */
function readTexts(payload: JsonObject, claim: string): readonly string[] {
  return [member(payload, claim)].flat().flatMap((value) => {
    const isPlain = typeof value === 'string' || typeof value === 'boolean' || Number.isSafeInteger(value)
    return isPlain ? [String(value)] : []
  })
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

function readContainer(payload: JsonObject, claim: string): string | undefined {
  const value = member(payload, claim)
  if (value === undefined || value === null) return undefined
  // check: claim-container-form
  if (typeof value !== 'string' || value === '') throw refuse('claim-container-form')
  return value
}

function checkNames(names: readonly string[], foreignPrefixes: readonly string[]): void {
  // A lone surrogate becomes U+FFFD in UTF-8, so that two names would be one in the cluster.
  // check: claim-name-form
  if (!names.every((name) => name.isWellFormed() && !/^\s*$|\p{Cc}/u.test(name))) throw refuse('claim-name-form')
  // check: claim-foreign-prefix
  if (names.some((name) => foreignPrefixes.some((prefix) => name.startsWith(prefix))))
    throw refuse('claim-foreign-prefix')
}
