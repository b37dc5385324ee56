import { createIndicesBehind } from './cluster/behind-name.ts'
import type { IndicesBehind } from './cluster/behind-name.ts'
import { openCircuit } from './cluster/circuit.ts'
import type { CircuitHealth } from './cluster/circuit.ts'
import { keepIndexTable } from './cluster/index-table.ts'
import { createMemoryStores } from './cluster/memory-store.ts'
import { createContainerStores } from './cluster/container-store.ts'
import { createErasureRecords } from './cluster/erasure-records.ts'
import { createErasureStores } from './cluster/erasure-store.ts'
import { checkNodes } from './cluster/node-checks.ts'
import { createPresence, hasIndex } from './cluster/presence.ts'
import type { Presence } from './cluster/presence.ts'
import { createQueryStores } from './cluster/query-store.ts'
import { createReadableIndices } from './cluster/readable-indices.ts'
import type { ServiceAccess } from './cluster/revocation-index.ts'
import { watchCluster } from './cluster/watch.ts'
import type { ClusterHealth } from './cluster/watch.ts'
import { parseErasureRecord } from './config/erasure-record-schema.ts'
import type { ConfigFile } from './config/schema.ts'
import { fieldsToRead } from './core/access.ts'
import type { AccessPolicy } from './core/access.ts'
import type { ClusterNodes } from './core/cluster-nodes.ts'
import type { ErasureRecords } from './core/erasure/records.ts'
import type { ErasureStore } from './core/erasure/store.ts'
import type { Protection } from './core/guard/protected-indices.ts'
import type { ClusterParts } from './handlers/exchange.ts'
import { identityOf, openEngine, timed, traced } from './open-pass-through.ts'
import { openServiceClient } from './open-service-client.ts'
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
  /** What the last look at it saw. */
  readonly health: () => ClusterHealth
  /** For metrics. */
  readonly waiting: () => number
  readonly upgraded: () => number
  /** What is there at this moment, whoever asks. */
  readonly presence: Presence
  readonly hasIndex: (index: string, signal: AbortSignal) => Promise<boolean>
  readonly indicesBehind: IndicesBehind
  /** For what is neither a memory nor a caller's request. */
  readonly service: ServiceAccess
  readonly erasureStoreFor: (signal: AbortSignal) => ErasureStore
  /** Those that are kept in an index of this cluster. */
  readonly erasureRecords: (index: string) => ErasureRecords
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
const RECORD_MS = 10_000

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
  const tellForward = (seconds: number, result: 'answered' | 'failed'): void =>
    metrics.upstream({ cluster: name, operation: 'forward', seconds, result })
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
      forward: timed(traced(engine.forward, name, tracing), tellForward),
      // The gateway's own credentials serve nobody whose requests it does not see.
      forwardUpgrade:
        cluster.passThrough.identity === 'service'
          ? undefined
          : timed(traced(engine.forwardUpgrade, name, tracing), tellForward),
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
    health: () => watch.health(),
    waiting: () => stores.waiting(),
    upgraded: () => engine.upgraded(),
    presence: createPresence(client, readable),
    hasIndex: (index, signal) => hasIndex(client, index, signal),
    indicesBehind: createIndicesBehind(client),
    service: { client, readable },
    erasureStoreFor: createErasureStores({
      client: circuit.guard(client),
      readable,
      policy,
      containerIndex,
      containers: containerStores,
    }),
    erasureRecords: (index) =>
      createErasureRecords(client, index, () => AbortSignal.timeout(RECORD_MS), parseErasureRecord),
    circuit: () => circuit.health(),
    async close() {
      nodeChecks.close()
      watch.close()
      await Promise.all([client.close(), engine.close()])
    },
  }
}
