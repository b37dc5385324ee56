import { decideDeleteContainer, deleteContainer } from '../core/delete-container.ts'
import type { ContainerRequest, UnconfirmedContainer } from '../core/delete-container.ts'
import { MEMORY_TYPES } from '../core/memory.ts'
import { parseContainerParameters } from '../core/parameters.ts'
import type { Route } from '../core/route.ts'
import { memoryTypeOf } from './addressed.ts'
import { audited, endOf } from './audit.ts'
import { auditedContainerStore } from './audited-stores.ts'
import { answerOnce, foreseeOnce, GONE } from './answer-once.ts'
import { signalOf } from './exchange.ts'
import { withReceipt } from './receipt.ts'
import { allowed, signalFor } from './work.ts'
import type { Subject, Work } from './work.ts'

type DeleteContainer = Extract<Route, { kind: 'deleteContainer' }>

/** `DELETE /_plugins/_ml/memory_containers/<id>`. */
export const deleteWhole: Work<DeleteContainer> = {
  async handle(parts, exchange, route) {
    const { cluster, principal } = exchange
    const { request, order } = check(exchange, route)
    return answerOnce<UnconfirmedContainer>(parts, exchange, order, async (carriesOn, open) => {
      const store = cluster.containerStoreFor(signalOf(exchange, parts.byQuery.deadlineMs, carriesOn), exchange.waited)
      const result = await audited(
        parts,
        exchange,
        { action: 'delete-container', containerId: request.containerId },
        async (trail) => {
          const outcome = await deleteContainer(auditedContainerStore(trail, store), principal, request, open)
          return { kind: 'containerOutcome', outcome } as const
        },
        endOf,
      )
      const { outcome } = result
      const { containerId } = request
      const isDeleted = outcome.kind === 'containerDeleted'
      const deleted = isDeleted
        ? ({ action: 'delete-container', containerId, receipt: outcome.receipt } as const)
        : undefined
      return withReceipt(parts, exchange, result, deleted)
    })
  },

  foresee(parts, asked, route) {
    const { cluster, principal, notes } = asked
    const { request, order } = check(asked, route)
    notes.concerns = { id: request.containerId, types: request.types, override: 'memory:delete:any' }
    return foreseeOnce<UnconfirmedContainer>(parts, asked, order, async (open) => {
      const store = cluster.containerStoreFor(signalFor(parts))
      const decision = await decideDeleteContainer(store, principal, request, open)
      if (decision.kind === 'gone') return allowed(200, GONE)
      if (decision.kind !== 'granted') return { kind: 'containerOutcome', outcome: decision }
      const { indices } = decision
      const more = indices.length === 0 ? '' : ` with ${indices.join(', ')}`
      return allowed(200, `The caller may delete the container${more}`)
    })
  },
}

/** @throws GatewayError invalidMemoryType, unrecognizedParameter */
function check(
  { target }: Subject,
  { containerId }: DeleteContainer,
): {
  readonly request: ContainerRequest
  readonly order: { readonly about: readonly string[]; readonly deletes: number }
} {
  const { allMemories, memories } = parseContainerParameters(target)
  const types = [...new Set(memories.map(memoryTypeOf))]
  return {
    request: { containerId, types: allMemories ? MEMORY_TYPES : types },
    order: { about: [containerId], deletes: 1 },
  }
}
