import { admits, owns } from './access.ts'
import type { AccessPolicy } from './access.ts'
import type { BackingIndex, Container, IndexOfType } from './backing-index.ts'
import { GatewayError } from './failure.ts'
import type { MemoryType } from './memory.ts'
import type { Principal } from './principal.ts'

/** A number of the cluster's that may not fit a double: `bigint` then. */
export type Long = number | bigint

/** A memory as it was found: enough to decide, and to delete exactly this version of it. */
export interface FoundMemory {
  readonly seqNo: Long
  readonly primaryTerm: Long
  readonly version: Long
  /** Only the fields that a decision needs; never a memory's text. */
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
}

export type Refresh = 'true' | 'false' | 'wait_for'

export interface RemoveOrder {
  readonly index: BackingIndex
  readonly memoryId: string
  /** Removes nothing but this version: the document as it was when it was looked at. */
  readonly seqNo: Long
  readonly primaryTerm: Long
  readonly refresh: Refresh
}

/** The cluster's account of a delete: the fields of its answer. */
export interface DeleteReceipt {
  readonly index: string
  readonly memoryId: string
  readonly version: Long
  readonly shards: { readonly total: number; readonly successful: number; readonly failed: number }
  readonly seqNo: Long
  readonly primaryTerm: Long
  readonly forcedRefresh: boolean
  /** The cluster never confirmed it, but the memory is gone after this request had told the cluster to delete it. */
  readonly recovered: boolean
}

export type Removal =
  | { readonly kind: 'removed'; readonly receipt: DeleteReceipt }
  /** Not this version any more, or gone: nothing was removed. */
  | { readonly kind: 'conflict' }
  /** The order may have reached the cluster; its answer did not reach us. */
  | { readonly kind: 'unknown'; readonly cause: unknown }

/** What deletes need of a cluster. Both throw GatewayError where the cluster cannot be asked, or not in time. */
export interface MemoryStore {
  look(question: LookQuestion): Promise<Look>
  remove(order: RemoveOrder): Promise<Removal>
}

/** What was decided: a value, which every dialect has words for. */
export type DeleteOutcome =
  | { readonly kind: 'deleted'; readonly type: MemoryType; readonly receipt: DeleteReceipt }
  | { readonly kind: 'containerNotFound' }
  /** The container has this type switched off. */
  | { readonly kind: 'indexNotFound' }
  | { readonly kind: 'indexMissing'; readonly index: BackingIndex }
  | { readonly kind: 'memoryNotFound' }
  | { readonly kind: 'denied'; readonly by: 'container' | 'owner' }

export interface DeleteRequest extends LookQuestion {
  readonly refresh: Refresh
}

type Found = Extract<Place, { kind: 'found' }>

/** An order to remove that may have reached the cluster. */
interface Unconfirmed {
  readonly place: Found
  readonly cause: unknown
}

/** Either the place to remove from, or the outcome that ends the request. */
type Decision = { readonly kind: 'remove'; readonly place: Found } | Exclude<DeleteOutcome, { kind: 'deleted' }>

/**
 * Looks, decides and removes, and begins again where the memory changed in between. With several types the first one that has the memory counts.
 * @throws GatewayError from the store; `outcomeUnknown` once an order to remove may have reached the cluster
 */
export async function deleteMemory(
  store: MemoryStore,
  policy: AccessPolicy,
  principal: Principal,
  request: DeleteRequest,
): Promise<DeleteOutcome> {
  let unconfirmed: Unconfirmed | undefined
  try {
    for (;;) {
      // Once an order is out only its own place counts: the same id in the next type is another memory.
      const types = unconfirmed === undefined ? request.types : [unconfirmed.place.type]
      const look = await store.look({ ...request, types })
      const decision = decide(look, principal, policy)
      if (decision.kind !== 'remove') return unconfirmed === undefined ? decision : settle(look, unconfirmed, request)

      const { place } = decision
      const removal = await store.remove(orderOf(place, request))
      if (removal.kind === 'removed') return { kind: 'deleted', type: place.type, receipt: removal.receipt }
      if (removal.kind === 'unknown') unconfirmed = { place, cause: removal.cause }
    }
  } catch (error) {
    throw unconfirmed === undefined ? error : new GatewayError('outcomeUnknown', { cause: error })
  }
}

function orderOf({ index, memory }: Found, { memoryId, refresh }: DeleteRequest): RemoveOrder {
  return { index, memoryId, seqNo: memory.seqNo, primaryTerm: memory.primaryTerm, refresh }
}

/** Decides on one look. The order of the checks is the server's: container, access to it, index, memory, owner. */
export function decide(look: Look, principal: Principal, policy: AccessPolicy): Decision {
  const { container } = look
  if (container === undefined) return { kind: 'containerNotFound' }
  if (!admits(container, principal, policy)) return { kind: 'denied', by: 'container' }

  const place = look.places.find((candidate) => candidate.kind === 'found' && belongsTo(candidate.memory, container))
  if (place?.kind === 'found') {
    return owns(place.memory.source, principal, policy) ? { kind: 'remove', place } : { kind: 'denied', by: 'owner' }
  }
  return whyNotFound(look.places)
}

/** A memory counts as this container's only where it names the container itself: two containers may share an index. */
export function belongsTo(memory: FoundMemory, container: Container): boolean {
  const { source } = memory
  if (typeof source !== 'object' || source === null || !('memory_container_id' in source)) return false
  return source.memory_container_id === container.id
}

function whyNotFound(places: readonly Place[]): Exclude<Decision, { kind: 'remove' }> {
  const unusable = places.find((place) => place.kind === 'unusable')
  if (unusable !== undefined) throw new GatewayError('unusableContainer', { cause: unusable.why })
  const [only, ...others] = places
  if (only === undefined || others.length > 0) return { kind: 'memoryNotFound' }
  switch (only.kind) {
    case 'switchedOff':
      return { kind: 'indexNotFound' }
    case 'indexMissing':
      return { kind: 'indexMissing', index: only.index }
    case 'unusable':
    case 'absent':
    case 'found':
      return { kind: 'memoryNotFound' }
  }
}

/** Gone after our order: deleted. Anything else leaves the order's fate unknown, and that is what the caller must hear. */
function settle(look: Look, { place, cause }: Unconfirmed, { memoryId }: DeleteRequest): DeleteOutcome {
  const now = look.places.find((candidate) => candidate.type === place.type)
  if (now?.kind === 'absent' && now.index === place.index) return recovered(place, memoryId)
  throw new GatewayError('outcomeUnknown', { cause })
}

// What a recovered delete cannot know is answered with the clients' own "unassigned": _seq_no -2, _primary_term 0.
function recovered({ type, index, memory }: Found, memoryId: string): DeleteOutcome {
  const version = typeof memory.version === 'bigint' ? memory.version + 1n : memory.version + 1
  const shards = { total: 0, successful: 0, failed: 0 }
  const receipt = { index, memoryId, version, shards, seqNo: -2, primaryTerm: 0, forcedRefresh: false, recovered: true }
  return { kind: 'deleted', type, receipt }
}
