import { openCircuit } from './cluster/circuit.ts'
import type { CircuitHealth } from './cluster/circuit.ts'
import { openCluster } from './cluster/client.ts'
import type { ClusterClient } from './cluster/client.ts'
import { keepIndexTable } from './cluster/index-table.ts'
import { createMemoryStores } from './cluster/memory-store.ts'
import { createContainerStores } from './cluster/container-store.ts'
import { checkNodes } from './cluster/node-checks.ts'
import { createPresence, hasIndex } from './cluster/presence.ts'
import type { Presence } from './cluster/presence.ts'
import { createQueryStores } from './cluster/query-store.ts'
import { createReadableIndices } from './cluster/readable-indices.ts'
import { authorizationOf } from './cluster/service-identity.ts'
import { watchCluster } from './cluster/watch.ts'
import type { ConfigFile } from './config/schema.ts'
import { fieldsToRead } from './core/access.ts'
import type { AccessPolicy } from './core/access.ts'
import { openClusterNodes } from './core/cluster-nodes.ts'
import type { ClusterNodes } from './core/cluster-nodes.ts'
import type { Protection } from './core/guard/protected-indices.ts'
import { proxyHeaders } from './core/cluster-identity.ts'
import type { Tracing } from './core/tracing.ts'
import type { Engine, Forward, ForwardOptions } from './forward/engine.ts'
import { forwardWithUndici } from './forward/with-undici.ts'
import type { ClusterParts } from './handlers/exchange.ts'
import type { HealthCheck } from './ops/health.ts'
import type { Log } from './ops/log.ts'
import type { Metrics } from './ops/metrics.ts'
import { openTracing } from './ops/trace.ts'

/** One of the gateway's clusters: its parts for handlers, and what keeps an eye on it. */
export interface GatewayCluster {
  readonly parts: ClusterParts
  /** The first look at the cluster; never rejects. */
  start(): Promise<void>
  readonly checks: () => Readonly<Record<'cluster' | 'maskedIndices' | 'circuit' | 'nodes', HealthCheck>>
  /** For metrics. */
  readonly waiting: () => number
  /** What is there at this moment, whoever asks. */
  readonly presence: Presence
  readonly hasIndex: (index: string, signal: AbortSignal) => Promise<boolean>
  readonly circuit: () => CircuitHealth
  /** What is known of its nodes, and counted. */
  readonly nodes: Pick<ClusterNodes, 'states' | 'counters'>
  close(): Promise<void>
}

type Cluster = ConfigFile['clusters'][string]

/** What all clusters have in common. */
export interface SharedSettings {
  readonly indexTable: { readonly protection: Protection; readonly freshForMs: number; readonly maxAgeMs: number }
  readonly containerIndex: string
  readonly policy: AccessPolicy
  /** Of a memory request as a whole, in milliseconds. */
  readonly deadlineMs: number
}

const WATCH_INTERVAL_MS = 30_000

const MASKED =
  'the cluster hides the documents of an index from the service identity: give the cluster service: { kind: clientCertificate } ' +
  'with a certificate whose DN is in plugins.security.authcz.admin_dn'

const ONLY_GUARD =
  'requests are passed through as the service identity: the gateway is the only guard, and what it lets through may do all that this identity may'

/** Wires the parts of one configured cluster. No connection is made before the first request. */
export async function openGatewayCluster(
  name: string,
  cluster: Cluster,
  { containerIndex, policy, deadlineMs, indexTable }: SharedSettings,
  log: Log,
  metrics: Metrics,
): Promise<GatewayCluster> {
  const tracing = openTracing()
  const { client, choice } = openServiceClient(name, cluster, tracing)
  const nodeChecks = checkNodes({
    client,
    nodes: choice,
    intervalMs: cluster.ejection.checkInterval,
    timeoutMs: cluster.attemptTimeout,
    onChange: ({ node, isUp }) =>
      isUp ? log.info('a node is back', { cluster: name, node }) : log.warn('a node is out', { cluster: name, node }),
  })
  const readable = createReadableIndices({ client, onMasked: (index) => log.warn(MASKED, { cluster: name, index }) })
  const watch = watchCluster({ client, readable, containerIndex, intervalMs: WATCH_INTERVAL_MS })
  const circuit = openCircuit({ failures: cluster.circuit.failures, cooldownMs: cluster.circuit.cooldown })
  const stores = createMemoryStores({
    client,
    circuit,
    // Long enough for a shard that moves, and time is left to tell the caller.
    shardTimeoutMs: Math.max(1, Math.round(deadlineMs / 4)),
    readable,
    containerIndex,
    memoryFields: fieldsToRead(policy),
    onFailure: () => watch.nudge(),
    onBatch: (operation, items, seconds, result) => {
      metrics.batch(name, operation, items)
      metrics.upstream({ cluster: name, operation, seconds, result })
    },
    tracing,
  })
  const containerStores = createContainerStores({
    client: circuit.guard(client),
    readable,
    containerIndex,
    memories: stores,
  })
  const queryStores = createQueryStores({ client: circuit.guard(client), readable, policy, containers: stores })
  const engine = await openEngine(cluster, choice)
  if (cluster.passThrough.identity === 'service') log.warn(ONLY_GUARD, { cluster: name })

  return {
    parts: {
      name,
      storeFor: (signal, waited) => stores.forRequest(signal, waited),
      queryStoreFor: (signal, waited) => queryStores.forRequest(signal, waited),
      containerStoreFor: (signal, waited) => containerStores.forRequest(signal, waited),
      indexTables: keepIndexTable({ client, ...indexTable }),
      allowTenantHeader: cluster.passThrough.allowTenantHeader,
      identityOf: identityOf(cluster),
      forward: timed(traced(engine.forward, name, tracing), (seconds, result) =>
        metrics.upstream({ cluster: name, operation: 'forward', seconds, result }),
      ),
      versionHeader: () => client.versionHeader(),
    },
    nodes: choice,
    async start() {
      nodeChecks.start()
      await watch.start()
    },
    checks: () => ({
      cluster: { ok: watch.health().reachable && watch.health().problem === undefined, ...watch.health() },
      // Half-open counts as ready: without a request to try the cluster with, the circuit would stay as it is.
      circuit: { ok: circuit.health().state !== 'open', ...circuit.health() },
      maskedIndices: { ok: readable.masked().length === 0, indices: readable.masked() },
      nodes: { ok: choice.states().some(({ state }) => state === 'up'), states: choice.states() },
    }),
    waiting: () => stores.waiting(),
    presence: createPresence(client, readable),
    hasIndex: (index, signal) => hasIndex(client, index, signal),
    circuit: () => circuit.health(),
    async close() {
      nodeChecks.close()
      watch.close()
      await Promise.all([client.close(), engine.close()])
    },
  }
}

