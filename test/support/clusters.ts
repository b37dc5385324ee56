import type { JsonWebKey } from 'node:crypto'
import type { RunningOpenSearch, SecuredAccess } from '../../src/local-cluster/start-opensearch.ts'

/** A running cluster without security: anyone may do anything. */
export type PlainCluster = Pick<RunningOpenSearch, 'url' | 'version' | 'pid' | 'log'>

/** A running cluster with the security plugin, over TLS. */
export interface SecuredCluster extends PlainCluster {
  /** Paths of the CA, of the super admin's and of a client's certificate, and the user with all_access. */
  readonly access: SecuredAccess
  /** Tokens signed with this key (RS256) are accepted by the cluster itself: `sub` is the user, `roles` its backend roles. */
  readonly jwtPrivateKey: JsonWebKey
  /** It believes `x-proxy-user` and `x-proxy-roles` of whoever forwards from 127.0.0.1; not there in files of older kept clusters. */
  readonly proxyAuth?: true
}

/** What globalSetup leaves in the environment of every test: the clusters that it started. */
export interface TestClusters {
  readonly plain: PlainCluster
  /** Not there for server versions that have no security plugin. */
  readonly secured: SecuredCluster | undefined
}

/** The cluster without security that runs for all tests. They share it: name your indices after your test. */
export function plainCluster(): PlainCluster {
  return clusters().plain
}

/** The cluster with security; `undefined` where OPENSEARCH_VERSION names a version that has no security plugin. */
export function securedCluster(): SecuredCluster | undefined {
  return clusters().secured
}

function clusters(): TestClusters {
  const json = process.env['TEST_CLUSTERS']
  if (json === undefined) {
    throw new Error(
      'No cluster was started for this test: only the jest project "cluster" has them (npm run test:cluster)',
    )
  }
  return JSON.parse(json) as TestClusters
}
