import type { ClusterRoute, RouteChoice } from '../../src/core/choose-cluster.ts'

/** One operator's routes, for all the questions below. */
export const ROUTES: readonly ClusterRoute[] = [
  { when: { claim: { tenant: ['acme', 'globex'] } }, require: {}, cluster: 'acme' },
  { when: { containers: ['eu-container'] }, require: { region: ['eu'] }, cluster: 'eu' },
  { when: { indices: ['logs-*', 'metrics'] }, require: {}, cluster: 'logs' },
  { when: { paths: ['/_cat/**', '/tenants/*/_doc/**'] }, require: {}, cluster: 'ops' },
  { when: { issuer: 'https://partner.example', paths: ['/**'] }, require: {}, cluster: 'partner' },
  { when: { paths: ['/main/**'] }, require: {}, cluster: 'main' },
]

interface RouteCase {
  readonly sentence: string
  readonly segments: readonly string[]
  readonly claims?: Readonly<Record<string, readonly string[]>>
  readonly issuer?: string
  readonly containerId?: string
  readonly expected: RouteChoice
}

const to = (cluster: string, position: number): RouteChoice => ({ kind: 'cluster', cluster, position })

export const ROUTE_CASES: readonly RouteCase[] = [
  {
    sentence: 'one of the values of a claim',
    segments: ['x'],
    claims: { tenant: ['globex'] },
    expected: to('acme', 0),
  },
  {
    sentence: 'a claim with several values, one of them asked for',
    segments: ['x'],
    claims: { tenant: ['a', 'acme'] },
    expected: to('acme', 0),
  },
  {
    sentence: 'another value of the claim',
    segments: ['main', 'y'],
    claims: { tenant: ['acme2'] },
    expected: to('main', 5),
  },
  {
    sentence: 'the first route that fits wins',
    segments: ['logs-1', '_search'],
    claims: { tenant: ['acme'] },
    expected: to('acme', 0),
  },
  {
    sentence: 'a container, with the claim that its route requires',
    segments: [],
    containerId: 'eu-container',
    claims: { region: ['eu'] },
    expected: to('eu', 1),
  },
  {
    sentence: 'a container without that claim is refused, and goes nowhere else',
    segments: ['main', 'y'],
    containerId: 'eu-container',
    expected: { kind: 'claimMissing', claim: 'region', position: 1 },
  },
  { sentence: 'an index by a pattern', segments: ['logs-2026', '_search'], expected: to('logs', 2) },
  { sentence: 'a list of indices that all fit', segments: ['logs-1,metrics', '_search'], expected: to('logs', 2) },
  {
    sentence: 'a list with one that does not fit',
    segments: ['logs-1,main', '_search'],
    expected: { kind: 'noRoute' },
  },
  { sentence: 'an API is no index', segments: ['_search'], expected: { kind: 'noRoute' } },
  { sentence: 'any number of segments', segments: ['_cat', 'indices', 'a'], expected: to('ops', 3) },
  { sentence: 'none of them too', segments: ['_cat'], expected: to('ops', 3) },
  { sentence: 'one segment between literals', segments: ['tenants', 't1', '_doc', '1'], expected: to('ops', 3) },
  {
    sentence: 'a star stands for one segment only',
    segments: ['tenants', 't1', 't2', '_doc', '1'],
    expected: { kind: 'noRoute' },
  },
  { sentence: 'a slash within a segment ends nothing', segments: ['tenants', 'a/_doc'], expected: { kind: 'noRoute' } },
  {
    sentence: "another issuer's token",
    segments: ['x'],
    issuer: 'https://partner.example',
    expected: to('partner', 4),
  },
  { sentence: 'no route', segments: ['x'], expected: { kind: 'noRoute' } },
]
