import type { BackingIndex, Container, IndexOfType } from './backing-index.ts'
import type { MemoryType } from './memory.ts'

/** A number of the cluster's that may not fit a double: `bigint` then. */
export type Long = number | bigint

/** A memory as it was found: enough to decide, and to delete exactly this version of it. */
export interface FoundMemory {
  readonly seqNo: Long
  readonly primaryTerm: Long
  readonly version: Long
  /** Only the fields that a decision needs, never a memory's text, unless everything was asked for. */
  readonly source: unknown
}

/** What was found for one memory type. */
export type Place = { readonly type: MemoryType } & (
  | Exclude<IndexOfType, { kind: 'index' }>
  /** The container names the index, and the cluster has none of that name. */
  | { readonly kind: 'indexMissing'; readonly index: BackingIndex }
  | { readonly kind: 'absent'; readonly index: BackingIndex }
  | { readonly kind: 'found'; readonly index: BackingIndex; readonly memory: FoundMemory }
)

/** One consistent look: every place was read in the same round trip as the container's document that names it. */
export interface Look {
  readonly container: Container | undefined
  /** In the order of the types asked for; empty where the container is unknown. */
  readonly places: readonly Place[]
}

export interface LookQuestion {
  readonly containerId: string
  readonly types: readonly MemoryType[]
  readonly memoryId: string
  /** What is read of the memory: by default only the fields that a decision needs. */
  readonly reads?: 'everything'
}

/** A place that has a memory of the id asked for: whose it is, is not decided yet. */
export type FoundPlace = Extract<Place, { kind: 'found' }>

/** A memory counts as this container's only where it names the container itself: two containers may share an index. */
export function belongsTo(memory: Pick<FoundMemory, 'source'>, container: Container): boolean {
  const { source } = memory
  if (typeof source !== 'object' || source === null || !('memory_container_id' in source)) return false
  return source.memory_container_id === container.id
}
