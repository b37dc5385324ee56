import type { ClusterFacts, IssuerFacts, TokenDomain } from './facts.ts'
import { few } from './finding.ts'
import type { DoctorSettings, Finding } from './finding.ts'

/** Where requests go on with tokens that are good here, and that the cluster does not get to read, or has no key for. */
export function findInTokens(
  { name, tokenDomains = [] }: ClusterFacts,
  issuers: readonly IssuerFacts[],
  { clusters }: DoctorSettings,
): readonly Finding[] {
  const readers = tokenDomains.filter(({ header }) => header === undefined || header.toLowerCase() === 'authorization')
  // Where there are none, that is found by itself.
  if (readers.length === 0 || clusters[name]?.passThrough !== 'caller') return []
  const read = issuers.map((issuer) => readers.filter((domain) => mayRead(domain, issuer)))
  const unread = read.flatMap((some, position) => (some.length === 0 ? [position] : []))
  const severity = unread.length === issuers.length ? 'error' : 'warning'
  const challenged = new Set(read.filter((some) => some.every(({ behind }) => behind !== undefined)).flat())
  return [
    ...[...challenged].map((domain) => challengedAt(name, domain)),
    ...unread.map((position): Finding => ({ ...keysDiffer(name, readers, issuers[position], position), severity })),
  ]
}

/** As far as their keys are known. One that they share is enough: issuers show keys before they sign with them. */
function mayRead({ keys: theirs }: TokenDomain, { keys: ours }: IssuerFacts): boolean {
  const known = ours.flatMap(({ fingerprint }) => (fingerprint === undefined ? [] : [fingerprint]))
  return theirs === undefined || known.length === 0 || known.some((key) => theirs.includes(key))
}

function challengedAt(cluster: string, { name, behind = '' }: TokenDomain): Finding {
  return {
    id: 'tokens-challenged',
    severity: 'error',
    about: `clusters.${cluster}.passThrough.identity`,
    seen: `requests are passed through with the caller's own token (identity caller), and at ${cluster} the authentication domain ${name}, which reads them, comes after ${behind}, which challenges`,
    means: `who shows a token is asked by ${behind} for something else, and gets no further: what is passed through is answered with 401 by the cluster; deletes of memories work`,
    remedy: {
      text: `in the security plugin's configuration give config.dynamic.authc.${name} a lower order than ${behind} has; or set config.dynamic.authc.${behind}.http_authenticator.challenge to false`,
    },
  }
}

function keysDiffer(
  cluster: string,
  readers: readonly TokenDomain[],
  issuer: IssuerFacts | undefined,
  position: number,
): Omit<Finding, 'severity'> {
  const about = `auth.issuers[${String(position)}]`
  const from = issuer?.source ?? ''
  const names = few(readers.map(({ name }) => name))
  return {
    id: 'signing-keys-differ',
    about,
    seen: `${cluster} reads tokens by ${names}, with none of the keys of ${issuer?.issuer ?? ''} (from ${from})`,
    means: `tokens of this issuer are good here, and answered with 401 by ${cluster} where they are passed through (identity caller); deletes of memories work`,
    remedy: {
      text: `give ${names}, or a domain of its own, the keys of that issuer (signing_key, or jwks_uri); or, where the cluster is right, have ${about}.jwks or .discovery name the issuer's keys`,
    },
  }
}
