import type { AccessPolicy } from '../core/access.ts'
import { ruleOf } from '../core/audit/rule.ts'
import type { QueryStore } from '../core/delete-by-query.ts'
import type { ContainerStore } from '../core/delete-container.ts'
import type { MemoryStore } from '../core/delete-memory.ts'
import type { Look } from '../core/look.ts'
import type { Principal } from '../core/principal.ts'
import type { AuditTrail } from './audit-trail.ts'

/** Records each order to remove a memory before it goes out, with the rule by which the last look allowed it. */
export function auditedStore(
  trail: AuditTrail | undefined,
  policy: AccessPolicy,
  principal: Principal,
  store: MemoryStore,
): MemoryStore {
  if (trail === undefined) return store
  let seen: Look | undefined
  return {
    findContainer: (containerId) => store.findContainer(containerId),
    refresh: (index) => store.refresh(index),
    async look(question) {
      seen = await store.look(question)
      return seen
    },
    async remove(order) {
      const { index, memoryId, seqNo, primaryTerm } = order
      const place = seen?.places.find((candidate) => candidate.kind === 'found' && candidate.index === index)
      const rule =
        seen?.container !== undefined && place?.kind === 'found'
          ? ruleOf(seen.container, place.memory.source, principal, policy)
          : undefined
      await trail.intend({ type: place?.type, memoryId, index, seqNo, primaryTerm, rule })
      return store.remove(order)
    },
  }
}

/** Records each page of what a query found before it is removed. */
export function auditedQueryStore(trail: AuditTrail | undefined, store: QueryStore): QueryStore {
  if (trail === undefined) return store
  return {
    findContainer: (containerId) => store.findContainer(containerId),
    fields: (index, forAnyOwner) => store.fields(index, forAnyOwner),
    find: (question) => store.find(question),
    async removeMatches(index, matches) {
      const routings = matches.some(({ routing }) => routing !== undefined)
        ? matches.map(({ routing }) => routing ?? null)
        : undefined
      await trail.intend({ index, memoryIds: matches.map(({ id }) => id), routings })
      return store.removeMatches(index, matches)
    },
    prove: (index) => store.prove(index),
    refresh: (index) => store.refresh(index),
  }
}

/** Records each index of a container, and its document, before it is deleted. */
export function auditedContainerStore(trail: AuditTrail | undefined, store: ContainerStore): ContainerStore {
  if (trail === undefined) return store
  return {
    index: store.index,
    read: (containerId) => store.read(containerId),
    all: () => store.all(),
    async deleteIndex(index) {
      await trail.intend({ index })
      return store.deleteIndex(index)
    },
    async remove(containerId, found) {
      const { seqNo, primaryTerm } = found
      await trail.intend({ index: store.index, memoryId: containerId, seqNo, primaryTerm })
      return store.remove(containerId, found)
    },
  }
}
