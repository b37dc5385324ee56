import { createHash } from 'node:crypto'

import type { DeleteReceipt } from '../core/delete-memory.ts'
import type { Long } from '../core/look.ts'
import type { MemoryType } from '../core/memory.ts'
import type { Admitted, HandlerParts } from './exchange.ts'
import type { Receipts } from './receipts.ts'

/** What was deleted from a container. */
export interface Deleted {
  readonly action: 'delete-memory' | 'delete-session' | 'delete-memories' | 'delete-by-query' | 'delete-container'
  readonly containerId: string
  readonly type?: MemoryType
  /** The cluster's account, of one document. */
  readonly receipt?: DeleteReceipt
  /** Of several, and of what went along. */
  readonly count?: number
  /** Of several that were named one by one. */
  readonly ids?: readonly string[]
  readonly query?: string
  readonly index?: string
}

/** A result with the receipt for what it deleted, where receipts are on. */
export async function withReceipt<Result extends object>(
  { receipts }: Pick<HandlerParts, 'receipts'>,
  exchange: Admitted,
  result: Result,
  deleted: Deleted | undefined,
): Promise<Result & { readonly signed?: string }> {
  if (receipts === undefined || deleted === undefined) return result
  const signed = await receipts.sign(statementOf(exchange, deleted, receipts.ids))
  return signed === undefined ? result : { ...result, signed }
}

function statementOf(
  { requestId, principal, cluster }: Admitted,
  { action, containerId, type, receipt, count, ids, query, index }: Deleted,
  form: Receipts['ids'],
): Readonly<Record<string, unknown>> {
  return {
    request_id: requestId,
    by: { iss: principal.issuer, sub: principal.subject },
    action,
    cluster: cluster.name,
    container_id: containerId,
    type,
    ...(receipt === undefined ? { index } : documentOf(receipt, form)),
    ...(count === undefined ? {} : { deleted: count }),
    // A list would not fit a header: whoever has the ids can make the same hash.
    ...(ids === undefined ? {} : { ids_sha256: sha256([...ids].sort().join('\n')) }),
    ...(query === undefined ? {} : { query_sha256: sha256(query) }),
  }
}

function documentOf(
  { index, memoryId, seqNo, primaryTerm, version, recovered }: DeleteReceipt,
  form: Receipts['ids'],
): Readonly<Record<string, unknown>> {
  return {
    ...(form === 'plain' ? { id: memoryId } : { id_sha256: sha256(memoryId) }),
    index,
    // What a recovered delete cannot know is not claimed.
    ...(recovered
      ? { recovered }
      : { seq_no: plain(seqNo), primary_term: plain(primaryTerm), version: plain(version) }),
  }
}

function plain(long: Long): number | string {
  return typeof long === 'bigint' ? String(long) : long
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
