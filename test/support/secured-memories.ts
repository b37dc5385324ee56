import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'

import type { MemoryType } from '../../src/core/memory.ts'
import { call } from './call.ts'
import type { Call, Reply } from './call.ts'
import type { SecuredCluster } from './clusters.ts'
import { MEMORY_TEXT } from './collected.ts'
import type { GatewayOverrides } from './gateway.ts'

/** Where the ml-commons plugin keeps containers: one for all tests, so ids hold the test's prefix. */
export const CONTAINER_INDEX = '.plugins-ml-am-memory-container'

/** Protected system indices of one test, written as the super admin. */
export interface SecuredMemories {
  /** Unlike any other test's. */
  readonly prefix: string
  indexOf(type: MemoryType): string
  /** Asks the cluster as the super admin, whom nothing is hidden from. */
  asAdmin(request: Omit<Call, 'tls'> & { readonly json?: unknown }): Promise<Reply>
  /** What does not belong to a container index has a text that no gateway may ever say but to who may read it. */
  put(index: string, id: string, source: unknown, query?: string): Promise<void>
  has(index: string, id: string): Promise<boolean>
  /** Stores a container in system indices, as the plugin does on a cluster with security. */
  putContainer(id: string, document?: Readonly<Record<string, unknown>>, index?: string): Promise<void>
  removeAll(): Promise<void>
}

export function securedMemories(cluster: SecuredCluster): SecuredMemories {
  const { access, url } = cluster
  const tls = {
    ca: readFileSync(access.ca),
    cert: readFileSync(access.adminCert),
    key: readFileSync(access.adminKey),
  }
  const prefix = `t${randomBytes(6).toString('hex')}`
  const made = new Set<string>()
  const containers = new Set<string>()

  const asAdmin: SecuredMemories['asAdmin'] = ({ json, ...request }) =>
    call(url, {
      ...request,
      tls,
      ...(json === undefined
        ? {}
        : { body: JSON.stringify(json), headers: { 'content-type': 'application/json', ...request.headers } }),
    })

  const put: SecuredMemories['put'] = async (index, id, source, query = '?refresh=true') => {
    if (index !== CONTAINER_INDEX) made.add(index)
    const document = index === CONTAINER_INDEX ? source : { ...(source as object), planted: MEMORY_TEXT }
    const path = `/${index}/_doc/${encodeURIComponent(id)}${query}`
    const { status, text } = await asAdmin({ method: 'PUT', path, json: document })
    if (status !== 200 && status !== 201) throw new Error(`PUT ${path}: ${String(status)} ${text}`)
  }

  return {
    prefix,
    indexOf: (type) => `.plugins-ml-am-${prefix}-memory-${type}`,
    asAdmin,
    put,
    async has(index, id) {
      const path = `/${index}/_doc/${encodeURIComponent(id)}?_source=false`
      return (await asAdmin({ path })).status === 200
    },
    async putContainer(id, document = {}, index = CONTAINER_INDEX) {
      if (index === CONTAINER_INDEX) containers.add(id)
      const configuration = { index_prefix: prefix, disable_session: false, disable_history: false }
      await put(index, id, { name: id, owner: { name: 'alice' }, configuration, ...document })
    },
    async removeAll() {
      for (const id of containers) await asAdmin({ method: 'DELETE', path: `/${CONTAINER_INDEX}/_doc/${id}` })
      for (const index of made) await asAdmin({ method: 'DELETE', path: `/${index}` })
    },
  }
}

type Service = NonNullable<GatewayOverrides['cluster']['service']>

/** A gateway's cluster: the secured one, as this service identity. */
export function securedNode(cluster: SecuredCluster, service: Service): GatewayOverrides['cluster'] {
  return { nodes: [cluster.url], tls: { ca: cluster.access.ca }, service }
}

export function adminCertificate({ access }: SecuredCluster): Service {
  return { kind: 'clientCertificate', cert: access.adminCert, key: access.adminKey }
}

export function adminUser({ access }: SecuredCluster): Service {
  return { kind: 'basic', ...access.adminUser }
}
