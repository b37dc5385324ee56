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
export interface UnconfirmedOrder {
  readonly type: MemoryType
  readonly index: BackingIndex
  /** Of the memory that it was to remove. */
  readonly version: Long
}

/** What calls for the same leave open for the next one. */
export interface Open<Order> {
  order: Order | undefined
}

/**
 * Looks, decides and removes, and begins again where the memory changed in between. With several types the first one that has the memory counts.
 * @param open the order that an earlier call for the same memory left unconfirmed, and then this one's: gone after it is deleted
 * @throws GatewayError from the store; `outcomeUnknown` once an order to remove may have reached the cluster
 */
export async function deleteMemory(
  store: MemoryStore,
  policy: AccessPolicy,
  principal: Principal,
  request: DeleteRequest,
  open: Open<UnconfirmedOrder> = { order: undefined },
): Promise<DeleteOutcome> {
  const earlier = { order: open.order }
  let unconfirmed: { readonly order: UnconfirmedOrder; readonly cause: unknown } | undefined
  try {
    for (;;) {
      const decision =
        unconfirmed === undefined
          ? await decideDelete(store, policy, principal, request, earlier)
          : await decideUnconfirmed(store, policy, principal, request, unconfirmed.order)
      if (decision.kind === 'unclear') throw new GatewayError('outcomeUnknown', { cause: unconfirmed?.cause })
      if (decision.kind === 'gone') return await recovered(store, decision.order, request)
      if (decision.kind !== 'granted') return decision

      const { place } = decision
      const removal = await store.remove(orderOf(place, request))
      if (removal.kind === 'removed') return { kind: 'deleted', type: place.type, receipt: removal.receipt }
      if (removal.kind === 'unknown') {
        const { type, index, memory } = place
        open.order = { type, index, version: memory.version }
        unconfirmed = { order: open.order, cause: removal.cause }
      }
    }
  } catch (error) {
    throw unconfirmed === undefined ? error : new GatewayError('outcomeUnknown', { cause: error })
  }
}

type Granted = { readonly kind: 'granted'; readonly place: FoundPlace }
/** It was there when an order to remove it went out, and is not any more. */
type Gone = { readonly kind: 'gone'; readonly order: UnconfirmedOrder }

/**
 * Looks at a memory and decides on its delete, before any order to remove it is out.
 * @param earlier what an earlier call left unconfirmed; emptied where it says nothing of the memory as it is now
 * @throws GatewayError from the store; unusableContainer
 */
export async function decideDelete(
  store: Pick<MemoryStore, 'look'>,
  policy: AccessPolicy,
  principal: Principal,
  request: LookQuestion,
  earlier: Open<UnconfirmedOrder> = { order: undefined },
): Promise<Granted | Gone | Refusal> {
  const { order } = earlier
  if (order !== undefined) {
    const look = await store.look({ ...request, types: [order.type] })
    const decision = decide(look, principal, policy, OVERRIDE)
    if (decision.kind === 'granted') return decision
    // Who may not see the container any more does not hear of it either.
    if (isGone(look, order)) return decision.kind === 'memoryNotFound' ? { kind: 'gone', order } : decision
    // Somebody else's by now, or out of reach: this call is decided as if it were the first.
    earlier.order = undefined
  }
  return decide(await store.look(request), principal, policy, OVERRIDE)
}

const OVERRIDE = 'memory:delete:any'

/** The same once this call's own order is out: only its own place counts then, since the same id in the next type is another memory. */
async function decideUnconfirmed(
  store: Pick<MemoryStore, 'look'>,
  policy: AccessPolicy,
  principal: Principal,
  request: LookQuestion,
  order: UnconfirmedOrder,
): Promise<Granted | Gone | { readonly kind: 'unclear' }> {
  const look = await store.look({ ...request, types: [order.type] })
  const decision = decide(look, principal, policy, OVERRIDE)
  if (decision.kind === 'granted') return decision
  return isGone(look, order) ? { kind: 'gone', order } : { kind: 'unclear' }
}

function orderOf({ index, memory }: FoundPlace, { memoryId, refresh }: DeleteRequest): RemoveOrder {
  return { index, memoryId, seqNo: memory.seqNo, primaryTerm: memory.primaryTerm, refresh }
}

/** Gone after our order: deleted. Anything else leaves the order's fate unknown. */
function isGone({ places }: Look, { type, index }: UnconfirmedOrder): boolean {
  const now = places.find((candidate) => candidate.type === type)
  return now?.kind === 'absent' && now.index === index
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
async function recovered(
  store: MemoryStore,
  { type, index, version }: UnconfirmedOrder,
  { memoryId, refresh }: DeleteRequest,
): Promise<DeleteOutcome> {
  const receipt = {
    index,
    memoryId,
    version: typeof version === 'bigint' ? version + 1n : version + 1,
    shards: { total: 0, successful: 0, failed: 0 },
    seqNo: -2,
    primaryTerm: 0,
    forcedRefresh: refresh !== 'false' && (await canRefresh(store, index)),
    recovered: true,
  }
  return { kind: 'deleted', type, receipt }
}
