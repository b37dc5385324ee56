import type { IndexFacts, RefusedWork } from '../../core/doctor/facts.ts'
import type { ClusterClient } from '../client.ts'
import { asList, asObject, errorType, isObject } from '../reading.ts'
import type { JsonObject } from '../reading.ts'
import type { ClusterAnswer, ClusterRequest } from '../request.ts'
import { deepest } from './inspect-nodes.ts'

/** Looks at one index as the service identity, and writes nothing. Never rejects. */
export async function inspectIndex(client: ClusterClient, index: string, signal: AbortSignal): Promise<IndexFacts> {
  const path = `/${encodeURIComponent(index)}`
  const refused: RefusedWork[] = []
  /** The answer's body, where there is one to read. */
  const ask = async (work: RefusedWork, request: ClusterRequest): Promise<JsonObject | undefined> => {
    const answer = await client.request({ ...request, isRepeatable: true }, signal).catch(() => undefined)
    if (answer !== undefined && isRefusal(answer.status, answer.body)) refused.push(work)
    return answer?.status === 200 && isObject(answer.body) ? answer.body : undefined
  }

  const deleting = await tryToDelete(client, index, signal)
  if (deleting.kind === 'noIndex') return { ...NOTHING, index, exists: false }
  if (deleting.kind === 'refused') refused.push('deleting documents')
  const document = `{"docs":[{"_index":${JSON.stringify(index)},"_id":${JSON.stringify(NO_ID)},"_source":false}]}`
  const got = await ask('reading documents', { method: 'POST', path: '/_mget', body: document })
  if (isRefusal(0, asList(got?.['docs'] ?? [])[0])) refused.push('reading documents')
  const search = { method: 'POST', path: `${path}/_search`, body: '{"size":0,"track_total_hits":1}' } as const
  const shown = numberAt(await ask('searching', search), 'hits', 'total', 'value')
  const stats = await ask('statistics', { method: 'GET', path: `${path}/_stats/docs` })
  const documents = numberAt(stats, '_all', 'primaries', 'docs', 'count')
  const mapping = await ask('mappings', { method: 'GET', path: `${path}/_mapping` })
  return {
    index,
    exists: true,
    documents,
    isMasked: shown === 0 && documents !== undefined && documents > 0 && (await hasSearchable(client, path, signal)),
    refused,
    blocked: deleting.kind === 'blocked' ? deleting.why : undefined,
    unavailable: deleting.kind === 'unavailable' ? deleting.why : undefined,
    mappings: mapping === undefined ? undefined : Object.values(mapping).flatMap((one) => mappingsOf(one))[0],
  }
}

const NOTHING = {
  documents: undefined,
  isMasked: false,
  refused: [],
  blocked: undefined,
  unavailable: undefined,
  mappings: undefined,
} as const satisfies Partial<IndexFacts>

/** No memory is called so, and it would stay if one were: see IMPOSSIBLE. */
const NO_ID = 'memory-gateway-doctor'
/** A delete of a document in a version that no document will ever have: the server goes through all its checks and refuses it before it numbers or logs anything. */
const IMPOSSIBLE = `"if_seq_no":${String(Number.MAX_SAFE_INTEGER)},"if_primary_term":1`
const WAIT_FOR_SHARD = '2s'

type Tried =
  | { readonly kind: 'wouldDelete' | 'refused' | 'noIndex' }
  | { readonly kind: 'blocked' | 'unavailable'; readonly why: string }

async function tryToDelete(client: ClusterClient, index: string, signal: AbortSignal): Promise<Tried> {
  const names = `"_index":${JSON.stringify(index)},"_id":${JSON.stringify(NO_ID)}`
  try {
    return readTried(
      await client.request(
        {
          method: 'POST',
          path: '/_bulk',
          querystring: { timeout: WAIT_FOR_SHARD },
          body: `{"delete":{${names},${IMPOSSIBLE}}}\n`,
          contentType: 'application/x-ndjson',
        },
        signal,
      ),
    )
  } catch (error) {
    return { kind: 'unavailable', why: deepest(error) }
  }
}

function readTried({ status, body }: ClusterAnswer): Tried {
  if (isRefusal(status, body)) return { kind: 'refused' }
  if (status !== 200) return { kind: 'unavailable', why: `the cluster answers ${String(status)}` }
  const item = asObject(asObject(asList(asObject(body)['items'])[0])['delete'])
  if (item['status'] === 409) return { kind: 'wouldDelete' }
  const type = errorType(item['error'])
  const why = isObject(item['error']) ? String(item['error']['reason']) : `status ${String(item['status'])}`
  if (type === 'index_not_found_exception') return { kind: 'noIndex' }
  if (type === 'cluster_block_exception') return { kind: 'blocked', why }
  return isRefusal(Number(item['status']), item) ? { kind: 'refused' } : { kind: 'unavailable', why }
}

function isRefusal(status: number, body: unknown): boolean {
  const type = isObject(body) ? errorType(body['error']) : ''
  return type === 'security_exception' || ((status === 401 || status === 403) && type !== 'cluster_block_exception')
}

/** Whether searches have anything to find: statistics run ahead of them, and a refresh would change the index. */
async function hasSearchable(client: ClusterClient, path: string, signal: AbortSignal): Promise<boolean> {
  const answer = await client
    .request({ method: 'GET', path: `${path}/_segments`, isRepeatable: true }, signal)
    .catch(() => undefined)
  const indices = isObject(answer?.body) && isObject(answer.body['indices']) ? answer.body['indices'] : {}
  return Object.values(indices)
    .flatMap((index) => Object.values(childOf(index, 'shards')))
    .flatMap((copies) => (Array.isArray(copies) ? (copies as readonly unknown[]) : []))
    .flatMap((copy) => Object.values(childOf(copy, 'segments')))
    .some((segment) => isObject(segment) && segment['search'] === true && Number(segment['num_docs']) > 0)
}

function childOf(value: unknown, name: string): JsonObject {
  const child = isObject(value) ? value[name] : undefined
  return isObject(child) ? child : {}
}

function mappingsOf(index: unknown): readonly unknown[] {
  return isObject(index) && index['mappings'] !== undefined ? [index['mappings']] : []
}

function numberAt(value: unknown, ...path: readonly string[]): number | undefined {
  const found = path.reduce<unknown>((inside, name) => (isObject(inside) ? inside[name] : undefined), value)
  return found === undefined ? undefined : Number(found)
}
