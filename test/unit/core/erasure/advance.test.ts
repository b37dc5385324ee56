import { describe, expect, test } from '@jest/globals'

import { failureFor } from '../../../../src/cluster/reading.ts'
import { advance } from '../../../../src/core/erasure/advance.ts'
import type { ErasureRecord } from '../../../../src/core/erasure/record.ts'
import type { TaskProgress } from '../../../../src/core/erasure/store.ts'
import { whyFailed } from '../../../../src/core/erasure/world.ts'
import type { ErasureWorld } from '../../../../src/core/erasure/world.ts'
import { GatewayError } from '../../../../src/core/failure.ts'
import { documentOf, fakeCluster, runningErasure, withoutStay } from '../../../support/erasure-store.ts'

/** A cluster whose tasks do as the test says. */
const cluster = (progress: (task: string) => TaskProgress | undefined) => fakeCluster({ progress })

async function steps(
  world: ErasureWorld,
  count: number,
  first = runningErasure(),
  onTrouble: (error: unknown) => void = () => undefined,
): Promise<ErasureRecord> {
  let record = first
  for (let step = 0; step < count; step++) record = await advance(world, record, onTrouble)
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
    expect(cancelled).toEqual(['n:2'])
  })

  test('a task that somebody stopped at the cluster stops it', async () => {
    const { world, cancelled } = cluster((task) => ({ deleted: 1, end: task === 'n:1' ? 'cancelled' : 'none' }))
    const record = await steps(world, 3)
    expect(record).toMatchObject({ state: 'cancelled', deleted: 2, reason: expect.stringContaining('at the cluster') })
    expect(cancelled).toContain('n:2')
  })

  test('one that is cancelled stops its tasks, and counts what they did', async () => {
    const { world, cancelled } = cluster(() => ({ deleted: 2, end: 'none' }))
    const record = await steps(world, 1, { ...(await steps(world, 2)), isCancelling: true })
    expect(cancelled).toEqual(['n:1', 'n:2'])
    expect(record).toMatchObject({ state: 'cancelled', deleted: 4, parts: [{ state: 'cancelled' }] })
  })
})

describe('one cluster of several that cannot be asked', () => {
  const away = new GatewayError('upstreamUnavailable')
  const gone = new GatewayError('unsuitableMapping', { reason: 'map it' })
  const with2 = (error: GatewayError) => {
    const here = fakeCluster({ progress: () => ({ deleted: 2, end: 'none' }) })
    const there = fakeCluster({ store: { fields: () => Promise.reject(error) } })
    const stores = new Map([
      ['main', here.store],
      ['eu', there.store],
    ])
    return { here, there, world: { ...here.world, stores } }
  }
  const both = runningErasure({ clusters: ['main', 'eu'] })

  test('is waited for: what the other was told to do is told once, and written down', async () => {
    const { here, world } = with2(away)
    const troubles: unknown[] = []
    const record = await steps(world, 3, both, (error) => troubles.push(error))
    expect(here.started).toHaveLength(2)
    expect(troubles).toEqual([away, away, away])
    expect(record).toMatchObject({ state: 'running', deleted: 4, parts: [{ state: 'running' }, { state: 'running' }] })
  })

  test('ends it where no waiting mends it, and the tasks of the other are stopped', async () => {
    const { here, world } = with2(gone)
    const record = await steps(world, 2, both)
    expect(record).toMatchObject({ state: 'failed', reason: 'map it', deleted: 4 })
    expect(here.cancelled).toEqual(['n:1', 'n:2'])
  })

  test('keeps the other from being stopped no longer than it takes to ask', async () => {
    const { here, world } = with2(away)
    const begun = await steps(world, 1, both)
    const told = { ...begun, isCancelling: true as const }
    const failing = { ...told, parts: begun.parts.map((part) => ({ ...part, tasks: here.started.map(() => task) })) }
    const there = fakeCluster({ store: { cancelTask: () => Promise.reject(away) } })
    const stores = new Map([...world.stores, ['eu', there.store]])
    await expect(steps({ ...world, stores }, 1, failing)).rejects.toBe(away)
    expect(here.cancelled).toEqual(['n:9', 'n:9'])
  })
  const task = { shard: 0, seqNo: '1', task: 'n:9', deleted: 0, isDone: false, failures: 0 }
})

