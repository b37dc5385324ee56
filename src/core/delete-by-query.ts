import { owns } from './access.ts'
import type { AccessPolicy } from './access.ts'
import type { BackingIndex } from './backing-index.ts'
import type { Refusal } from './decide.ts'
import { decideMemories } from './decide-memories.ts'
import type { MemoriesStore, OpenMemories } from './decide-memories.ts'
import { FAILURES, GatewayError } from './failure.ts'
import { belongsTo } from './look.ts'
import type { Long } from './look.ts'
import type { MemoryType } from './memory.ts'
import type { Principal } from './principal.ts'
import type { CheckedQuery } from './query/check-query.ts'
import { memoryQuery } from './query/memory-query.ts'

/** A memory that a query found: enough to decide, and to delete exactly this version of it. */
export interface Match {
  readonly id: string
  readonly routing: string | undefined
  readonly seqNo: Long
  readonly primaryTerm: Long
  /** Only the fields that a decision needs. */
  readonly source: unknown
}

/** Why a part of the work was not done, in the words of the cluster's by-query answers. */
export interface QueryFailure {
  readonly index: string
  readonly shard?: number
  readonly id?: string
  readonly status: number
  readonly type: string
  readonly reason: string
}

/** Some of what a query found. */
export interface MatchPage {
  /** Of the whole query. */
  readonly total: number
  readonly matches: readonly Match[]
  /** The cluster gave up before it had looked at everything. */
  readonly timedOut: boolean
  /** Shards that could not be searched. */
  readonly failures: readonly QueryFailure[]
}

export interface RemovedMatches {
  readonly deleted: number
  /** Changed since they were found, and so left. */
  readonly conflicts: number
  readonly retries: number
  readonly failures: readonly QueryFailure[]
}

export interface MatchQuestion {
  readonly index: BackingIndex
  /** JSON. */
  readonly query: string
}

/** What deletes by query need of a cluster. All throw GatewayError where it cannot be asked, or not in time. */
export interface QueryStore extends MemoriesStore {
  /** What the query finds, as it stood when it was asked, page by page; `undefined` where there is no such index. */
  find(question: MatchQuestion): AsyncIterable<MatchPage | undefined>
  removeMatches(index: BackingIndex, matches: readonly Match[]): Promise<RemovedMatches>
  /** Settles that "nothing found" means that nothing is there. */
  prove(index: BackingIndex): Promise<void>
  refresh(index: BackingIndex): Promise<void>
}

export interface ByQueryRequest {
  readonly containerId: string
  readonly type: MemoryType
  readonly query: CheckedQuery
  /** Count what would be deleted, and leave it. */
  readonly dryRun: boolean
  /** Refresh first, so that what was written a moment ago is found. */
  readonly refreshFirst?: boolean
  /** What a memory must be beside the caller's; everything by default. */
  readonly only?: (source: unknown) => boolean
}

/** What a delete by query did: the fields of the cluster's answer to one. */
export interface ByQueryReport {
  readonly timedOut: boolean
  readonly total: number
  readonly deleted: number
  readonly batches: number
  readonly versionConflicts: number
  readonly retries: number
  readonly failures: readonly QueryFailure[]
}

export type ByQueryOutcome =
  | { readonly kind: 'ran'; readonly report: ByQueryReport }
  | { readonly kind: 'typeDisabled'; readonly type: MemoryType }
  | Refusal

const OVERRIDE = 'memory:delete:any'

/**
 * Deletes what a query finds, by the rules of the single delete: the query is bound to container and owner, what it finds is decided once more on
 * the stored document (an index cannot tell a list from its only value), and only the version that was decided on goes.
 * @throws GatewayError where nothing was deleted; what fails later is in the report
 */
export async function deleteByQuery(
  store: QueryStore,
  policy: AccessPolicy,
  principal: Principal,
  request: ByQueryRequest,
): Promise<ByQueryOutcome> {
  const decision = await decideByQuery(store, policy, principal, request)
  return decision.kind === 'granted' ? deleteIn(store, decision, policy, principal, request) : decision
}

