import { ALGORITHM_NAMES, algorithmNamed } from './algorithms.ts'
import type { IssuerOptions } from './issuer.ts'
import { keyUriProblem } from './key-uri.ts'

/** Something in the configuration of the issuers with which the gateway must not start. */
export interface IssuerProblem {
  /** `issuers[1].algorithms`: names as in `IssuerOptions`. */
  readonly path: string
  readonly message: string
  readonly remedy: string
}

/** The rules on issuers that a schema cannot say; all problems at once. */
export function checkIssuers(issuers: readonly IssuerOptions[]): readonly IssuerProblem[] {
  return issuers.flatMap((issuer, index) => [
    ...checkAlgorithms(issuer, `issuers[${index}]`),
    ...checkKeys(issuer, `issuers[${index}].keys`),
    ...checkCache(issuer, `issuers[${index}].cache`),
    ...issuers.slice(0, index).flatMap((earlier) => checkPair(earlier, issuer, `issuers[${index}]`)),
  ])
}

function checkAlgorithms({ algorithms, keys }: IssuerOptions, path: string): IssuerProblem[] {
  const problems: IssuerProblem[] = []
  const at = { path: `${path}.algorithms` }
  const remedy = `Name some of ${ALGORITHM_NAMES.join(', ')}`
  const unknown = algorithms.filter((name) => algorithmNamed(name) === undefined)
  // check: rule-algorithms
  if (algorithms.length === 0) problems.push({ ...at, message: 'No algorithm is accepted', remedy })
  // check: rule-algorithm-known
  if (unknown.length > 0) problems.push({ ...at, message: `No signature algorithm: ${unknown.join(', ')}`, remedy })
  const symmetric = algorithms.filter((name) => algorithmNamed(name)?.kty === 'oct')
  // CVE-2015-9235: where both are accepted, the public key is the secret.
  // check: rule-hmac-alone
  if (keys.kind !== 'secret' && symmetric.length > 0) {
    const message = `${symmetric.join(', ')} with public keys would let anyone sign`
    problems.push({
      ...at,
      message,
      remedy: 'Leave the HS algorithms out, or give the issuer a secret and nothing else',
    })
  }
  // check: rule-secret-alone
  if (keys.kind === 'secret' && symmetric.length < algorithms.length) {
    problems.push({
      ...at,
      message: 'A shared secret goes with HS algorithms only',
      remedy: 'Name HS256, HS384 or HS512 only',
    })
  }
  return problems
}

function checkKeys({ issuer, algorithms, keys }: IssuerOptions, path: string): IssuerProblem[] {
  if (keys.kind === 'file') return []
  if (keys.kind === 'secret') return checkSecret(keys.secret, algorithms, `${path}.secret`)
  const uri = keys.kind === 'jwks' ? keys.uri : (keys.uri ?? issuer)
  const problem = keyUriProblem(uri)
  // check: rule-uri
  if (problem !== undefined)
    return [{ path: `${path}.uri`, message: `${uri} ${problem}`, remedy: 'Use an https address' }]
  return []
}

function checkSecret(secret: Uint8Array, algorithms: readonly string[], path: string): IssuerProblem[] {
  const needed = Math.max(32, ...algorithms.map((name) => algorithmNamed(name)?.secretBytes ?? 0))
  // check: rule-secret-size
  if (secret.length < needed) {
    const message = `The secret has ${secret.length * 8} bits; its algorithms need ${needed * 8} (RFC 7518 section 3.2)`
    return [{ path, message, remedy: `Make one with: openssl rand -base64 ${needed}` }]
  }
  return []
}

function checkCache({ cache, keys }: IssuerOptions, path: string): IssuerProblem[] {
  if (keys.kind === 'secret') return []
  // Else a set would age out before it may be fetched again.
  // check: rule-cache
  if (cache.cooldownMs + cache.refreshBeforeMs >= cache.maxAgeMs) {
    const message = 'The maximum age leaves no time to fetch the keys again before it is over'
    const remedy = 'Make it longer than the cooldown and the refresh time together'
    return [{ path: `${path}.maxAgeMs`, message, remedy }]
  }
  return []
}

function checkPair(one: IssuerOptions, other: IssuerOptions, path: string): IssuerProblem[] {
  const problems: IssuerProblem[] = []
  // check: rule-issuer-once
  if (one.issuer === other.issuer) {
    const message = `${other.issuer} is configured twice`
    problems.push({
      path: `${path}.issuer`,
      message,
      remedy: 'Merge the two: the issuer of a token must name one key set',
    })
  }
  const bare = one.namePrefix === '' && other.namePrefix === ''
  // check: rule-bare-once
  if (bare) {
    const message = `${one.issuer} and ${other.issuer} both yield names without a prefix: two people would be one`
    problems.push({ path: `${path}.namePrefix`, message, remedy: 'Give all issuers but one a namePrefix' })
  }
  // check: rule-prefix-free
  if (one.namePrefix !== '' && other.namePrefix !== '' && startsAlike(one.namePrefix, other.namePrefix)) {
    const message = `The prefixes "${one.namePrefix}" and "${other.namePrefix}" can yield the same name`
    problems.push({ path: `${path}.namePrefix`, message, remedy: 'Let neither prefix begin with the other' })
  }
  // check: rule-disk-once
  if (one.cache.diskPath !== undefined && one.cache.diskPath === other.cache.diskPath) {
    const message = `${one.issuer} and ${other.issuer} would keep their keys in the same file`
    problems.push({ path: `${path}.cache.diskPath`, message, remedy: 'Give each issuer a file of its own' })
  }
  return problems
}

function startsAlike(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one)
}
