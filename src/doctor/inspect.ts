import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'

import { inspectKeys } from '../auth/inspect-keys.ts'
import type { IssuerOptions } from '../auth/issuer.ts'
import type { ClusterClient } from '../cluster/client.ts'
import { readContainers } from '../cluster/inspect/inspect-containers.ts'
import { inspectIndex } from '../cluster/inspect/inspect-indices.ts'
import { inspectNode } from '../cluster/inspect/inspect-nodes.ts'
import type { ConfigFile } from '../config/schema.ts'
import { parseContainer } from '../core/backing-index.ts'
import type { CertificateFacts, ClusterFacts, Facts, IndexFacts, NodeFacts } from '../core/doctor/facts.ts'
import type { DoctorSettings } from '../core/doctor/finding.ts'
import { MEMORY_TYPES } from '../core/memory.ts'
import { indicesOf } from '../core/shared-indices.ts'
import type { StoredContainer } from '../core/shared-indices.ts'
import { openServiceClient } from '../open-service-client.ts'
import { issuerOptions } from '../open-issuers.ts'
import type { OnProgress } from '../progress.ts'
import { inspectSecurity, NOTHING_OF_SECURITY } from './inspect-security.ts'

type Cluster = ConfigFile['clusters'][string]

/** Of one question to a cluster. */
const TIMEOUT_MS = 10_000
/** Indices that are looked at together. */
const AT_ONCE = 8

/** Looks at all that a configuration names, as the gateway would, and changes nothing. */
export async function inspectDeployment(config: ConfigFile, onProgress: OnProgress): Promise<Facts> {
  const clusters: ClusterFacts[] = []
  const issuers = config.auth.issuers.map((issuer) => issuerOptions(issuer, []))
  for (const [name, cluster] of Object.entries(config.clusters)) {
    clusters.push(await inspectCluster({ name, cluster, issuers, config, onProgress }))
  }
  onProgress('Fetching the keys of the issuers')
  const keySets = await Promise.all(issuers.map((issuer) => inspectKeys(issuer)))
  return { at: Date.now(), clusters, issuers: keySets, certificates: certificatesOf(config) }
}

interface Question {
  readonly name: string
  readonly cluster: Cluster
  readonly issuers: readonly IssuerOptions[]
  readonly config: Pick<ConfigFile, 'memory'>
  readonly onProgress: OnProgress
}

async function inspectCluster({ name, cluster, issuers, config, onProgress }: Question): Promise<ClusterFacts> {
  const { containerIndex } = config.memory
  onProgress(`Asking the nodes of ${name}`)
  const nodes = await Promise.all(cluster.nodes.map((node) => inspectAlone(name, cluster, node)))
  const base = { name, nodes, containerIndex }
  const answering = nodesOfOneCluster(nodes)
  if (answering.length === 0) return { ...base, ...NOTHING_OF_SECURITY, containers: undefined, indices: [] }

  const reached = { ...cluster, nodes: answering }
  const { client } = openServiceClient(name, reached)
  try {
    onProgress(`Asking ${name} who the service identity is`)
    const security = await inspectSecurity({ name, cluster: reached, client, issuers, timeout })
    onProgress(`Reading the containers of ${name}`)
    const containers = await readContainers(client, containerIndex, timeout())
    const names = [containerIndex, ...indicesNamedBy(containers ?? [])]
    return {
      ...base,
      ...security,
      containers,
      indices: await inspectIndices(client, names, (done) =>
        onProgress(`Looking at the indices of ${name}: ${String(done)} of ${String(names.length)}`),
      ),
    }
  } finally {
    await client.close()
  }
}

/** Those that answer; where they are of several clusters, those of the first, so that nothing is seen by chance. */
function nodesOfOneCluster(nodes: readonly NodeFacts[]): string[] {
  const answered = nodes.flatMap(({ node, answer }) =>
    answer.kind === 'answered' ? [{ node, clusterId: answer.clusterId }] : [],
  )
  return answered.filter(({ clusterId }) => clusterId === answered[0]?.clusterId).map(({ node }) => node)
}

const timeout = (): AbortSignal => AbortSignal.timeout(TIMEOUT_MS)

async function inspectAlone(name: string, cluster: Cluster, node: string): Promise<NodeFacts> {
  const { client } = openServiceClient(name, { ...cluster, nodes: [node] })
  const timeoutMs = Math.min(TIMEOUT_MS, cluster.connectTimeout + cluster.attemptTimeout)
  try {
    return await inspectNode({ node, client, ca: cluster.tls.ca, service: cluster.service, timeoutMs })
  } finally {
    await client.close()
  }
}

function indicesNamedBy(containers: readonly StoredContainer[]): readonly string[] {
  const named = containers.flatMap(({ id, source }) => {
    const indices = indicesOf(parseContainer(id, source).naming, MEMORY_TYPES)
    return typeof indices === 'string' ? [] : indices
  })
  return [...new Set<string>(named)].sort()
}

async function inspectIndices(
  client: ClusterClient,
  names: readonly string[],
  onDone: (done: number) => void,
): Promise<readonly IndexFacts[]> {
  const facts: IndexFacts[] = []
  for (let from = 0; from < names.length; from += AT_ONCE) {
    const some = names.slice(from, from + AT_ONCE)
    facts.push(...(await Promise.all(some.map((index) => inspectIndex(client, index, timeout())))))
    onDone(facts.length)
  }
  return facts
}

function certificatesOf({ clusters, listen }: ConfigFile): Facts['certificates'] {
  const pems = Object.entries(clusters).flatMap(([name, { service, passThrough }]) => [
    ...(service.kind === 'clientCertificate' ? [[`clusters.${name}.service.cert`, service.cert] as const] : []),
    ...(passThrough.cert === undefined ? [] : [[`clusters.${name}.passThrough.cert`, passThrough.cert] as const]),
  ])
  const own = listen.tls === undefined ? [] : [['listen.tls.cert', readFileSync(listen.tls.cert, 'utf8')] as const]
  return [...pems, ...own].flatMap(([setting, pem]) => {
    const certificate = describeCertificate(pem)
    return certificate === undefined ? [] : [{ setting, certificate }]
  })
}

function describeCertificate(pem: string): CertificateFacts | undefined {
  try {
    const { subject, issuer, validFrom, validTo } = new X509Certificate(pem)
    const inLine = (name: string): string => name.replaceAll('\n', ',')
    return {
      subject: inLine(subject),
      issuer: inLine(issuer),
      validFrom: Date.parse(validFrom),
      validTo: Date.parse(validTo),
    }
  } catch {
    // Whoever connects with it will say so better.
    return undefined
  }
}

/** What findings stand on of a configuration. */
export function doctorSettings({ auth, clusters, memory }: ConfigFile): DoctorSettings {
  return {
    issuers: auth.issuers.map(({ issuer, clockTolerance, claims, namePrefix, algorithms }) => ({
      issuer,
      clockToleranceMs: clockTolerance,
      subjectClaim: claims.subject,
      backendRolesClaim: claims.backendRoles,
      namePrefix,
      algorithms,
    })),
    clusters: Object.fromEntries(
      Object.entries(clusters).map(([name, { service, passThrough }]) => [
        name,
        { serviceKind: service.kind, passThrough: passThrough.identity },
      ]),
    ),
    policy: { ownership: memory.ownership, containersWithoutOwner: memory.containersWithoutOwner },
  }
}
