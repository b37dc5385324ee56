import type { AccessPolicy } from '../access.ts'
import { parseContainer } from '../backing-index.ts'
import type { BackingIndex } from '../backing-index.ts'
import type { MatchPage } from '../delete-by-query.ts'
import { GatewayError } from '../failure.ts'
import { MEMORY_TYPES } from '../memory.ts'
import type { MemoryType } from '../memory.ts'
import { indicesOf } from '../shared-indices.ts'
import { containerNamedBy, isOf, memoriesOf, policiesOfNamespace, policyOfOwner } from './person.ts'
import type { Person, PersonFields } from './person.ts'
import type { Checkpoint, ErasureStore, Witness } from './store.ts'

/** The memories of one person in one container and of one type, as they were found. */
export interface PlannedPart {
  readonly cluster: string
  readonly container: string
  readonly type: MemoryType
  readonly index: BackingIndex
  readonly total: number
  /** Ids of documents that a query takes for this person's, and that are not; absent where they are too many to be named. */
  readonly stay?: readonly string[]
  /** Where the index stood before it was searched. */
  readonly checkpoints: readonly Checkpoint[]
  readonly witnesses: readonly Witness[]
}

export interface Plan {
  /** Those that have memories, in a lasting order. */
  readonly parts: readonly PlannedPart[]
  /** How many were looked through. */
  readonly containers: number
  readonly indices: number
}

/** So many can be named to the cluster in each of its tasks; where more stay, each memory is decided on again as it is deleted. */
const MAX_STAYING = 10_000
const MAX_WITNESSES = 20
/** Indices that are searched at the same time. */
const AT_ONCE = 4

/**
 * Finds a person's memories in every container of a cluster, of every type: also of those that are switched off by now, and those of containers that
 * are no more, where others use the same index. Each is decided on by its stored document.
 * @throws GatewayError where not all of them can be told: unusableContainer, unsuitableMapping, upstreamMasked; from the store
 */
export async function planIn(
  cluster: string,
  store: ErasureStore,
  person: Person,
  policy: AccessPolicy,
): Promise<Plan> {
  const indices = new Map<BackingIndex, MemoryType>()
  let containers = 0
  for await (const { id, source } of store.containers()) {
    containers += 1
    for (const [index, type] of indicesOfContainer(cluster, id, source)) indices.set(index, type)
  }
  const parts: PlannedPart[] = []
  let searched = 0
  const left = [...indices].sort(byText)
  while (left.length > 0) {
    const some = left.splice(0, AT_ONCE)
    const found = await Promise.all(
      some.map(async ([index, type]) => {
        const fields = await fieldsIn(store, index, person, policy)
        const inIndex = fields && (await findIn(store, index, person, fields, policy))
        return inIndex?.map((part) => ({ cluster, type, ...part }))
      }),
    )
    for (const inIndex of found) {
      if (inIndex === undefined) continue
      searched += 1
      parts.push(...inIndex)
    }
  }
  return { parts, containers, indices: searched }
}

/** Of every type, whatever the container has switched off meanwhile. */
function indicesOfContainer(cluster: string, id: string, source: unknown): readonly [BackingIndex, MemoryType][] {
  const { naming } = parseContainer(id, source)
  return MEMORY_TYPES.map((type) => {
    const everyType = naming.usable ? { ...naming, disableSession: false, disableHistory: false } : naming
    const named = indicesOf(everyType, [type])
    const [index] = typeof named === 'string' ? [] : named
    if (index !== undefined) return [index, type]
    const reason = `The memory container [${id}] of the cluster [${cluster}] does not say where its memories are, so nobody could say that all are gone: ${String(named)}; repair or delete the container`
    throw new GatewayError('unusableContainer', { reason, cause: named })
  })
}

/** @returns `undefined` where there is no such index */
export async function fieldsIn(
  store: ErasureStore,
  index: BackingIndex,
  person: Person,
  policy: AccessPolicy,
): Promise<PersonFields | undefined> {
  const policies = [policyOfOwner(policy), ...policiesOfNamespace(person, policy)]
  const [owner, ...namespace] = (await store.fields(index, policies)) ?? []
  return owner && { owner, namespace }
}

interface Found {
  total: number
  readonly witnesses: Witness[]
}

async function findIn(
  store: ErasureStore,
  index: BackingIndex,
  person: Person,
  fields: PersonFields,
  policy: AccessPolicy,
): Promise<readonly Omit<PlannedPart, 'cluster' | 'type'>[]> {
  const query = memoriesOf(person, index, fields, policy)
  // Before the refresh: whatever is written by then is seen by the search.
  const checkpoints = await store.checkpoints(index)
  await store.refresh(index)
  const found = new Map<string, Found>()
  let stay: string[] | undefined = []
  let hits = 0
  for await (const page of store.find({ index, query })) {
    if (page === undefined) return []
    requireWhole(index, page)
    for (const { id, routing, source } of page.matches) {
      hits += 1
      const container = containerNamedBy(source)
      // check: erasure-plan-owner
      if (container === undefined || !isOf(person, source, policy)) {
        if (stay !== undefined && stay.push(id) > MAX_STAYING) stay = undefined
        continue
      }
      note(found, container, routing === undefined ? { id } : { id, routing })
    }
  }
  if (hits === 0) await store.prove(index)
  return [...found].sort(byText).map(([container, { total, witnesses }]) => ({
    container,
    index,
    total,
    ...(stay === undefined ? {} : { stay }),
    checkpoints,
    witnesses,
  }))
}

function note(found: Map<string, Found>, container: string, witness: Witness): void {
  const part = found.get(container) ?? { total: 0, witnesses: [] }
  part.total += 1
  if (part.witnesses.length < MAX_WITNESSES) part.witnesses.push(witness)
  found.set(container, part)
}

/** @throws GatewayError where some of the index could not be searched */
export function requireWhole(index: string, { timedOut, failures }: MatchPage): void {
  if (!timedOut && failures.length === 0) return
  const reason = `Not all of the index [${index}] could be searched`
  throw new GatewayError('upstreamUnavailable', { reason, cause: failures })
}

function byText([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : one > other ? 1 : 0
}

/** What the hash of a plan is made of: the same for the same person with as many memories in the same places. */
export function textOfPlan({ name, namespace }: Person, parts: readonly PlannedPart[]): string {
  const fields = Object.entries(namespace).sort(byText)
  const counts = parts
    .map(({ cluster, container, type, index, total }) => JSON.stringify([cluster, container, type, index, total]))
    .sort()
  return JSON.stringify([1, name, fields, counts])
}
