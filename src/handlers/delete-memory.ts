import { decideDelete } from '../core/delete-memory.ts'
import type { DeleteOutcome, DeleteRequest, Open, UnconfirmedOrder } from '../core/delete-memory.ts'
import { deleteSession } from '../core/delete-session.ts'
import { parseMemoryType } from '../core/memory.ts'
import { parseDeleteParameters, parseSessionParameters } from '../core/parameters.ts'
import type { Route } from '../core/route.ts'
import type { Result } from '../wire/answer.ts'
import { checkedId, checkedLegacyId, legacyContainer, memoryTypeOf } from './addressed.ts'
import { answerOnce, foreseeOnce, GONE } from './answer-once.ts'
import type { CarriesOn } from './answer-once.ts'
import { audited, endOf } from './audit.ts'
import { deleteRecorded } from './audited-delete.ts'
import { auditedQueryStore, auditedStore } from './audited-stores.ts'
import { countedStore } from './counted-store.ts'
import { withReceipt } from './receipt.ts'
import type { Deleted } from './receipt.ts'
import { signalOf } from './exchange.ts'
import type { Admitted, HandlerParts } from './exchange.ts'
import { allowed, noteRefusal, signalFor } from './work.ts'
import type { Subject, Work } from './work.ts'

type DeleteRoute = Extract<Route, { kind: 'deleteMemory' | 'deleteLegacyMemory' }>

/** `DELETE .../memories/<type>/<id>`, and `DELETE /api/memories/<id>`. */
export const deleteOne: Work<DeleteRoute> = {
  async handle(parts, exchange, route) {
    const { cluster } = exchange
    const { request, order } = check(parts, exchange, route)
    const result = await answerOnce<UnconfirmedOrder>(parts, exchange, order, async (carriesOn, open) => {
      if (request.cascade) return cascade(parts, exchange, request, carriesOn, open)
      const store = cluster.storeFor(signalOf(exchange, parts.deadlineMs, carriesOn), exchange.waited)
      const outcome = await deleteRecorded(parts, exchange, store, request, open)
      return withReceipt(parts, exchange, { kind: 'outcome', outcome } as const, deletedBy(request, outcome))
    })
    if (result.kind === 'outcome') {
      exchange.outcome = result.outcome
      if (exchange.isReplayed !== true) exchange.deletes = deletesOf(result, route)
    }
    return result
  },

  foresee(parts, asked, route) {
    const { cluster, principal, notes } = asked
    const { request, order } = check(parts, asked, route)
    notes.concerns = { id: request.containerId, types: request.types, override: 'memory:delete:any' }
    return foreseeOnce<UnconfirmedOrder>(parts, asked, order, async (open) => {
      const store = cluster.storeFor(signalFor(parts))
      const decision = await decideDelete(store, parts.policy, principal, request, open)
      if (decision.kind === 'gone') return allowed(200, GONE)
      if (decision.kind !== 'granted') {
        noteRefusal(notes, decision)
        return { kind: 'outcome', outcome: decision }
      }
      const { index } = decision.place
      const whole = request.cascade ? ', and with it their working memories of this session' : ''
      return allowed(200, `The memory is there and the caller may delete it from ${index}${whole}`)
    })
  },
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
  const { policy } = parts
  const { containerId, memoryId } = request
  const result = await audited(
    parts,
    exchange,
    { action: 'delete-session', containerId, type: 'sessions', memoryId },
    async (trail) => {
      const found = auditedQueryStore(trail, cluster.queryStoreFor(signal, exchange.waited))
      const queryStore = countedStore(parts, principal, found)
      const store = auditedStore(trail, policy, principal, cluster.storeFor(signal, exchange.waited))
      return { kind: 'outcome', ...(await deleteSession(store, queryStore, policy, principal, request, open)) } as const
    },
    endOf,
  )
  return withReceipt(parts, exchange, result, deletedBy(request, result.outcome, result.cascaded))
}

function deletedBy({ containerId }: DeleteRequest, outcome: DeleteOutcome, cascaded?: number): Deleted | undefined {
  if (outcome.kind !== 'deleted') return undefined
  const { type, receipt } = outcome
  return cascaded === undefined
    ? { action: 'delete-memory', containerId, type, receipt }
    : { action: 'delete-session', containerId, type, receipt, count: cascaded + 1 }
}

type Requested = DeleteRequest & { readonly cascade: boolean }

/**
 * What a delete asks for, checked.
 * @throws GatewayError invalidMemoryType, invalidMemoryId, unrecognizedParameter, noLegacyContainer
 */
function check(
  parts: HandlerParts,
  subject: Subject,
  route: DeleteRoute,
): { readonly request: Requested; readonly order: { readonly about: readonly string[]; readonly deletes: number } } {
  const request = requestOf(parts, subject, route)
  return { request, order: { about: [request.containerId], deletes: 1 } }
}

function requestOf({ legacy }: HandlerParts, { principal, target }: Subject, route: DeleteRoute): Requested {
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
