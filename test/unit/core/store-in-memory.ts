import { backingIndexOf, parseContainer } from '../../../src/core/backing-index.ts'
import type { MemoryStore, RemoveOrder, Removal } from '../../../src/core/delete-memory.ts'
import type { FoundMemory, Look, LookQuestion } from '../../../src/core/look.ts'
import type { MemoryType } from '../../../src/core/memory.ts'

/** What happens to one order to remove, instead of or after carrying it out. */
export type Fault = (carryOut: () => Removal, memories: Map<MemoryType, FoundMemory>) => Removal

export interface StoreInMemory extends MemoryStore {
  /** The indices that were refreshed. */
  readonly refreshed: readonly string[]
  readonly memories: Map<MemoryType, FoundMemory>
  readonly orders: readonly RemoveOrder[]
  readonly looks: readonly LookQuestion[]
}

interface Setup {
  readonly container?: Readonly<Record<string, unknown>> | undefined
  readonly memories?: Partial<Record<MemoryType, FoundMemory>>
  /** For one order after the other; carried out plainly when they are used up. */
  readonly faults?: readonly Fault[]
  /** Runs before each look, which it may spoil. */
  readonly beforeLook?: (position: number, memories: Map<MemoryType, FoundMemory>) => void
  readonly missingIndices?: readonly MemoryType[]
  readonly refreshFails?: Error
}

export const PLAIN_CONTAINER = {
  owner: { name: 'alice' },
  configuration: { index_prefix: 'acme', use_system_index: false },
}

/** A memory of the container `c` that alice owns. */
export function memory(differs: Partial<FoundMemory> = {}): FoundMemory {
  return { seqNo: 7, primaryTerm: 1, version: 3, source: { memory_container_id: 'c', owner_id: 'alice' }, ...differs }
}

/** One container and at most one memory of each type, all under the id asked for: enough for the order of events. */
export function storeInMemory(setup: Setup): StoreInMemory {
  const container = 'container' in setup ? setup.container : PLAIN_CONTAINER
  const memories = new Map(Object.entries(setup.memories ?? {}) as [MemoryType, FoundMemory][])
  const faults = [...(setup.faults ?? [])]
  const orders: RemoveOrder[] = []
  const looks: LookQuestion[] = []
  const refreshed: string[] = []

  function look(question: LookQuestion): Look {
    looks.push(question)
    setup.beforeLook?.(looks.length, memories)
    if (container === undefined) return { container: undefined, places: [] }
    const parsed = parseContainer(question.containerId, container)
    const places = question.types.map((type): Look['places'][number] => {
      const named = backingIndexOf(parsed.naming, type)
      if (named.kind !== 'index') return { type, ...named }
      if (setup.missingIndices?.includes(type) === true) return { type, kind: 'indexMissing', index: named.index }
      const found = memories.get(type)
      return found === undefined
        ? { type, kind: 'absent', index: named.index }
        : { type, kind: 'found', index: named.index, memory: found }
    })
    return { container: parsed, places }
  }

  function carryOut({ index, memoryId, seqNo }: RemoveOrder): Removal {
    const held = [...memories].find(([type, { seqNo: now }]) => index.endsWith(`-memory-${type}`) && now === seqNo)
    if (held === undefined) return { kind: 'conflict' }
    const [type, { version, primaryTerm }] = held
    memories.delete(type)
    const shards = { total: 1, successful: 1, failed: 0 }
    const counted = { version: Number(version) + 1, seqNo: Number(seqNo) + 1, primaryTerm }
    return { kind: 'removed', receipt: { index, memoryId, shards, ...counted, forcedRefresh: false, recovered: false } }
  }

  return {
    memories,
    orders,
    looks,
    refreshed,
    refresh: (index) => {
      refreshed.push(index)
      return setup.refreshFails === undefined ? Promise.resolve() : Promise.reject(setup.refreshFails)
    },
    // As a store that is asked over the network: what it throws, it throws later.
    look: (question) => Promise.resolve().then(() => look(question)),
    findContainer: (containerId) =>
      Promise.resolve(container === undefined ? undefined : parseContainer(containerId, container)),
    remove: (order) =>
      Promise.resolve().then(() => {
        orders.push(order)
        const fault = faults.shift()
        return fault === undefined ? carryOut(order) : fault(() => carryOut(order), memories)
      }),
  }
}
