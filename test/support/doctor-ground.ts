import type { JsonWebKey } from 'node:crypto'
import { readFileSync } from 'node:fs'

import type { ConfigInput } from '../../src/config/schema.ts'
import type { MemoryType } from '../../src/core/memory.ts'
import { plainCluster, securedCluster } from './clusters.ts'
import { MEMORY_TEXT } from './collected.ts'
import { doctorConfig, doctorWorld } from './doctor-world.ts'
import type { ClusterInput, DoctorWorld, IssuerInput } from './doctor-world.ts'
import { serving, startKeyServer } from './key-server.ts'
import type { KeyServer } from './key-server.ts'
import { testMemories } from './memories.ts'
import { adminCertificate, adminUser, securedMemories } from './secured-memories.ts'

export type ClusterKind = 'plain' | 'secured'

export const ALICES = { owner: { name: 'alice' } }
export const MEMORY = { memory_container_id: 'c', owner_id: 'alice' }

/** What a case changes of a configuration that nothing is wrong with. */
interface Changes {
  readonly cluster?: Partial<ClusterInput>
  readonly issuer?: Partial<IssuerInput>
  /** By default an index that is not there. */
  readonly containerIndex?: string
}

/** A real cluster of one kind with one container and one memory, and all that a case needs to bring trouble to it. */
export interface DoctorGround {
  readonly kind: ClusterKind
  readonly url: string
  readonly world: DoctorWorld
  /** Of issuers; each case says how it behaves. */
  readonly keys: KeyServer
  /** Unlike any other test's. */
  readonly prefix: string
  readonly containerIndex: string
  /** Of a container with this prefix; by default the one that is there. */
  readonly indexOf: (type: MemoryType, prefix?: string) => string
  readonly config: (changes?: Changes) => ConfigInput
  /** With the containers in their index. */
  readonly withContainers: (cluster?: Partial<ClusterInput>) => ConfigInput
  /** What connects by a password, or without anything: for what stands in front of the cluster and has no certificate to show. */
  readonly service: ClusterInput['service']
  /** The authority of the nodes, as a path. */
  readonly ca: string | undefined
  /** Asks the cluster as somebody who may do all. */
  readonly ask: (
    method: string,
    path: string,
    body?: unknown,
  ) => Promise<{ readonly status: number; readonly body: unknown }>
  /** Makes an index, which goes away in the end. */
  readonly makeIndex: (index: string, body: unknown, query?: string) => Promise<void>
  readonly putContainer: (
    id: string,
    document: { configuration?: object; owner?: unknown },
    index?: string,
  ) => Promise<void>
  readonly putMemory: (index: string, id: string, source?: object) => Promise<void>
  /** Done when the case is over, the last first. */
  readonly later: (cleanUp: () => Promise<unknown>) => void
  readonly cleanUp: () => Promise<void>
  readonly close: () => Promise<void>
}

/** On one of the clusters that run for all tests. */
export async function openGround(kind: ClusterKind): Promise<DoctorGround> {
  const access = kind === 'plain' ? plainAccess() : securedAccess()
  const { prefix, ask, indexOf, containerIndex, right, issuerKey } = access
  const world = await doctorWorld(issuerKey)
  const keys = await startKeyServer(serving({}))
  const made = new Set<string>()
  const cleanUps: (() => Promise<unknown>)[] = []

  async function send(method: string, path: string, body: unknown): Promise<void> {
    const { status, body: answer } = await ask(method, path, body)
    if (status > 201) throw new Error(`${method} ${path}: ${String(status)} ${JSON.stringify(answer)}`)
  }
  const put = async (index: string, id: string, source: unknown): Promise<void> => {
    made.add(index)
    await send('PUT', `/${index}/_doc/${id}?refresh=true`, source)
  }
  const config: DoctorGround['config'] = ({ cluster, issuer, containerIndex: index } = {}) =>
    doctorConfig(
      { ...right, ...cluster },
      { claims: { backendRoles: 'roles' }, algorithms: [world.algorithm], ...issuer },
      index ?? `${prefix}-none`,
    )

  const ground: DoctorGround = {
    ...access,
    world,
    keys,
    config,
    withContainers: (cluster = {}) => config({ cluster, containerIndex }),
    async makeIndex(index, body, query = '') {
      made.add(index)
      await send('PUT', `/${index}${query}`, body)
    },
    putContainer: (id, { configuration, ...document }, index = containerIndex) =>
      put(index, id, { name: id, ...document, configuration: { ...access.configuration, ...configuration } }),
    putMemory: (index, id, source = MEMORY) => put(index, id, { ...source, planted: MEMORY_TEXT }),
    later: (cleanUp) => void cleanUps.push(cleanUp),
    async cleanUp() {
      for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
    },
    async close() {
      await keys.close()
      await world.close()
      for (const index of made) await ask('DELETE', `/${index}`)
    },
  }
  await ground.putContainer('c', ALICES)
  await ground.putMemory(indexOf('working'), 'one')
  return ground
}

/** How one gets to a cluster of each kind, and how the plugin would name things there. */
type Access = Pick<
  DoctorGround,
  'kind' | 'url' | 'prefix' | 'containerIndex' | 'indexOf' | 'ask' | 'service' | 'ca'
> & {
  readonly right: ClusterInput
  readonly configuration: object
  /** By which the cluster itself reads tokens. */
  readonly issuerKey: JsonWebKey | undefined
}

function plainAccess(): Access {
  const { url } = plainCluster()
  const memories = testMemories(url)
  const { prefix, containerIndex } = memories
  const service = { kind: 'none' } as const
  return {
    kind: 'plain',
    url,
    prefix,
    containerIndex,
    ask: (method, path, body) => memories.ask(method, path, body),
    service,
    ca: undefined,
    indexOf: (type, of = prefix) => `${of}-memory-${type}`,
    right: { nodes: [url], service, passThrough: { identity: 'service' } },
    configuration: { index_prefix: prefix, use_system_index: false, disable_session: false, disable_history: false },
    issuerKey: undefined,
  }
}

function securedAccess(): Access {
  const cluster = securedCluster()
  if (cluster === undefined) throw new Error('there is none of this version')
  const memories = securedMemories(cluster)
  const { prefix } = memories
  const { ca } = cluster.access
  return {
    kind: 'secured',
    url: cluster.url,
    prefix,
    // Not the plugin's own, in which other tests have containers too.
    containerIndex: `.plugins-ml-am-${prefix}-containers`,
    async ask(method, path, json) {
      const { status, text } = await memories.asAdmin({ method, path, json })
      return { status, body: JSON.parse(text) as unknown }
    },
    service: adminUser(cluster),
    ca,
    indexOf: (type, of = prefix) => `.plugins-ml-am-${of}-memory-${type}`,
    right: { nodes: [cluster.url], tls: { ca }, service: adminCertificate(cluster) },
    configuration: { index_prefix: prefix, disable_session: false, disable_history: false },
    issuerKey: cluster.jwtPrivateKey,
  }
}

/** The PEM of the nodes' authority. */
export const authorityOf = ({ ca }: DoctorGround): string | undefined =>
  ca === undefined ? undefined : readFileSync(ca, 'utf8')
