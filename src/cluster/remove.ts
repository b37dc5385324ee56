import type { DeleteReceipt, MemoryStore, Removal, RemoveOrder } from '../core/delete-memory.ts'
import { GatewayError } from '../core/failure.ts'
import type { ClusterAnswer, ClusterClient } from './client.ts'
import { asLong, asObject, asString, errorType, failureFor, failureOf, isObject } from './reading.ts'
import type { JsonObject } from './reading.ts'
import { mayHaveRun } from './undici-connection.ts'

/** Orders without a word from the cluster that one request may send: more would hammer a cluster that is in trouble already. */
const MAX_UNCONFIRMED = 3

/**
 * Makes the way in which one request removes memories, by `_bulk`.
 * @throws GatewayError from the cluster's refusal; outcomeUnknown where the cluster leaves order after order unconfirmed
 */
export function createRemove(client: ClusterClient, signal: AbortSignal): MemoryStore['remove'] {
  let unconfirmed = 0
  return async (order) => {
    const removal = await remove(client, order, signal)
    if (removal.kind === 'unknown' && ++unconfirmed >= MAX_UNCONFIRMED) {
      throw new GatewayError('outcomeUnknown', { cause: removal.cause })
    }
    return removal
  }
}

async function remove(client: ClusterClient, order: RemoveOrder, signal: AbortSignal): Promise<Removal> {
  let answer: ClusterAnswer
  try {
    answer = await client.request(
      {
        method: 'POST',
        path: '/_bulk',
        ...(order.refresh === 'false' ? {} : { querystring: { refresh: order.refresh } }),
        body: deleteLine(order),
        contentType: 'application/x-ndjson',
      },
      signal,
    )
  } catch (error) {
    if (error instanceof GatewayError && mayHaveRun(error.cause)) return { kind: 'unknown', cause: error }
    throw error
  }
  return readAnswer(answer, order)
}

// Numbers are written by hand: a `_seq_no` may be larger than a double can hold.
function deleteLine({ index, memoryId, seqNo, primaryTerm }: RemoveOrder): string {
  const names = `"_index":${JSON.stringify(index)},"_id":${JSON.stringify(memoryId)}`
  return `{"delete":{${names},"if_seq_no":${String(seqNo)},"if_primary_term":${String(primaryTerm)}}}\n`
}

function readAnswer({ status, body }: ClusterAnswer, order: RemoveOrder): Removal {
  const error = isObject(body) ? body['error'] : undefined
  if (saysNothing(status, error)) return { kind: 'unknown', cause: { status, error } }
  if (status !== 200) throw failureOf({ status, body })

  const item = itemOf(body)
  const itemStatus = Number(item?.['status'])
  if (item?.['_id'] !== order.memoryId || saysNothing(itemStatus, item['error'])) {
    return { kind: 'unknown', cause: { status: itemStatus, error: item?.['error'] } }
  }
  if (itemStatus === 409 || itemStatus === 404) return { kind: 'conflict' }
  if (itemStatus !== 200) throw failureFor(itemStatus, item['error'])
  const receipt = receiptOf(item)
  return receipt === undefined
    ? { kind: 'unknown', cause: 'a receipt without its fields' }
    : { kind: 'removed', receipt }
}

/**
 * Whether an answer leaves open what was done: a server error in the middle of it, or a page of a balancer's that lost the node. The cluster's
 * own 503 says that it could not begin.
 */
function saysNothing(status: number, error: unknown): boolean {
  return !(status < 500) && !(status === 503 && errorType(error) !== '')
}

function itemOf(body: unknown): JsonObject | undefined {
  const items = isObject(body) ? body['items'] : undefined
  const first: unknown = Array.isArray(items) ? items[0] : undefined
  const item = isObject(first) ? first['delete'] : undefined
  return isObject(item) ? item : undefined
}

function receiptOf(item: JsonObject): DeleteReceipt | undefined {
  if (item['result'] !== 'deleted') return undefined
  try {
    const shards = asObject(item['_shards'])
    return {
      index: asString(item['_index']),
      memoryId: asString(item['_id']),
      version: asLong(item['_version']),
      shards: {
        total: Number(asLong(shards['total'])),
        successful: Number(asLong(shards['successful'])),
        failed: Number(asLong(shards['failed'])),
      },
      seqNo: asLong(item['_seq_no']),
      primaryTerm: asLong(item['_primary_term']),
      forcedRefresh: item['forced_refresh'] === true,
      recovered: false,
    }
  } catch {
    return undefined
  }
}
