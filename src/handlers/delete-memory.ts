import { requireScope } from '../core/access.ts'
import { deleteMemory } from '../core/delete-memory.ts'
import type { DeleteRequest } from '../core/delete-memory.ts'
import { parseDeleteParameters } from '../core/parameters.ts'
import type { Route } from '../core/route.ts'
import { checkedId, checkedLegacyId, legacyContainer, memoryTypeOf } from './addressed.ts'
import { answerOnce } from './answer-once.ts'
import { signalOf } from './exchange.ts'
import type { Admitted, Handled, HandlerParts } from './exchange.ts'

type DeleteRoute = Extract<Route, { kind: 'deleteMemory' | 'deleteLegacyMemory' }>

/** `DELETE .../memories/<type>/<id>`, and `DELETE /api/memories/<id>`. */
export async function handleDelete(parts: HandlerParts, exchange: Admitted, route: DeleteRoute): Promise<Handled> {
  const { cluster, principal } = exchange
  requireScope(principal, 'memory:delete', 'memory:delete:any')
  const request = requestOf(parts, exchange, route)
  const result = await answerOnce(parts, exchange, [request.containerId], async (carriesOn) => {
    await parts.countDeletes(principal, 1)
    const store = cluster.storeFor(signalOf(exchange, parts.deadlineMs, carriesOn))
    return { kind: 'outcome', outcome: await deleteMemory(store, parts.policy, principal, request) }
  })
  if (result.kind === 'outcome') exchange.outcome = result.outcome
  return result
}

function requestOf({ legacy }: HandlerParts, { principal, target }: Admitted, route: DeleteRoute): DeleteRequest {
  if (route.kind === 'deleteMemory') {
    return {
      containerId: route.containerId,
      types: [memoryTypeOf(route.typeText)],
      memoryId: checkedId(route.memoryId),
      refresh: parseDeleteParameters(target).refresh,
    }
  }
  return {
    containerId: legacyContainer(principal, legacy),
    types: legacy.types,
    memoryId: checkedLegacyId(route.memoryId),
    refresh: 'false',
  }
}