/** Opens a cluster as the service identity, and the choice of its nodes. No connection is made before the first request. */
export function openServiceClient(
  name: string,
  cluster: Cluster,
  tracing?: Tracing,
): { client: ClusterClient; choice: ClusterNodes } {
  const choice = openChoice(cluster)
  const client = openCluster({
    name,
    nodes: cluster.nodes,
    choice,
    ca: cluster.tls.ca,
    service: cluster.service,
    connectTimeoutMs: cluster.connectTimeout,
    attemptTimeoutMs: cluster.attemptTimeout,
    idleTimeoutMs: cluster.idleTimeout,
    maxConnections: cluster.maxConnections,
    tracing,
  })
  return { client, choice }
}

/** The same way to pass a request on, with a span for it where anybody collects spans. */
function traced(forward: Forward, cluster: string, tracing: Tracing | undefined): Forward {
  if (tracing === undefined) return forward
  return (request, response, headers, body) => {
    const attributes = { 'http.request.method': request.method ?? '', 'memory_gateway.cluster': cluster }
    return tracing.forward(headers, attributes, async (withTrace) => {
      await forward(request, response, withTrace, body)
      return response.statusCode
    })
  }
}

/** The same way to pass a request on, with somebody told how long it took in seconds. */
function timed(forward: Forward, tell: (seconds: number, result: 'answered' | 'failed') => void): Forward {
  return async (...exchange) => {
    const startedAt = performance.now()
    const end = (result: 'answered' | 'failed'): void => tell((performance.now() - startedAt) / 1000, result)
    try {
      await forward(...exchange)
      end('answered')
    } catch (error) {
      end('failed')
      throw error
    }
  }
}

type Identify = ClusterParts['identityOf']

/** As whom requests are passed through. */
function identityOf({ service, passThrough }: Cluster): Identify {
  switch (passThrough.identity) {
    case 'caller':
      return () => undefined
    case 'proxyHeaders':
      return proxyHeaders
    case 'service': {
      const authorization = authorizationOf(service)
      return () => {
        const said = authorization()
        return said === undefined ? {} : { authorization: said }
      }
    }
  }
}

function clientCertificateOf({ service, passThrough }: Cluster): ForwardOptions['clientCertificate'] {
  const { identity, cert, key } = passThrough
  if (identity === 'service') {
    return service.kind === 'clientCertificate' ? { cert: service.cert, key: service.key } : undefined
  }
  return identity === 'proxyHeaders' && cert !== undefined && key !== undefined ? { cert, key } : undefined
}

function openChoice({ nodes, ejection, retryBudget, attemptTimeout }: Cluster): ClusterNodes {
  return openClusterNodes({
    nodes,
    failures: ejection.failures,
    backoffMs: ejection.backoff,
    maxBackoffMs: ejection.maxBackoff,
    silenceMs: attemptTimeout,
    retries: retryBudget,
    now: () => performance.now(),
    random: Math.random,
  })
}

async function openEngine(cluster: Cluster, choice: ClusterNodes): Promise<Engine> {
  const options: ForwardOptions = {
    nodes: cluster.nodes,
    choice,
    ca: cluster.tls.ca,
    clientCertificate: clientCertificateOf(cluster),
    connectTimeoutMs: cluster.connectTimeout,
    idleTimeoutMs: cluster.idleTimeout,
    silenceTimeoutMs: cluster.silenceTimeout,
    maxConnections: cluster.maxConnections,
  }
  if (cluster.passThrough.engine === 'undici') return forwardWithUndici(options)
  // Loaded only where it is asked for.
  const { forwardWithHttpProxyMiddleware } = await import('./forward/with-http-proxy-middleware.ts')
  return forwardWithHttpProxyMiddleware(options)
}
