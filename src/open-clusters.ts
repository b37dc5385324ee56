import type { ConfigFile } from './config/schema.ts'
import { chooseCluster, principalOn, takesAll } from './core/choose-cluster.ts'
import type { ClusterRoute, RouteQuestion } from './core/choose-cluster.ts'
import { GatewayError } from './core/failure.ts'
import type { ConfigProblem } from './config/problem.ts'
import type { Chosen } from './handlers/admit.ts'
import type { ClusterParts } from './handlers/exchange.ts'
import type { GatewayCluster } from './open-cluster.ts'
import type { HealthCheck } from './ops/health.ts'

/** All of the gateway's clusters, and the operator's routes to them. */
export interface GatewayClusters {
  /**
   * The cluster that a request goes to, and its caller as they are there.
   * @throws GatewayError noRoute, claimRequired
   */
  route(question: RouteQuestion): Chosen
  /** For answers that come before a cluster is chosen. */
  readonly first: ClusterParts
  readonly all: ReadonlyMap<string, GatewayCluster>
  /** By the name of the check; with several clusters the cluster's name and a dot come first. */
  checks(): Readonly<Record<string, HealthCheck>>
  start(): Promise<void>
  close(): Promise<void>
}

type Routing = Pick<ConfigFile, 'clusters' | 'routes'>

/** Joins clusters, in the order of the configuration, by the operator's routes. */
export function joinClusters(all: ReadonlyMap<string, GatewayCluster>, config: Routing): GatewayClusters {
  const routes = routesOf(config)
  const [first] = all.values()
  if (first === undefined) throw new Error('a checked configuration names a cluster')
  return {
    first: first.parts,
    all,
    route(question) {
      const choice = chooseCluster(routes, question)
      if (choice.kind === 'noRoute') throw new GatewayError('noRoute')
      if (choice.kind === 'claimMissing') {
        const reason = `The route of this request requires the claim ${choice.claim} with another value than this token has`
        throw new GatewayError('claimRequired', { reason })
      }
      const chosen = all.get(choice.cluster)
      if (chosen === undefined) throw new Error('a checked configuration has every cluster that its routes name')
      const { cluster, position } = choice
      return { cluster: chosen.parts, principal: principalOn(question.principal, cluster), position }
    },
    checks: () =>
      Object.fromEntries(
        [...all].flatMap(([name, cluster]) =>
          Object.entries(cluster.checks()).map(([check, state]) => [
            all.size === 1 ? check : `${name}.${check}`,
            state,
          ]),
        ),
      ),
    async start() {
      await Promise.all([...all.values()].map((cluster) => cluster.start()))
    },
    async close() {
      await Promise.all([...all.values()].map((cluster) => cluster.close()))
    },
  }
}

/** The routes of a configuration: without any, its only cluster takes every request. */
export function routesOf({ clusters, routes }: Routing): readonly ClusterRoute[] {
  return (
    routes?.map(({ when, require, cluster }) => ({ when, require: require.claim, cluster })) ??
    Object.keys(clusters).map((cluster) => ({ when: {}, require: {}, cluster }))
  )
}

/** The claims that routes ask for. */
export function claimsOfRoutes(config: Routing): readonly string[] {
  const asked = routesOf(config).flatMap(({ when, require }) => Object.keys({ ...when.claim, ...require }))
  return [...new Set(asked)]
}

/** What is wrong with the routes of a configuration, in the paths of its file. */
export function checkRoutes(config: Routing): readonly ConfigProblem[] {
  const names = Object.keys(config.clusters)
  const { routes } = config
  if (routes === undefined) {
    return names.length > 1
      ? [{ path: 'routes', message: 'is needed with several clusters: it says which request goes to which cluster' }]
      : []
  }
  const unknown = routes.flatMap(({ cluster }, position) =>
    names.includes(cluster)
      ? []
      : [{ path: `routes[${String(position)}].cluster`, message: `names no cluster; there are ${names.join(', ')}` }],
  )
  const last = routesOf(config).findIndex(takesAll)
  const unreachable = routes.flatMap((_, position) =>
    last !== -1 && position > last
      ? [
          {
            path: `routes[${String(position)}]`,
            message: `is never asked: routes[${String(last)}] takes every request`,
          },
        ]
      : [],
  )
  return [...unknown, ...unreachable]
}
