import { requireScope } from '../core/access.ts'
import { deleteContainer } from '../core/delete-container.ts'
import type { UnconfirmedContainer } from '../core/delete-container.ts'
import { scopesOf } from '../core/memory-routes.ts'
import { MEMORY_TYPES } from '../core/memory.ts'
import { parseContainerParameters } from '../core/parameters.ts'
import type { Route } from '../core/route.ts'
import { memoryTypeOf } from './addressed.ts'
import { answerOnce } from './answer-once.ts'
import { signalOf } from './exchange.ts'
import type { Admitted, Handled, HandlerParts } from './exchange.ts'

/** `DELETE /_plugins/_ml/memory_containers/<id>`. */
export async function handleDeleteContainer(
  parts: HandlerParts,
  exchange: Admitted,
  { containerId }: Extract<Route, { kind: 'deleteContainer' }>,
): Promise<Handled> {
  const { cluster, principal, target } = exchange
  requireScope(principal, ...scopesOf('deleteContainer'))
  const { allMemories, memories } = parseContainerParameters(target)
  const types = [...new Set(memories.map(memoryTypeOf))]
  const request = { containerId, types: allMemories ? MEMORY_TYPES : types }
  return answerOnce<UnconfirmedContainer>(parts, exchange, [containerId], async (carriesOn, open) => {
    await parts.countDeletes(principal, 1)
    const store = cluster.containerStoreFor(signalOf(exchange, parts.byQuery.deadlineMs, carriesOn), exchange.waited)
    return { kind: 'containerOutcome', outcome: await deleteContainer(store, principal, request, open) }
  })
}
