import { deleteMemory } from '../core/delete-memory.ts'
import type { DeleteOutcome, DeleteRequest, MemoryStore, Open, UnconfirmedOrder } from '../core/delete-memory.ts'
import { audited, endOf } from './audit.ts'
import { auditedStore } from './audited-stores.ts'
import type { Admitted, HandlerParts } from './exchange.ts'

/** One checked delete, with its records where there is an audit. */
export function deleteRecorded(
  parts: HandlerParts,
  exchange: Admitted,
  store: MemoryStore,
  request: DeleteRequest,
  open?: Open<UnconfirmedOrder>,
): Promise<DeleteOutcome> {
  const { policy } = parts
  const { principal } = exchange
  if (parts.audit === undefined) return deleteMemory(store, policy, principal, request, open)
  const { containerId, types, memoryId } = request
  const type = types.length === 1 ? types[0] : undefined
  return audited(
    parts,
    exchange,
    { action: 'delete-memory', containerId, memoryId, type },
    (trail) => deleteMemory(auditedStore(trail, policy, principal, store), policy, principal, request, open),
    (outcome) => endOf({ kind: 'outcome', outcome }),
  )
}
