import type { NodeFacts } from '../../core/doctor/facts.ts'
import type { ClusterClient } from '../client.ts'
import { isObject } from '../reading.ts'
import type { JsonObject } from '../reading.ts'
import { certificateOf } from '../service-identity.ts'
import type { ServiceIdentity } from '../service-identity.ts'
import { inspectTls } from './inspect-tls.ts'

interface Options {
  readonly node: string
  /** Asks this node alone. */
  readonly client: ClusterClient
  readonly ca: string | undefined
  readonly service: ServiceIdentity
  readonly timeoutMs: number
}

/** Asks one node who it is, as the service identity. Never rejects. */
export async function inspectNode({ node, client, ca, service, timeoutMs }: Options): Promise<NodeFacts> {
  const tls = node.startsWith('https:')
    ? await inspectTls(node, { ca, ...certificateOf(service), timeoutMs })
    : undefined
  return { node, tls, answer: await ask(client, timeoutMs) }
}

async function ask(client: ClusterClient, timeoutMs: number): Promise<NodeFacts['answer']> {
  try {
    const { status, body } = await client.request({ method: 'GET', path: '/' }, AbortSignal.timeout(timeoutMs))
    if (status === 401) return { kind: 'refused', status }
    // It knows who is asking: what is missing are rights, in the indices too.
    if (status !== 200 && status !== 403) return { kind: 'unreachable', why: `it answers ${String(status)}` }
    const info = isObject(body) ? body : {}
    const version = isObject(info['version']) ? info['version'] : {}
    return {
      kind: 'answered',
      version: text(version, 'number'),
      name: text(info, 'name'),
      clusterName: text(info, 'cluster_name'),
      clusterId: text(info, 'cluster_uuid'),
    }
  } catch (error) {
    return { kind: 'unreachable', why: deepest(error) }
  }
}

function text(object: JsonObject, name: string): string | undefined {
  const value = object[name]
  return typeof value === 'string' ? value : undefined
}

/** The innermost cause says most: `connect ECONNREFUSED 127.0.0.1:9200`. */
export function deepest(error: unknown): string {
  let said = String(error)
  for (let cause = error; isObject(cause); cause = cause['cause']) {
    if (typeof cause['message'] === 'string' && cause['message'] !== '') said = cause['message']
  }
  return said.slice(0, 300)
}
