import { requireScope } from '../core/access.ts'
import { deleteMemory } from '../core/delete-memory.ts'
import type { DeleteRequest, Open, UnconfirmedOrder } from '../core/delete-memory.ts'
import { deleteSession } from '../core/delete-session.ts'
import { scopesOf } from '../core/memory-routes.ts'
import { parseMemoryType } from '../core/memory.ts'
import { parseDeleteParameters, parseSessionParameters } from '../core/parameters.ts'
import type { Route } from '../core/route.ts'
import type { Result } from '../wire/answer.ts'
import { checkedId, checkedLegacyId, legacyContainer, memoryTypeOf } from './addressed.ts'
import { answerOnce } from './answer-once.ts'
import type { CarriesOn, Work } from './answer-once.ts'
import { countedStore } from './counted-store.ts'
import { signalOf } from './exchange.ts'
import type { Admitted, Handled, HandlerParts } from './exchange.ts'

type DeleteRoute = Extract<Route, { kind: 'deleteMemory' | 'deleteLegacyMemory' }>

/** `DELETE .../memories/<type>/<id>`, and `DELETE /api/memories/<id>`. */
export async function handleDelete(parts: HandlerParts, exchange: Admitted, route: DeleteRoute): Promise<Handled> {
  const { cluster, principal } = exchange
  requireScope(principal, ...scopesOf('deleteMemory'))
  const request = requestOf(parts, exchange, route)
  const work: Work<UnconfirmedOrder> = async (carriesOn, open) => {
    await parts.countDeletes(principal, 1)
    if (request.cascade) return cascade(parts, exchange, request, carriesOn, open)
    const store = cluster.storeFor(signalOf(exchange, parts.deadlineMs, carriesOn), exchange.waited)
    return { kind: 'outcome', outcome: await deleteMemory(store, parts.policy, principal, request, open) }
  }
  const result = await answerOnce(parts, exchange, [request.containerId], work)
  if (result.kind === 'outcome') {
    exchange.outcome = result.outcome
    if (exchange.isReplayed !== true) exchange.deletes = deletesOf(result, route)
  }
  return result
}

function deletesOf(
  { outcome, cascaded = 0 }: Extract<Result, { kind: 'outcome' }>,
  route: DeleteRoute,
): NonNullable<Admitted['deletes']> {
  const asked = route.kind === 'deleteMemory' ? parseMemoryType(route.typeText) : undefined
  const type = outcome.kind === 'deleted' ? outcome.type : (asked ?? 'unknown')
  const own = { outcome: outcome.kind, type, memories: 1 }
  return cascaded === 0 ? [own] : [own, { outcome: 'deleted', type: 'working', memories: cascaded }]
}

/** A session's working memories go with it: more work than one delete, and so more time. */
async function cascade(
  parts: HandlerParts,
  exchange: Admitted,
  request: DeleteRequest,
  carriesOn: CarriesOn,
  open: Open<UnconfirmedOrder>,
): Promise<Result> {
  const { cluster, principal } = exchange
  const signal = signalOf(exchange, parts.byQuery.deadlineMs, carriesOn)
  const queryStore = countedStore(parts, principal, cluster.queryStoreFor(signal, exchange.waited))
  const store = cluster.storeFor(signal, exchange.waited)
  return { kind: 'outcome', ...(await deleteSession(store, queryStore, parts.policy, principal, request, open)) }
}

type Asked = DeleteRequest & { readonly cascade: boolean }

/**
 * What a delete asks for, checked.
 * @throws GatewayError invalidMemoryType, invalidMemoryId, unrecognizedParameter, noLegacyContainer
 */
export function requestOf(
  { legacy }: Pick<HandlerParts, 'legacy'>,
  { principal, target }: Pick<Admitted, 'principal' | 'target'>,
  route: DeleteRoute,
): Asked {
  if (route.kind === 'deleteMemory') {
    const type = memoryTypeOf(route.typeText)
    const memoryId = checkedId(route.memoryId)
    const parameters =
      type === 'sessions' ? parseSessionParameters(target) : { ...parseDeleteParameters(target), cascade: false }
    return { containerId: route.containerId, types: [type], memoryId, ...parameters }
  }
  return {
    containerId: legacyContainer(principal, legacy),
    types: legacy.types,
    memoryId: checkedLegacyId(route.memoryId),
    refresh: 'false',
    cascade: false,
  }
}