/**
 * Decides on a delete by query before anything is searched.
 * @throws GatewayError unusableContainer; from the store
 */
export async function decideByQuery(
  store: MemoriesStore,
  policy: AccessPolicy,
  principal: Principal,
  request: Pick<ByQueryRequest, 'containerId' | 'type'>,
): Promise<OpenMemories | Exclude<ByQueryOutcome, { kind: 'ran' }>> {
  const decision = await decideMemories(store, policy, principal, request, OVERRIDE)
  return decision.kind === 'indexNotFound' ? { kind: 'typeDisabled', type: request.type } : decision
}

async function deleteIn(
  store: QueryStore,
  { container, index, fields }: OpenMemories,
  policy: AccessPolicy,
  principal: Principal,
  { query, dryRun, refreshFirst = false, only = () => true }: ByQueryRequest,
): Promise<ByQueryOutcome> {
  const bound = memoryQuery(query, {
    index,
    containerId: container.id,
    principal,
    policy,
    override: OVERRIDE,
    fields,
    decidedAgain: true,
  })
  const isTheirs = ({ source }: Match): boolean =>
    belongsTo({ source }, container) && owns(source, principal, policy, OVERRIDE) && only(source)

  if (refreshFirst) await store.refresh(index)
  const tally = new Tally(index)
  try {
    for await (const page of store.find({ index, query: bound })) {
      if (page === undefined) return { kind: 'indexMissing', index }
      const theirs = page.matches.filter(isTheirs)
      if (!tally.found(page, theirs.length)) break
      if (theirs.length > 0 && !dryRun && !tally.removed(await store.removeMatches(index, theirs))) break
    }
    if (tally.foundNothing) await store.prove(index)
  } catch (error) {
    if (!(error instanceof GatewayError) || !tally.hasOrdered) throw error
    tally.endedBy(error)
  }
  if (tally.hasOrdered) await store.refresh(index)
  return { kind: 'ran', report: tally.report() }
}

/** Counts what is done, so that an end halfway is reported as what it is. */
class Tally {
  readonly #index: string
  #hits = 0
  #foreign = 0
  #batches = 0
  #deleted = 0
  #conflicts = 0
  #retries = 0
  #timedOut = false
  #failures: QueryFailure[] = []
  hasOrdered = false

  constructor(index: string) {
    this.#index = index
  }

  get #goesOn(): boolean {
    return !this.#timedOut && this.#failures.length === 0
  }

  get foundNothing(): boolean {
    return this.#hits === 0 && this.#goesOn
  }

  /** @returns whether to go on */
  found(page: MatchPage, theirs: number): boolean {
    this.#hits = Math.max(this.#hits, page.total)
    this.#foreign += page.matches.length - theirs
    this.#timedOut ||= page.timedOut
    this.#failures.push(...page.failures)
    if (theirs > 0) this.#batches += 1
    return this.#goesOn
  }

  /** @returns whether to go on */
  removed({ deleted, conflicts, retries, failures }: RemovedMatches): boolean {
    this.hasOrdered = true
    this.#deleted += deleted
    this.#conflicts += conflicts
    this.#retries += retries
    this.#failures.push(...failures)
    return this.#goesOn
  }

  endedBy(error: GatewayError): void {
    if (error.code === 'upstreamTimeout') this.#timedOut = true
    else {
      const { type } = FAILURES[error.code]
      this.#failures.push({ index: this.#index, status: error.status, type, reason: error.message })
    }
  }

  report(): ByQueryReport {
    return {
      timedOut: this.#timedOut,
      total: this.#hits - this.#foreign,
      deleted: this.#deleted,
      batches: this.#batches,
      versionConflicts: this.#conflicts,
      retries: this.#retries,
      failures: this.#failures,
    }
  }
}