describe('where too many look like hers', () => {
  const paged = (): ErasureRecord => {
    const { parts, ...record } = runningErasure({
      total: 2_500,
      tasks: [{ shard: 0, seqNo: '9000', deleted: 0, isDone: false, failures: 0 }],
    })
    return { ...record, parts: parts.map((part) => withoutStay(part)) }
  }
  const crowd = Array.from({ length: 10_000 }, (_, seqNo) => documentOf(seqNo, seqNo % 4 === 0 ? 'alice' : ['alice']))
  const isHers = ({ source }: (typeof crowd)[number]): boolean => (source as { owner_id: unknown }).owner_id === 'alice'
  const lookAlikes = crowd.filter((one) => !isHers(one)).length

  test('pages follow one another by sequence number; each document is decided on, and none that is newer', async () => {
    const { world, documents, pages, started } = fakeCluster({ documents: crowd, requestsPerSecond: 0 })
    let record = await steps(world, 1, paged())
    expect(pages.map(({ size, shard }) => [size, shard])).toEqual(Array(5).fill([1_000, 0]))
    expect(record.parts[0]).toMatchObject({ deleted: 1_250, tasks: [{ after: '4999' }] })
    record = await steps(world, 1, record)
    expect(record.parts[0]).toMatchObject({ state: 'done', deleted: 2_251, tasks: [{ isDone: true, after: '9000' }] })
    expect(documents.filter(isHers).map(({ seqNo }) => Number(seqNo))).toEqual(
      Array.from({ length: 249 }, (_, position) => 9_004 + 4 * position),
    )
    expect([documents.length - 249, started]).toEqual([lookAlikes, []])
  })

  test('those of another container, or that name none, stay', async () => {
    const others = [documentOf(1, 'alice', 'd'), documentOf(2, 'alice', ['c']), documentOf(3, 'alice')]
    const { world, documents } = fakeCluster({ documents: others })
    expect((await steps(world, 1, paged())).parts[0]).toMatchObject({ state: 'done', deleted: 1 })
    expect(documents.map(({ id }) => id)).toEqual(['m1', 'm2'])
  })

  test('a limit is of memories deleted: a page ends with it, and lasts as long as it says', async () => {
    const { world, paused } = fakeCluster({ documents: crowd, requestsPerSecond: 10 })
    const record = await steps(world, 2, paged())
    expect(record.parts[0]).toMatchObject({ deleted: 20, tasks: [{ after: '76', isDone: false }] })
    expect(paused).toEqual([1_000, 1_000])
  })

  test('what cannot be removed is tried again from the same place, and three times in a row is a failure', async () => {
    const failure = { index: 'i', id: 'm0', status: 403, type: 'cluster_block_exception', reason: '' }
    let left = 2
    const store = {
      removeMatches: (_: unknown, { length }: { readonly length: number }) =>
        Promise.resolve({ deleted: length - 1, conflicts: 0, retries: 0, failures: left-- > 0 ? [failure] : [] }),
    }
    const { world } = fakeCluster({ documents: crowd, store })
    const again = await steps(world, 2, paged())
    expect(again.parts[0]?.tasks).toMatchObject([{ failures: 2, deleted: 12 }])
    expect(again.parts[0]?.tasks[0]).not.toHaveProperty('after')
    expect((await steps(world, 1, again)).parts[0]?.tasks).toMatchObject([{ failures: 0, after: '24' }])
    left = 3
    expect(await steps(world, 4, paged())).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('could not delete from') as unknown,
    })
  })

  test('pages that were done before the cluster went away count; the next one goes on behind them', async () => {
    const found = fakeCluster({ documents: crowd, requestsPerSecond: 0 })
    let pages = 0
    const store = {
      ...found.store,
      findPage: (order: Parameters<typeof found.store.findPage>[0]) =>
        ++pages === 3 ? Promise.reject(new GatewayError('upstreamUnavailable')) : found.store.findPage(order),
    }
    const troubles: unknown[] = []
    const world = { ...found.world, stores: new Map([['main', store]]) }
    const record = await steps(world, 1, paged(), (error) => troubles.push(error))
    expect(record.parts[0]).toMatchObject({ state: 'running', deleted: 500, tasks: [{ after: '1999' }] })
    expect(troubles).toHaveLength(1)
    expect((await steps(world, 2, record)).parts[0]).toMatchObject({ state: 'done', deleted: 2_251 })
  })

  test('a page that not all of the shard answered is none', async () => {
    const store = { findPage: () => Promise.resolve({ total: 0, matches: [], timedOut: true, failures: [] }) }
    const { world } = fakeCluster({ store })
    expect((await steps(world, 1, paged())).parts[0]).toMatchObject({ state: 'running', tasks: [{ isDone: false }] })
  })

  test('an index that is no more is done', async () => {
    for (const store of [
      { findPage: () => Promise.resolve(undefined) },
      { fields: () => Promise.resolve(undefined) },
    ]) {
      const { world } = fakeCluster({ store })
      expect((await steps(world, 1, paged())).parts[0]).toMatchObject({ state: 'done', deleted: 0 })
    }
  })
})

test('what is found once more at the end has not been erased', async () => {
  const { world } = fakeCluster({ documents: [documentOf(50, 'alice'), documentOf(51, ['alice'])] })
  const record = await steps(world, 1, { ...runningErasure(), state: 'verifying' })
  expect(record).toMatchObject({
    state: 'failed',
    reason: expect.stringMatching(/^1 memories are still there/) as unknown,
  })
})

test('a cluster that is away is waited for; what no waiting mends has failed', () => {
  expect(whyFailed(new GatewayError('upstreamUnavailable'))).toBeUndefined()
  expect(whyFailed(new Error('x'))).toBeUndefined()
  const answered = (status: number) => whyFailed(failureFor(status, { type: 'node_disconnected_exception' }))
  expect([500, 503].map(answered)).toEqual([undefined, undefined])
  expect(answered(400)).toMatch(/does not understand$/)
  expect(whyFailed(new GatewayError('upstreamInvalid', { cause: 'a string was expected' }))).toMatch(/understand$/)
  expect(whyFailed(new GatewayError('unsuitableMapping', { reason: 'map it' }))).toBe('map it')
})
