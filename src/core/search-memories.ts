import type { AccessPolicy } from './access.ts'
import type { BackingIndex } from './backing-index.ts'
import type { Refusal } from './decide.ts'
import { decideMemories } from './decide-memories.ts'
import type { MemoriesStore, OpenMemories } from './decide-memories.ts'
import type { QueryStore } from './delete-by-query.ts'
import type { MemoryType } from './memory.ts'
import type { Principal } from './principal.ts'
import { EVERYTHING } from './query/check-search.ts'
import type { CheckedSearch } from './query/check-search.ts'
import { memoryQuery } from './query/memory-query.ts'

/** An answer of the cluster's to a search, as it came: written again, a score of `1.0` would be `1`. */
export interface SearchAnswer {
  readonly status: number
  readonly contentType: string
  readonly text: string
}

/** What searches need of a cluster. All throw GatewayError where it cannot be asked, or not in time. */
export interface SearchStore extends Pick<QueryStore, 'findContainer' | 'fields' | 'prove'> {
  /** @returns the cluster's answer, or its refusal of the body; `undefined` where there is no such index */
  search(question: SearchQuestion): Promise<SearchAnswer | undefined>
}

interface SearchQuestion {
  readonly index: BackingIndex
  /** JSON. */
  readonly body: string
  /** The server's parameters for how the answer is laid out. */
  readonly layout: Readonly<Record<string, string>>
}

interface SearchRequest {
  readonly containerId: string
  readonly type: MemoryType
  readonly search: CheckedSearch
  readonly layout: SearchQuestion['layout']
}

export type SearchOutcome = { readonly kind: 'searched'; readonly answer: SearchAnswer } | Refusal

const OVERRIDE = 'memory:read:any'

/**
 * Searches the memories of one type in a container: the caller's query finds, and beside it, as a filter, stands whose memories they are, by
 * the rules of the single read.
 * @throws GatewayError unsuitableMapping; from the store
 */
export async function searchMemories(
  store: SearchStore,
  policy: AccessPolicy,
  principal: Principal,
  { containerId, type, search, layout }: SearchRequest,
): Promise<SearchOutcome> {
  const decision = await decideSearch(store, policy, principal, { containerId, type })
  if (decision.kind !== 'granted') return decision
  const { index, fields } = decision
  // Before, and not after: whether nothing was found can only be read out of an answer that may be cut to anything.
  await store.prove(index)
  const whose = { index, containerId, principal, policy, override: OVERRIDE, fields, decidedAgain: false } as const
  const answer = await store.search({ index, body: bodyOf(search, memoryQuery(EVERYTHING, whose)), layout })
  return answer === undefined ? { kind: 'indexMissing', index } : { kind: 'searched', answer }
}

/**
 * Decides on a search of memories before anything is searched.
 * @throws GatewayError unusableContainer; from the store
 */
export function decideSearch(
  store: MemoriesStore,
  policy: AccessPolicy,
  principal: Principal,
  request: Pick<SearchRequest, 'containerId' | 'type'>,
): Promise<OpenMemories | Refusal> {
  return decideMemories(store, policy, principal, request, OVERRIDE)
}

/** The caller's query scores what it finds; the filter only leaves out. Version and sequence number are always told, as by the plugin. */
function bodyOf({ query, members }: CheckedSearch, theirs: string): string {
  const bound = query === undefined ? theirs : `{"bool":{"must":[${query}],"filter":[${theirs}]}}`
  return `{${[...members, '"version":true', '"seq_no_primary_term":true', `"query":${bound}`].join(',')}}`
}
