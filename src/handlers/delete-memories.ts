import { requireScope } from '../core/access.ts'
import { deleteMemories, parseMemoryIds } from '../core/delete-memories.ts'
import { readBody } from './read-body.ts'
import { legacyContainer } from './addressed.ts'
import { answerOnce } from './answer-once.ts'
import { signalOf } from './exchange.ts'
import type { Admitted, Handled, HandlerParts } from './exchange.ts'

/** `POST /api/memories/bulk-delete`. */
export async function handleBulkDelete(parts: HandlerParts, exchange: Admitted): Promise<Handled> {
  const { legacy, policy, deadlineMs } = parts
  const { cluster, principal, request } = exchange
  requireScope(principal, 'memory:delete', 'memory:delete:any')
  const containerId = legacyContainer(principal, legacy)
  const body = await readBody(request, legacy.bulk.maxBytes)
  const memoryIds = parseMemoryIds(body, legacy.bulk.maxIds)
  const question = { containerId, types: legacy.types, memoryIds }
  return answerOnce(parts, exchange, [containerId, body], async (carriesOn) => {
    await parts.countDeletes(principal, memoryIds.length)
    const store = cluster.storeFor(signalOf(exchange, deadlineMs, carriesOn), exchange.waited)
    const { outcomes, ...outcome } = await deleteMemories(store, policy, principal, question, legacy.missing)
    exchange.deletes = outcomes.map((one) => ({
      outcome: one.kind,
      type: one.kind === 'deleted' ? one.type : 'unknown',
      memories: 1,
    }))
    return { kind: 'bulkOutcome', outcome }
  })
}
