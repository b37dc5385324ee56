import { expect, test } from '@jest/globals'

import { chooseCluster, fitsPath, principalOn, takesAll } from '../../../src/core/choose-cluster.ts'
import type { Principal } from '../../../src/core/principal.ts'
import { ROUTE_CASES, ROUTES } from '../../vectors/cluster-routes.ts'

const alice: Principal = {
  subject: 'alice',
  issuer: 'https://idp.example',
  scopes: new Set(['memory:read']),
  roles: [],
  backendRoles: [],
  container: undefined,
  containers: [],
  claims: new Map(),
  expiresAt: 4_000_000_000,
}

test.each(ROUTE_CASES)('$sentence', ({ segments, claims = {}, issuer = alice.issuer, containerId, expected }) => {
  const principal = { ...alice, issuer, claims: new Map(Object.entries(claims)) }
  expect(chooseCluster(ROUTES, { principal, segments, containerId })).toEqual(expected)
})

test('a route without a condition takes every request', () => {
  expect(
    [{}, { claim: undefined }, { paths: ['/**'] }].map((when) => takesAll({ when, require: {}, cluster: 'c' })),
  ).toEqual([true, true, false])
})

test('a pattern of many stars costs no more than its length', () => {
  const pattern = `/${'a*'.repeat(2_000)}b`
  expect(fitsPath(pattern, ['a'.repeat(20_000)])).toBe(false)
})

test('a scope that is bound to a cluster counts there and nowhere else', () => {
  const bound = { ...alice, scopes: new Set(['memory:read', 'eu/memory:delete', 'eu/us/memory:write']) }
  expect([...principalOn(bound, 'eu').scopes]).toEqual([
    'memory:read',
    'eu/memory:delete',
    'eu/us/memory:write',
    'memory:delete',
    'us/memory:write',
  ])
  expect(principalOn(bound, 'us')).toBe(bound)
  expect(principalOn(bound, 'e')).toBe(bound)
})
