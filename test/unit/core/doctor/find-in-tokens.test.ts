import { expect, test } from '@jest/globals'

import type { ClusterFacts, IssuerFacts, TokenDomain } from '../../../../src/core/doctor/facts.ts'
import { findInTokens } from '../../../../src/core/doctor/find-in-tokens.ts'
import type { DoctorSettings } from '../../../../src/core/doctor/finding.ts'

const domain = (keys: TokenDomain['keys'], behind?: string, header?: string): TokenDomain => ({
  name: `${keys?.join('+') ?? 'any'}${behind === undefined ? '' : ` behind ${behind}`}`,
  type: 'jwt',
  header,
  subjectKey: undefined,
  rolesKey: undefined,
  behind,
  keys,
})
const issuer = (...keys: readonly string[]): IssuerFacts => ({
  issuer: `https://${keys.join('-')}.test`,
  source: 'https://keys.test',
  keys: keys.map((fingerprint) => ({ keyId: undefined, type: 'EC', algorithms: ['ES256'], fingerprint })),
  error: undefined,
  clockAheadMs: undefined,
})

function found(
  domains: readonly TokenDomain[],
  issuers: readonly IssuerFacts[],
  passThrough: 'caller' | 'service' = 'caller',
): readonly string[] {
  const cluster = { name: 'main', tokenDomains: domains } as Partial<ClusterFacts> as ClusterFacts
  const settings = {
    clusters: { main: { serviceKind: 'none', passThrough } },
  } as Partial<DoctorSettings> as DoctorSettings
  return findInTokens(cluster, issuers, settings).map(({ severity, id, about }) => `${severity} ${id} ${about}`)
}

const CHALLENGED = 'error tokens-challenged clusters.main.passThrough.identity'

test.each([
  { says: 'a key that both have', domains: [domain(['a', 'b'])], issuers: [issuer('b', 'c')], finds: [] },
  {
    says: 'none in common',
    domains: [domain(['a'])],
    issuers: [issuer('b')],
    finds: ['error signing-keys-differ auth.issuers[0]'],
  },
  {
    says: 'none for one of two issuers',
    domains: [domain(['a'])],
    issuers: [issuer('a'), issuer('b')],
    finds: ['warning signing-keys-differ auth.issuers[1]'],
  },
  { says: 'keys of the domain that are not known', domains: [domain(undefined)], issuers: [issuer('b')], finds: [] },
  { says: 'keys of the issuer that are not known', domains: [domain(['a'])], issuers: [issuer()], finds: [] },
  {
    says: 'the right key behind a challenge, another before it',
    domains: [domain(['a']), domain(['b'], 'basic')],
    issuers: [issuer('b')],
    finds: [CHALLENGED],
  },
  {
    says: 'the right key before a challenge, and once more behind it',
    domains: [domain(['a']), domain(['a'], 'basic')],
    issuers: [issuer('a')],
    finds: [],
  },
  {
    says: 'a domain that reads another header',
    domains: [domain(['b'], undefined, 'x-token')],
    issuers: [issuer('a')],
    finds: [],
  },
])('$says: $finds', ({ domains, issuers, finds }) => {
  expect(found(domains, issuers)).toEqual(finds)
  expect(found(domains, issuers, 'service')).toEqual([])
})
