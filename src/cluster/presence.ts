import type { ClusterClient } from './client.ts'
import type { ReadableIndices } from './readable-indices.ts'
import { asList, asObject, errorType, failureFor, failureOf } from './reading.ts'

/** A document by its id, and its routing where it has one. */
export interface NamedDocument {
  readonly id: string
  readonly routing: string | undefined
}

/**
 * Which of the documents an index has at this moment, in their order.
 * @throws GatewayError where the cluster cannot be asked, or hides the index
 */
export type Presence = (
  index: string,
  documents: readonly NamedDocument[],
  signal: AbortSignal,
) => Promise<readonly boolean[]>

export function createPresence(client: ClusterClient, readable: ReadableIndices): Presence {
  return async (index, documents, signal) => {
    const docs = documents.map(({ id, routing }) => ({ _index: index, _id: id, _source: false, routing }))
    const body = JSON.stringify({ docs })
    const answer = await client.request({ method: 'POST', path: '/_mget', body, isRepeatable: true }, signal)
    if (answer.status !== 200) throw failureOf(answer)
    const found = documents.map((_, position) => isFound(asList(asObject(answer.body)['docs'])[position]))
    // Only "absent" can be a lie.
    if (found.includes('absent')) await readable.prove(index, signal)
    return found.map((one) => one === 'there')
  }
}

function isFound(item: unknown): 'there' | 'absent' | 'indexMissing' {
  const { found, error } = asObject(item)
  if (typeof found === 'boolean') return found ? 'there' : 'absent'
  if (errorType(error) === 'index_not_found_exception') return 'indexMissing'
  throw failureFor(0, error)
}

/** Whether the cluster has an index of this name, which is no pattern. */
export async function hasIndex(client: ClusterClient, index: string, signal: AbortSignal): Promise<boolean> {
  const path = `/${encodeURIComponent(index)}/_settings`
  const querystring = { expand_wildcards: 'none', filter_path: '*.settings.index.uuid' }
  const answer = await client.request({ method: 'GET', path, querystring, isRepeatable: true }, signal)
  // With `expand_wildcards=none` a name that is nobody's is a 200 without any (3.4.0).
  if (answer.status === 200) return Object.keys(asObject(answer.body)).length > 0
  if (answer.status === 404) return false
  throw failureOf(answer)
}
