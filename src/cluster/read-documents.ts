import { GatewayError } from '../core/failure.ts'
import type { ClusterClient } from './client.ts'
import { asList, asObject, failureOf } from './reading.ts'
import type { JsonObject } from './reading.ts'

/** One document that a look wants, as an item of `_mget`. */
export interface WantedDocument {
  readonly id: string
  /** Equal text is the same document: a batch reads it once for all who want it. */
  readonly json: string
}

/** Which fields of a document are read: the head of its item of `_mget`, made once for an index and a filter. */
export type DocumentsOf = (id: string) => WantedDocument

/** @param source the fields to read, or those not to; `true` for all of them */
export function documentsOf(
  index: string,
  source: true | readonly string[] | { readonly excludes: readonly string[] },
): DocumentsOf {
  const head = `{"_index":${JSON.stringify(index)},"_source":${JSON.stringify(source)},"_id":`
  return (id) => ({ id, json: `${head}${JSON.stringify(id)}}` })
}

/** The items of one look, in its order; or why the cluster would not read them. */
export type ReadReply = readonly JsonObject[] | GatewayError

/** Reads all documents of a batch in one round trip; each look gets its own. */
export async function readDocuments(
  client: ClusterClient,
  looks: readonly (readonly WantedDocument[])[],
  signal: AbortSignal,
): Promise<readonly ReadReply[]> {
  const wanted = new Map(looks.flat().map((document) => [document.json, document.id]))
  const body = `{"docs":[${[...wanted.keys()].join(',')}]}`
  const answer = await client.request({ method: 'POST', path: '/_mget', body, isRepeatable: true }, signal)
  if (answer.status === 400 && looks.length > 1) {
    // One document that the server does not take makes it refuse the whole batch.
    const replies: ReadReply[] = []
    for (const look of looks) {
      const alone = await readDocuments(client, [look], signal).catch((error: unknown): readonly ReadReply[] => {
        if (error instanceof GatewayError) return [error]
        throw error
      })
      replies.push(...alone)
    }
    return replies
  }
  if (answer.status !== 200) return looks.map(() => failureOf(answer))

  const items = asList(asObject(answer.body)['docs']).map(asObject)
  const found = new Map([...wanted].map(([json, id], position) => [json, { id, item: items[position] }]))
  return looks.map((look) => readReply(look, items.length === wanted.size ? found : new Map()))
}

type Found = ReadonlyMap<string, { readonly id: string; readonly item: JsonObject | undefined }>

function readReply(look: readonly WantedDocument[], found: Found): ReadReply {
  const items = look.flatMap(({ json }) => {
    const { id, item } = found.get(json) ?? {}
    return item !== undefined && item['_id'] === id ? [item] : []
  })
  if (items.length === look.length) return items
  return new GatewayError('upstreamInvalid', { cause: 'the answer to _mget does not fit its question' })
}
