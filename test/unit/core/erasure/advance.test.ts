import { describe, expect, test } from '@jest/globals'

import { advance, whyFailed } from '../../../../src/core/erasure/advance.ts'
import type { ErasureWorld } from '../../../../src/core/erasure/advance.ts'
import { plannedRecord } from '../../../../src/core/erasure/record.ts'
import type { ErasureRecord } from '../../../../src/core/erasure/record.ts'
import type { DeleteOrder, ErasureStore, TaskProgress } from '../../../../src/core/erasure/store.ts'
import { backingIndexOf } from '../../../../src/core/backing-index.ts'
import { GatewayError } from '../../../../src/core/failure.ts'
import { memoryFieldsOf } from '../../../../src/core/query/query-fields.ts'

const policy = {
  ownership: { fields: ['owner_id'], unowned: 'allow' as const },
  containersWithoutOwner: 'allow' as const,
}
const MAPPINGS = { properties: { memory_container_id: { type: 'keyword' }, owner_id: { type: 'keyword' } } }
const naming = { usable: true, indexPrefix: 'p', useSystemIndex: false, disableSession: false, disableHistory: false }

/** A cluster whose tasks do as the test says. */
function cluster(progress: (task: string) => TaskProgress | undefined) {
  const started: DeleteOrder[] = []
  const cancelled: string[] = []
  const store: ErasureStore = {
    // eslint-disable-next-line @typescript-eslint/require-await
    async *containers() {
      yield { id: 'c', source: { configuration: { index_prefix: 'p', use_system_index: false } } }
    },
    fields: (index, policies) => Promise.resolve(policies.map((one) => memoryFieldsOf(index, MAPPINGS, one, false))),
    checkpoints: () => Promise.resolve([]),
    refresh: () => Promise.resolve(),
    // eslint-disable-next-line @typescript-eslint/require-await
    async *find() {
      yield { total: 0, matches: [], timedOut: false, failures: [] }
    },
    prove: () => Promise.resolve(),
    get: () => Promise.resolve([]),
    startDelete: (order) => Promise.resolve(`n:${String(started.push(order))}`),
    progressOf: (task) => Promise.resolve(progress(task)),
    cancelTask: (task) => Promise.resolve(void cancelled.push(task)),
  }
  const world: ErasureWorld = { stores: new Map([['main', store]]), policy, requestsPerSecond: 7, slices: 2 }
  return { world, started, cancelled }
}

function running(): ErasureRecord {
  const named = backingIndexOf({ ...naming, usable: true }, 'working')
  if (named.kind !== 'index') throw new Error('a plain name')
  const part = {
    cluster: 'main',
    container: 'c',
    type: 'working' as const,
    index: named.index,
    total: 10,
    stay: ['not-hers'],
    checkpoints: [
      { shard: 0, seqNo: '41' },
      { shard: 1, seqNo: '9007199254740993' },
    ],
    witnesses: [],
  }
  const plan = { parts: [part], containers: 1, indices: 1 }
  const person = { name: 'alice', namespace: {} }
  const at = '2026-11-22T00:00:00.000Z'
  return {
    ...plannedRecord({ id: 'e', at, request: { subject: 'alice' }, person, plan, hash: 'h' }),
    state: 'running',
  }
}

async function steps(world: ErasureWorld, count: number): Promise<ErasureRecord> {
  let record = running()
  for (let step = 0; step < count; step++) record = await advance(world, record)
  return record
}

describe('an erasure goes on by steps', () => {
  test('one task a shard, none beyond where it stood, and none of what stays', async () => {
    const { world, started } = cluster(() => ({ deleted: 5, end: 'none' }))
    const record = await steps(world, 2)
    expect(started.map(({ shard, requestsPerSecond, slices }) => [shard, requestsPerSecond, slices])).toEqual([
      [0, 7, 2],
      [1, 7, 2],
    ])
    for (const [order, seqNo] of [
      [started[0], '41'],
      [started[1], '9007199254740993'],
    ] as const) {
      expect(order?.query).toContain(`{"range":{"_seq_no":{"lte":${seqNo}}}}`)
      expect(order?.query).toContain('"must_not":[{"ids":{"values":["not-hers"]}}]')
      // Nobody's memories are not hers, whoever may delete them.
      expect(order?.query).not.toContain('"exists"')
    }
    expect(record).toMatchObject({ state: 'running', deleted: 10, parts: [{ state: 'running' }] })
  })

  test('done tasks are looked at no more; then everything is looked for once more', async () => {
    const { world } = cluster(() => ({ deleted: 4, end: 'done' }))
    expect((await steps(world, 3)).state).toBe('verifying')
    // Whoever deleted the other two: they are gone.
    expect(await steps(world, 4)).toMatchObject({ state: 'done', deleted: 10 })
  })

  test('a task that is lost with its node is started again, and what it told counts', async () => {
    const { world, started } = cluster((task) =>
      task === 'n:1' ? undefined : { deleted: task === 'n:2' ? 3 : 2, end: 'done' },
    )
    expect((await steps(world, 2)).parts[0]?.tasks.map(({ task }) => task)).toEqual(['n:3', 'n:2'])
    expect(started).toHaveLength(3)
    expect(started[2]).toEqual(started[0])
  })

  test('a task that fails again and again ends it, with the others stopped', async () => {
    const { world, started, cancelled } = cluster((task) =>
      task === 'n:2' ? { deleted: 1, end: 'none' } : { deleted: 0, end: 'failed', why: 'x' },
    )
    const record = await steps(world, 5)
    expect(record).toMatchObject({ state: 'failed', reason: expect.stringContaining('could not delete') as unknown })
    expect(started).toHaveLength(4)
    expect(cancelled).toEqual([])
  })

  test('a task that somebody stopped at the cluster stops it', async () => {
    const { world } = cluster((task) => ({ deleted: 1, end: task === 'n:1' ? 'cancelled' : 'none' }))
    const record = await steps(world, 3)
    expect(record).toMatchObject({ state: 'cancelled', deleted: 1, reason: expect.stringContaining('at the cluster') })
  })

  test('one that is cancelled stops its tasks, and counts what they did', async () => {
    const { world, cancelled } = cluster(() => ({ deleted: 2, end: 'none' }))
    const record = await advance(world, { ...(await steps(world, 2)), isCancelling: true })
    expect(cancelled).toEqual(['n:1', 'n:2'])
    expect(record).toMatchObject({ state: 'cancelled', deleted: 4, parts: [{ state: 'cancelled' }] })
  })
})

test('a cluster that is away is waited for; what no waiting mends has failed', () => {
  expect(whyFailed(new GatewayError('upstreamUnavailable'))).toBeUndefined()
  expect(whyFailed(new Error('x'))).toBeUndefined()
  expect(whyFailed(new GatewayError('unsuitableMapping', { reason: 'map it' }))).toBe('map it')
})
