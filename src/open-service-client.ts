import { openCluster } from './cluster/client.ts'
import type { ClusterClient } from './cluster/client.ts'
import type { ConfigFile } from './config/schema.ts'
import { openClusterNodes } from './core/cluster-nodes.ts'
import type { ClusterNodes } from './core/cluster-nodes.ts'
import type { Tracing } from './core/tracing.ts'

type Cluster = ConfigFile['clusters'][string]

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
