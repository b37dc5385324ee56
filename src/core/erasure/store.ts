import type { AccessPolicy } from '../access.ts'
import type { BackingIndex } from '../backing-index.ts'
import type { Match, MatchPage, MatchQuestion, RemovedMatches } from '../delete-by-query.ts'
import type { MemoryFields } from '../query/query-fields.ts'
import type { StoredContainer } from '../shared-indices.ts'

/** A place in an index: everything up to it had been written when it was asked for. */
export interface Checkpoint {
  readonly shard: number
  /** A whole number; text, since it may not fit a double. */
  readonly seqNo: string
}

export interface DeleteOrder {
  readonly index: string
  readonly shard: number
  /** JSON. */
  readonly query: string
  /** A second; 0 for no limit. */
  readonly requestsPerSecond: number
  readonly slices: number | 'auto'
}

export interface PageOrder extends MatchQuestion {
  readonly shard: number
  /** As many at most. */
  readonly size: number
}

/** How far a task of the cluster's has come. */
export interface TaskProgress {
  readonly deleted: number
  readonly end: 'none' | 'done' | 'cancelled' | 'failed'
  /** Of a failure: the type of the error. */
  readonly why?: string
}

/** A memory by which it is seen once more whether it is gone. */
export interface Witness {
  readonly id: string
  readonly routing?: string
}

/** What an erasure needs of a cluster. All throw GatewayError where it cannot be asked, or not in time. */
export interface ErasureStore {
  /** Every container that there is at this moment. */
  containers(): AsyncIterable<StoredContainer>
  /** How the index maps the fields that each policy looks at; `undefined` where there is no such index. */
  fields(index: BackingIndex, policies: readonly AccessPolicy[]): Promise<readonly MemoryFields[] | undefined>
  /** Where each of the index's shards stands. */
  checkpoints(index: string): Promise<readonly Checkpoint[]>
  refresh(index: string): Promise<void>
  find(question: MatchQuestion): AsyncIterable<MatchPage | undefined>
  /** Settles that "nothing found" means that nothing is there. */
  prove(index: BackingIndex): Promise<void>
  /** What is stored of these at this moment: only those that are there. */
  get(index: string, witnesses: readonly Witness[]): Promise<readonly unknown[]>
  /** @returns the task */
  startDelete(order: DeleteOrder): Promise<string>
  /** `undefined` where the cluster knows nothing of it any more. */
  progressOf(task: string): Promise<TaskProgress | undefined>
  /** One that has ended, or is not there, is no error. */
  cancelTask(task: string): Promise<void>
  /** Some of what the query finds in one shard, first what was written first; `undefined` where there is no such index. */
  findPage(order: PageOrder): Promise<MatchPage | undefined>
  /** Removes memories, each in the version that was found. */
  removeMatches(index: BackingIndex, matches: readonly Match[]): Promise<RemovedMatches>
}
