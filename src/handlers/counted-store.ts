import type { QueryStore } from '../core/delete-by-query.ts'
import type { Principal } from '../core/principal.ts'
import type { HandlerParts } from './exchange.ts'

/** Counts what is deleted before it is: how much a query finds is known only then. */
export function countedStore({ quota }: HandlerParts, principal: Principal, store: QueryStore): QueryStore {
  return {
    findContainer: (containerId) => store.findContainer(containerId),
    fields: (index, forAnyOwner) => store.fields(index, forAnyOwner),
    find: (question) => store.find(question),
    async removeMatches(index, matches) {
      await quota.count(principal, matches.length)
      return store.removeMatches(index, matches)
    },
    prove: (index) => store.prove(index),
    refresh: (index) => store.refresh(index),
  }
}
