import { holds } from './access.ts'
import type { BackingIndex, Container } from './backing-index.ts'
import type { DeleteReceipt, Open, Removal } from './delete-memory.ts'
import { GatewayError } from './failure.ts'
import type { Long } from './look.ts'
import type { MemoryType } from './memory.ts'
import type { Principal } from './principal.ts'
import { indicesOf, sharesAnyOf } from './shared-indices.ts'
import type { StoredContainer } from './shared-indices.ts'

/** A container as it was found, and which version of its document that was. */
export interface FoundContainer {
  readonly container: Container
  readonly seqNo: Long
  readonly primaryTerm: Long
  readonly version: Long
}

/** What the delete of a container needs of a cluster. All throw GatewayError where it cannot be asked, or not in time. */
export interface ContainerStore {
  /** Where the containers are. */
  readonly index: string
  /** The container as it is now; `undefined` where there is none. */
  read(containerId: string): Promise<FoundContainer | undefined>
  /** Every container that there is at this moment, not only what searches show already. */
  all(): AsyncIterable<StoredContainer>
  /** Deletes an index by its exact name; one that is not there is no error. */
  deleteIndex(index: BackingIndex): Promise<void>
  /** Removes the container's document, in the version that was found. */
  remove(containerId: string, found: FoundContainer): Promise<Removal>
}

export interface ContainerRequest {
  readonly containerId: string
  /** Whose indices go with it. */
  readonly types: readonly MemoryType[]
}

export type ContainerOutcome =
  | { readonly kind: 'containerDeleted'; readonly receipt: DeleteReceipt }
  | { readonly kind: 'containerNotFound' }
  | { readonly kind: 'notTheContainersOwner' }
  /** Another container has its memories in one of the indices. */
  | { readonly kind: 'sharedIndices'; readonly indexPrefix: string }

/** How often it begins again where the container's document changes meanwhile. */
const MAX_ROUNDS = 5

/** The version of a container's document that may have been removed. */
export type UnconfirmedContainer = Pick<FoundContainer, 'version'>

/**
 * Deletes indices of a container that no other container uses, and then its document. The document goes last: until then whatever failed can be
 * repeated, and nothing is left behind that no container names.
 * @param open the order that an earlier call for the same container left unconfirmed, and then this one's
 * @throws GatewayError from the store; `outcomeUnknown` once an order to remove the document may have reached the cluster
 */
export async function deleteContainer(
  store: ContainerStore,
  principal: Principal,
  request: ContainerRequest,
  open: Open<UnconfirmedContainer>,
): Promise<ContainerOutcome> {
  const { containerId } = request
  const earlier = open.order
  try {
    for (let round = 1; round <= MAX_ROUNDS; round++) {
      const decision = await decideByOwner(store, principal, request, open)
      if (decision.kind === 'gone') return recovered(store.index, containerId, decision.order)
      if (decision.kind !== 'granted') return decision
      const { found, indices } = decision
      for (const index of indices) {
        // All of them, each time: one that is found to be shared ends the request before anything more is gone.
        if (await isShared(store, containerId, indices)) return sharedBy(found.container)
        await store.deleteIndex(index)
      }
      const removal = await store.remove(containerId, found)
      if (removal.kind === 'removed') return { kind: 'containerDeleted', receipt: removal.receipt }
      if (removal.kind === 'unknown') open.order = { version: found.version }
    }
    throw new GatewayError('upstreamUnavailable', {
      reason: 'The container changes faster than it can be deleted; try again',
    })
  } catch (error) {
    if (open.order === earlier) throw error
    throw new GatewayError('outcomeUnknown', { reason: UNKNOWN, cause: error })
  }
}

const UNKNOWN = 'The cluster did not confirm the delete in time: whether the container was deleted is unknown'

type Decision =
  | { readonly kind: 'granted'; readonly found: FoundContainer; readonly indices: readonly BackingIndex[] }
  /** After an order to remove it, which nobody confirmed. */
  | { readonly kind: 'gone'; readonly order: UnconfirmedContainer }
  | Exclude<ContainerOutcome, { kind: 'containerDeleted' }>

/**
 * What {@link deleteContainer} would decide before it deletes anything.
 * @throws GatewayError from the store; unusableContainer
 */
export async function decideDeleteContainer(
  store: ContainerStore,
  principal: Principal,
  request: ContainerRequest,
  open: Open<UnconfirmedContainer>,
): Promise<Decision> {
  const decision = await decideByOwner(store, principal, request, open)
  if (decision.kind !== 'granted' || decision.indices.length === 0) return decision
  const isTaken = await isShared(store, request.containerId, decision.indices)
  return isTaken ? sharedBy(decision.found.container) : decision
}

/** The part of the decision that looks at no other container. */
async function decideByOwner(
  store: ContainerStore,
  principal: Principal,
  { containerId, types }: ContainerRequest,
  { order }: Open<UnconfirmedContainer>,
): Promise<Decision> {
  const found = await store.read(containerId)
  if (found === undefined) return order === undefined ? { kind: 'containerNotFound' } : { kind: 'gone', order }
  if (!mayDelete(found.container, principal)) return { kind: 'notTheContainersOwner' }
  const indices = indicesOf(found.container.naming, types)
  if (typeof indices === 'string') throw new GatewayError('unusableContainer', { cause: indices })
  return { kind: 'granted', found, indices }
}

/**
 * Only its owner, or who may delete anything: sharing a backend role is not enough to take the container from its owner, and
 * one without an owner is nobody's to delete. (That the caller has the scope for containers was decided before.)
 */
function mayDelete({ ownerName }: Container, principal: Principal): boolean {
  return ownerName === principal.subject || holds(principal, 'memory:delete:any')
}

function sharedBy({ naming }: Container): Extract<ContainerOutcome, { kind: 'sharedIndices' }> {
  return { kind: 'sharedIndices', indexPrefix: naming.usable ? naming.indexPrefix : '' }
}

async function isShared(store: ContainerStore, containerId: string, indices: readonly string[]): Promise<boolean> {
  let sawItself = false
  for await (const other of store.all()) {
    if (other.id === containerId) {
      sawItself = true
      continue
    }
    const shares = sharesAnyOf(indices, other)
    if (shares === 'unknown') {
      throw new GatewayError('unusableContainer', {
        reason:
          'The configuration of another memory container does not say which indices it uses: it may use these too',
        cause: other.id,
      })
    }
    if (shares) return true
  }
  // A search that does not show the container that was just read may hide others as well.
  if (!sawItself) throw new GatewayError('upstreamMasked', { cause: containerId })
  return false
}

/** Gone after our order: deleted. What it cannot know is the clients' own "unassigned". */
function recovered(index: string, containerId: string, { version }: UnconfirmedContainer): ContainerOutcome {
  return {
    kind: 'containerDeleted',
    receipt: {
      index,
      memoryId: containerId,
      version: typeof version === 'bigint' ? version + 1n : version + 1,
      shards: { total: 0, successful: 0, failed: 0 },
      seqNo: -2,
      primaryTerm: 0,
      forcedRefresh: false,
      recovered: true,
    },
  }
}
