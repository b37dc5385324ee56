import type { DeleteReceipt, MemoryStore, Refresh, Removal, RemoveOrder } from '../core/delete-memory.ts'
import { GatewayError } from '../core/failure.ts'
import type { Tracing } from '../core/tracing.ts'
import { withBackoff } from './backoff.ts'
import { mayHaveRun } from '../core/never-sent.ts'
import type { ClusterClient } from './client.ts'
import type { Enqueue, Lane, QueueOptions } from './lane.ts'
import { asLong, asObject, asString, errorType, failureFor, failureOf, isObject } from './reading.ts'
import type { JsonObject } from './reading.ts'
import { observed } from './observed.ts'
import { tracedQueue } from './traced-queue.ts'
import type { OnBatch } from './observed.ts'

/** Orders without a word from the cluster that one request may send for a memory: more would hammer a cluster that is in trouble already. */
const MAX_UNCONFIRMED = 3

/**
 * Makes the way in which one request removes memories.
 * @throws GatewayError from the cluster's refusal; outcomeUnknown where the cluster leaves order after order unconfirmed
 */
export function createRemove(removes: RemoveQueues, signal: AbortSignal): MemoryStore['remove'] {
  // One request may delete many memories: each has its own count.
  const unconfirmed = new Map<string, number>()
  return async (order) => {
    const removal = await withBackoff(() => remove(removes[order.refresh], order, signal), signal)
    if (removal.kind !== 'unknown') return removal
    const memory = JSON.stringify([order.index, order.memoryId])
    const orders = (unconfirmed.get(memory) ?? 0) + 1
    if (orders >= MAX_UNCONFIRMED) throw new GatewayError('outcomeUnknown', { cause: removal.cause })
    unconfirmed.set(memory, orders)
    return removal
  }
}

async function remove(enqueue: Enqueue<RemoveOrder, Reply>, order: RemoveOrder, signal: AbortSignal): Promise<Removal> {
  const reply = await enqueue(order, signal).catch(unknownUnlessNeverSent)
  if (reply.kind === 'refused') throw reply.error
  return reply.kind === 'unknown' ? reply : readItem(reply.item, order)
}

function unknownUnlessNeverSent(error: unknown): Unknown {
  if (error instanceof GatewayError && mayHaveRun(error.cause)) return { kind: 'unknown', cause: error }
  throw error
}

type Unknown = Extract<Removal, { kind: 'unknown' }>

/** What came of one order of a batch: its item of the answer, or that nothing can be said. */
type Reply =
  | { readonly kind: 'answered'; readonly item: unknown }
  | { readonly kind: 'refused'; readonly error: GatewayError }
  | Unknown

/** A queue for each `refresh`, since it is said for a whole `_bulk`. */
export type RemoveQueues = Readonly<Record<Refresh, Enqueue<RemoveOrder, Reply>>>

interface RemoveOptions {
  readonly client: ClusterClient
  /** How long the cluster waits for a shard that has no primary at the moment; its batch mates wait along. */
  readonly shardTimeoutMs: number
  /** One for each: batches that wait for a refresh would delay the others. */
  readonly lanes: Readonly<Record<Refresh, Lane>>
  readonly onBatch: OnBatch
  readonly tracing: Tracing | undefined
}

export function openRemoveQueues({ client, shardTimeoutMs, lanes, onBatch, tracing }: RemoveOptions): RemoveQueues {
  const timeout = `${String(shardTimeoutMs)}ms`
  const queueOn = (refresh: Refresh): Enqueue<RemoveOrder, Reply> => {
    const querystring = refresh === 'false' ? { timeout } : { timeout, refresh }
    const options: QueueOptions<RemoveOrder, Reply> = {
      send: observed('remove', (orders, signal) => sendRemoves(client, querystring, orders, signal), onBatch),
      bytesOf: (order) => deleteLine(order).length,
      // Each index refreshes in its own time, and some never.
      ...(refresh === 'wait_for' ? { groupOf: ({ index }: RemoveOrder) => index } : {}),
    }
    return tracedQueue(lanes[refresh], 'remove', options, client.name, tracing)
  }
  return { false: queueOn('false'), true: queueOn('true'), wait_for: queueOn('wait_for') }
}

async function sendRemoves(
  client: ClusterClient,
  querystring: Readonly<Record<string, string>>,
  orders: readonly RemoveOrder[],
  signal: AbortSignal,
): Promise<readonly Reply[]> {
  const request = {
    method: 'POST',
    path: '/_bulk',
    querystring,
    body: orders.map(deleteLine).join(''),
    contentType: 'application/x-ndjson',
    mayTakeLong: querystring['refresh'] !== undefined,
  } as const
  const answer = await client.request(request, signal).catch(unknownUnlessNeverSent)
  if ('kind' in answer) return orders.map(() => answer)

  const { status, body } = answer
  const error = isObject(body) ? body['error'] : undefined
  if (saysNothing(status, error)) return orders.map(() => ({ kind: 'unknown', cause: { status, error } }))
  if (status === 200) {
    const items: readonly unknown[] = isObject(body) && Array.isArray(body['items']) ? body['items'] : []
    return orders.map((_, position) => ({ kind: 'answered', item: items[position] }))
  }
  if (orders.length === 1 || !REFUSED_WHOLE.has(status)) {
    return orders.map(() => ({ kind: 'refused', error: failureOf({ status, body }) }))
  }
  // One order that the server does not take made it refuse the whole batch, before it did anything.
  const replies: Reply[] = []
  for (const order of orders) {
    // What is known of the others must not be lost with this one.
    const alone = await sendRemoves(client, querystring, [order], signal).catch((error: unknown): readonly Reply[] => {
      if (error instanceof GatewayError) return [{ kind: 'refused', error }]
      throw error
    })
    replies.push(...alone)
  }
  return replies
}

const REFUSED_WHOLE = new Set([400, 413])

// Numbers are written by hand: a `_seq_no` may be larger than a double can hold.
function deleteLine({ index, memoryId, seqNo, primaryTerm }: RemoveOrder): string {
  const names = `"_index":${JSON.stringify(index)},"_id":${JSON.stringify(memoryId)}`
  return `{"delete":{${names},"if_seq_no":${String(seqNo)},"if_primary_term":${String(primaryTerm)}}}\n`
}

function readItem(answered: unknown, order: RemoveOrder): Removal {
  const item = isObject(answered) && isObject(answered['delete']) ? answered['delete'] : undefined
  const status = Number(item?.['status'])
  if (item?.['_id'] !== order.memoryId || saysNothing(status, item['error'])) {
    return { kind: 'unknown', cause: { status, error: item?.['error'] } }
  }
  if (status === 409 || status === 404) return { kind: 'conflict' }
  if (status !== 200) throw failureFor(status, item['error'])
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
        ...(Array.isArray(shards['failures']) ? { failures: shards['failures'] as readonly unknown[] } : {}),
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
