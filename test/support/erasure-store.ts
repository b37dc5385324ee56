import { backingIndexOf } from '../../src/core/backing-index.ts'
import type { BackingIndex } from '../../src/core/backing-index.ts'
import type { Match } from '../../src/core/delete-by-query.ts'
import { plannedRecord } from '../../src/core/erasure/record.ts'
import type { ErasurePart, ErasureRecord } from '../../src/core/erasure/record.ts'
import type { DeleteOrder, ErasureStore, PageOrder, TaskProgress } from '../../src/core/erasure/store.ts'
import type { ErasureWorld } from '../../src/core/erasure/world.ts'
import { memoryFieldsOf } from '../../src/core/query/query-fields.ts'

/** An erasure's cluster without a cluster: for decisions, and for faults. */

export const POLICY = {
  ownership: { fields: ['owner_id'], unowned: 'allow' as const },
  containersWithoutOwner: 'allow' as const,
}
const MAPPINGS = { properties: { memory_container_id: { type: 'keyword' }, owner_id: { type: 'keyword' } } }
const naming = { usable: true, indexPrefix: 'p', useSystemIndex: false, disableSession: false, disableHistory: false }
const SEQ_NO = /"_seq_no":\{(?:"gt":(-?\d+),)?"lte":(-?\d+)/

/** Of the type working, of the only container. */
export function workingIndex(): BackingIndex {
  const named = backingIndexOf({ ...naming, usable: true }, 'working')
  if (named.kind !== 'index') throw new Error('a plain name')
  return named.index
}

export interface FakeCluster {
  readonly store: ErasureStore
  readonly started: DeleteOrder[]
  readonly cancelled: string[]
  readonly pages: PageOrder[]
  readonly paused: number[]
  /** What is there, all of it in the index for working memories: it goes by pages only. */
  readonly documents: Match[]
  readonly world: ErasureWorld
}

/** A document as a search finds it. */
export function documentOf(seqNo: number, owner: unknown, container: unknown = 'c'): Match {
  const source = { memory_container_id: container, owner_id: owner }
  return { id: `m${String(seqNo)}`, routing: undefined, seqNo, primaryTerm: 1, source }
}

export function fakeCluster({
  progress = () => ({ deleted: 0, end: 'done' }),
  documents = [],
  requestsPerSecond = 7,
  store: more = {},
}: {
  /** What its tasks tell. */
  readonly progress?: (task: string) => TaskProgress | undefined
  readonly documents?: readonly Match[]
  readonly requestsPerSecond?: number
  readonly store?: Partial<ErasureStore>
}): FakeCluster {
  const started: DeleteOrder[] = []
  const cancelled: string[] = []
  const pages: PageOrder[] = []
  const paused: number[] = []
  const there = [...documents]
  const store: ErasureStore = {
    // eslint-disable-next-line @typescript-eslint/require-await
    async *containers() {
      yield { id: 'c', source: { configuration: { index_prefix: 'p', use_system_index: false } } }
    },
    fields: (index, policies) => Promise.resolve(policies.map((one) => memoryFieldsOf(index, MAPPINGS, one, false))),
    checkpoints: () => Promise.resolve([{ shard: 0, seqNo: '100000' }]),
    refresh: () => Promise.resolve(),
    // eslint-disable-next-line @typescript-eslint/require-await
    async *find({ index }) {
      const matches = index === workingIndex() ? [...there] : []
      yield { total: matches.length, matches, timedOut: false, failures: [] }
    },
    prove: () => Promise.resolve(),
    get: () => Promise.resolve([]),
    startDelete: (order) => Promise.resolve(`n:${String(started.push(order))}`),
    progressOf: (task) => Promise.resolve(progress(task)),
    cancelTask: (task) => Promise.resolve(void cancelled.push(task)),
    findPage(order) {
      pages.push(order)
      const [, after = '-1', until = '-1'] = SEQ_NO.exec(order.query) ?? []
      const found = there.filter(({ seqNo }) => seqNo > Number(after) && seqNo <= Number(until)).slice(0, order.size)
      return Promise.resolve({ total: found.length, matches: found, timedOut: false, failures: [] })
    },
    removeMatches(_index, matches) {
      for (const match of matches) there.splice(there.indexOf(match), 1)
      return Promise.resolve({ deleted: matches.length, conflicts: 0, retries: 0, failures: [] })
    },
    ...more,
  }
  const world: ErasureWorld = {
    stores: new Map([['main', store]]),
    policy: POLICY,
    requestsPerSecond,
    slices: 2,
    pause: (ms) => Promise.resolve(void paused.push(ms)),
  }
  return { store, started, cancelled, pages, paused, documents: there, world }
}

/** An erasure of alice's memories of one container and type, which has just been applied. */
export function runningErasure(
  part: Partial<ErasurePart> & { readonly clusters?: readonly string[] } = {},
): ErasureRecord {
  const { clusters = ['main'], stay = ['not-hers'], ...more } = part
  const at = '2026-11-22T00:00:00.000Z'
  const planned = plannedRecord({
    id: 'e',
    at,
    request: { subject: 'alice' },
    person: { name: 'alice', namespace: {} },
    plan: {
      parts: clusters.map((cluster) => ({
        cluster,
        container: 'c',
        type: 'working' as const,
        index: workingIndex(),
        total: 10,
        stay,
        checkpoints: [
          { shard: 0, seqNo: '41' },
          { shard: 1, seqNo: '9007199254740993' },
        ],
        witnesses: [],
      })),
      containers: 1,
      indices: 1,
    },
    hash: 'h',
  })
  const parts = planned.parts.map((one) => ({ ...one, ...more }))
  return { ...planned, parts, state: 'running' }
}

/** The same part, as one that goes page by page. */
export function withoutStay(part: ErasurePart): ErasurePart {
  const paged = { ...part }
  delete (paged as { stay?: unknown }).stay
  return paged
}
