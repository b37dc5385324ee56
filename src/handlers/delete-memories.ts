import { decideContainer } from '../core/decide.ts'
import { deleteMemories, parseMemoryIds } from '../core/delete-memories.ts'
import type { DeleteOutcome } from '../core/delete-memory.ts'
import type { Route } from '../core/route.ts'
import { legacyContainer } from './addressed.ts'
import { answerOnce, foreseeOnce } from './answer-once.ts'
import { deleteRecorded } from './audited-delete.ts'
import { signalOf } from './exchange.ts'
import { withReceipt } from './receipt.ts'
import { readBody } from './read-body.ts'
import { allowed, signalFor } from './work.ts'
import type { Work } from './work.ts'

/** `POST /api/memories/bulk-delete`. */
export const deleteSeveral: Work<Extract<Route, { kind: 'deleteLegacyMemories' }>> = {
  async handle(parts, exchange) {
    const { legacy, deadlineMs } = parts
    const { cluster, principal, request } = exchange
    const containerId = legacyContainer(principal, legacy)
    const body = await readBody(request, legacy.bulk.maxBytes)
    const memoryIds = parseMemoryIds(body, legacy.bulk.maxIds)
    const order = { about: [containerId, body], deletes: memoryIds.length }
    return answerOnce(parts, exchange, order, async (carriesOn) => {
      const store = cluster.storeFor(signalOf(exchange, deadlineMs, carriesOn), exchange.waited)
      const removeOne = (memoryId: string): Promise<DeleteOutcome> =>
        deleteRecorded(parts, exchange, store, { containerId, types: legacy.types, memoryId, refresh: 'false' })
      const { outcomes, ...outcome } = await deleteMemories(memoryIds, removeOne, legacy.missing)
      exchange.deletes = outcomes.map((one) => ({
        outcome: one.kind,
        type: one.kind === 'deleted' ? one.type : 'unknown',
        memories: 1,
      }))
      const ids = outcomes.flatMap((one) => (one.kind === 'deleted' ? [one.receipt.memoryId] : []))
      const deleted = { action: 'delete-memories', containerId, count: ids.length, ids } as const
      return withReceipt(
        parts,
        exchange,
        { kind: 'bulkOutcome', outcome } as const,
        ids.length === 0 ? undefined : deleted,
      )
    })
  },

  foresee(parts, asked) {
    const { legacy, policy } = parts
    const { cluster, principal, notes } = asked
    const containerId = legacyContainer(principal, legacy)
    notes.concerns = { id: containerId, types: legacy.types, override: 'memory:delete:any' }
    notes.bodyDecides = 'The ids in the body decide: each memory is counted, and answered for itself'
    return foreseeOnce(parts, asked, { about: undefined, deletes: undefined }, async () => {
      const container = await cluster.storeFor(signalFor(parts)).findContainer(containerId)
      // The decision on each of them begins with it.
      const admission = decideContainer(container, principal, policy, 'memory:delete:any')
      const none = admission.kind === 'granted' ? '' : '; of this container none would be deleted for this caller'
      return allowed(200, `The gateway answers for each memory in the body by itself${none}`)
    })
  },
}
