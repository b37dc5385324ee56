import type { AccessPolicy } from './access.ts'
import type { BackingIndex, Container } from './backing-index.ts'
import { decide } from './decide.ts'
import type { Refusal } from './decide.ts'
import { GatewayError } from './failure.ts'
import type { FoundPlace, Long, Look, LookQuestion } from './look.ts'
import type { MemoryType } from './memory.ts'
import type { Principal } from './principal.ts'

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
  readonly shards: {
    readonly total: number
    readonly successful: number
    readonly failed: number
    readonly failures?: readonly unknown[]
  }
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

/** A cluster's memories. All throw GatewayError where the cluster cannot be asked, or not in time. */
export interface MemoryStore {
  look(question: LookQuestion): Promise<Look>
  /** The container alone, for what concerns many of its memories or none. */
  findContainer(containerId: string): Promise<Container | undefined>
  remove(order: RemoveOrder): Promise<Removal>
  /** Lets searches see what was removed. */
  refresh(index: BackingIndex): Promise<void>
}

/** What was decided: a value, which every dialect has words for. */
export type DeleteOutcome =
  { readonly kind: 'deleted'; readonly type: MemoryType; readonly receipt: DeleteReceipt } | Refusal

export interface DeleteRequest extends LookQuestion {
  readonly refresh: Refresh
}

/** An order to remove that may have reached the cluster. */
interface Unconfirmed {
  readonly place: FoundPlace
  readonly cause: unknown
}

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
      const decision = decide(look, principal, policy, 'memory:delete:any')
      if (decision.kind !== 'granted') {
        return unconfirmed === undefined ? decision : await settle(store, look, unconfirmed, request)
      }

      const { place } = decision
      const removal = await store.remove(orderOf(place, request))
      if (removal.kind === 'removed') return { kind: 'deleted', type: place.type, receipt: removal.receipt }
      if (removal.kind === 'unknown') unconfirmed = { place, cause: removal.cause }
    }
  } catch (error) {
    throw unconfirmed === undefined ? error : new GatewayError('outcomeUnknown', { cause: error })
  }
}

function orderOf({ index, memory }: FoundPlace, { memoryId, refresh }: DeleteRequest): RemoveOrder {
  return { index, memoryId, seqNo: memory.seqNo, primaryTerm: memory.primaryTerm, refresh }
}

/** Gone after our order: deleted. Anything else leaves the order's fate unknown, and that is what the caller must hear. */
async function settle(
  store: MemoryStore,
  look: Look,
  { place, cause }: Unconfirmed,
  request: DeleteRequest,
): Promise<DeleteOutcome> {
  const now = look.places.find((candidate) => candidate.type === place.type)
  if (now?.kind !== 'absent' || now.index !== place.index) throw new GatewayError('outcomeUnknown', { cause })
  return recovered(place, request.memoryId, request.refresh !== 'false' && (await canRefresh(store, place.index)))
}

/** Nothing shows whether the order's own refresh was made. Where this one fails the memory is deleted all the same; the answer then says no `forced_refresh`. */
async function canRefresh(store: MemoryStore, index: BackingIndex): Promise<boolean> {
  try {
    await store.refresh(index)
    return true
  } catch {
    return false
  }
}

// What a recovered delete cannot know is answered with the clients' own "unassigned": _seq_no -2, _primary_term 0.
function recovered({ type, index, memory }: FoundPlace, memoryId: string, forcedRefresh: boolean): DeleteOutcome {
  const version = typeof memory.version === 'bigint' ? memory.version + 1n : memory.version + 1
  const shards = { total: 0, successful: 0, failed: 0 }
  const receipt = { index, memoryId, version, shards, seqNo: -2, primaryTerm: 0, forcedRefresh, recovered: true }
  return { kind: 'deleted', type, receipt }
}
