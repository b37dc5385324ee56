import { holds } from './access.ts'
import type { AccessPolicy } from './access.ts'
import type { BackingIndex, Container } from './backing-index.ts'
import { decideIndex } from './decide.ts'
import type { Refusal } from './decide.ts'
import type { MemoryType } from './memory.ts'
import type { Override, Principal } from './principal.ts'
import type { MemoryFields } from './query/query-fields.ts'

/** What the decision needs of a cluster. All throw GatewayError where it cannot be asked, or not in time. */
export interface MemoriesStore {
  /** The container alone. */
  findContainer(containerId: string): Promise<Container | undefined>
  /** How the index maps the fields that decide; `undefined` where there is no such index. */
  fields(index: BackingIndex, forAnyOwner: boolean): Promise<MemoryFields | undefined>
}

/** The memories of one type in a container, which their caller may search or delete by a query. */
export interface OpenMemories {
  readonly kind: 'granted'
  readonly container: Container
  readonly index: BackingIndex
  readonly fields: MemoryFields
}

/**
 * Decides on all memories of one type in a container: whose each of them is, is left to the query and to a look at what it finds.
 * @throws GatewayError unusableContainer; from the store
 */
export async function decideMemories(
  store: MemoriesStore,
  policy: AccessPolicy,
  principal: Principal,
  { containerId, type }: { readonly containerId: string; readonly type: MemoryType },
  override: Override,
): Promise<OpenMemories | Refusal> {
  const decision = decideIndex(await store.findContainer(containerId), type, principal, policy, override)
  if (decision.kind !== 'granted') return decision
  const { container, index } = decision
  const fields = await store.fields(index, holds(principal, override))
  return fields === undefined ? { kind: 'indexMissing', index } : { kind: 'granted', container, index, fields }
}
