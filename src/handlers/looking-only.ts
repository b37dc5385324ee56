import type { QueryStore } from '../core/delete-by-query.ts'
import type { ContainerStore } from '../core/delete-container.ts'
import type { MemoryStore } from '../core/delete-memory.ts'
import type { SearchStore } from '../core/search-memories.ts'
import type { ClusterParts } from './exchange.ts'
import type { Notes } from './work.ts'

/** A cluster that is only looked at: nothing can be removed or forwarded through it, and what container was found is noted. */
export function lookingOnly(cluster: ClusterParts, notes: Notes): ClusterParts {
  return {
    ...cluster,
    forward: refuse,
    forwardUpgrade: cluster.forwardUpgrade && refuse,
    storeFor: (signal) => memoryStore(cluster.storeFor(signal), notes),
    queryStoreFor: (signal) => queryStore(cluster.queryStoreFor(signal), notes),
    containerStoreFor: (signal) => containerStore(cluster.containerStoreFor(signal), notes),
  }
}

function refuse(): never {
  throw new Error('this request is only asked about')
}

function memoryStore(store: MemoryStore, notes: Notes): MemoryStore {
  return {
    async look(question) {
      notes.stage = 'container'
      const look = await store.look(question)
      notes.seen = { container: look.container }
      return look
    },
    findContainer: finder(store, notes),
    remove: refuse,
    refresh: refuse,
  }
}

function queryStore(store: QueryStore & SearchStore, notes: Notes): QueryStore & SearchStore {
  return {
    findContainer: finder(store, notes),
    fields: (index, forAnyOwner) => store.fields(index, forAnyOwner),
    find: refuse,
    search: refuse,
    removeMatches: refuse,
    prove: refuse,
    refresh: refuse,
  }
}

function containerStore(store: ContainerStore, notes: Notes): ContainerStore {
  return {
    index: store.index,
    async read(containerId) {
      notes.stage = 'container'
      const found = await store.read(containerId)
      notes.seen = { container: found?.container }
      return found
    },
    all: () => store.all(),
    deleteIndex: refuse,
    remove: refuse,
  }
}

function finder(store: Pick<MemoryStore, 'findContainer'>, notes: Notes): MemoryStore['findContainer'] {
  return async (containerId) => {
    notes.stage = 'container'
    const container = await store.findContainer(containerId)
    notes.seen = { container }
    return container
  }
}
