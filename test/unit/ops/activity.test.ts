import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'

import { activityRoute, openActivity } from '../../../src/ops/activity.ts'
import type { Activity } from '../../../src/ops/activity.ts'
import { createMetrics } from '../../../src/ops/metrics.ts'
import type { Metrics } from '../../../src/ops/metrics.ts'

let metrics: Metrics
let activity: Activity
beforeEach(async () => {
  jest.useFakeTimers({ now: Date.parse('2026-11-22T10:00:00.000Z') })
  metrics = createMetrics()
  activity = await openActivity(metrics)
})
afterEach(() => {
  activity.close()
  jest.useRealTimers()
})

const pass = (seconds: number): Promise<void> => jest.advanceTimersByTimeAsync(seconds * 1_000)

function request(route: string, status: number, seconds: number): void {
  metrics.request({ route, dialect: 'opensearch', status, seconds, ownSeconds: 0 })
}

test('what is counted is in the period in which it was counted, and the last period is under way', async () => {
  metrics.delete('deleted', 'working', 3)
  await pass(10)
  metrics.delete('deleted', 'history', 2)
  metrics.delete('denied', 'working', 1)
  await pass(4)
  const { periodSeconds, periods, whole } = await activity.report(1)
  expect(periodSeconds).toBe(10)
  expect(periods.map(({ from, to, deletes }) => [from, to, deletes])).toEqual([
    ['2026-11-22T10:00:00.000Z', '2026-11-22T10:00:10.000Z', { deleted: 3 }],
    ['2026-11-22T10:00:10.000Z', '2026-11-22T10:00:14.000Z', { deleted: 2, denied: 1 }],
  ])
  expect(whole.deletes).toEqual({ deleted: 5, denied: 1 })
})

test('requests for deletes that were not decided on are told apart, and no other requests', async () => {
  request('deleteMemory', 504, 1)
  request('deleteByQuery', 429, 1)
  request('deleteLegacyMemory', 401, 1)
  request('passThrough', 502, 1)
  request('deleteMemory', 404, 1)
  expect((await activity.report(1)).whole.deletes).toEqual({ failed: 1, limited: 1, unauthenticated: 1 })
})

test('latency by kind of work, and batches with how many shared them', async () => {
  for (let turn = 0; turn < 10; turn++) request('deleteMemory', 200, 0.004)
  request('searchMemories', 200, 0.2)
  request('refused', 400, 0.2)
  metrics.batch('main', 'look', 6)
  metrics.batch('eu', 'look', 2)
  metrics.upstream({ cluster: 'main', operation: 'look', seconds: 0.003, result: 'answered' })
  const { latency, batches } = (await activity.report(1)).whole
  expect(latency.delete).toEqual({ count: 10, p50: 0.00375, p95: 0.004875, p99: 0.004975 })
  expect([latency.otherMemory.count, latency.passThrough, latency.clusterLook.count]).toEqual([1, { count: 0 }, 1])
  expect(batches).toEqual({ look: { requests: 2, items: 8 }, remove: { requests: 0, items: 0 } })
})

test('an hour is kept in periods of a minute, which stay where they are, and no more', async () => {
  for (let minute = 0; minute < 130; minute++) {
    metrics.delete('deleted', 'working', minute)
    await pass(60)
  }
  await pass(25)
  const { periods, periodSeconds } = await activity.report(6)
  expect([periodSeconds, periods.length]).toEqual([60, 60])
  const last = periods.at(-1)
  expect([last?.from, last?.to]).toEqual(['2026-11-22T12:10:00.000Z', '2026-11-22T12:10:25.000Z'])
  expect(periods.slice(0, -1).map(({ deletes }) => deletes['deleted'])).toEqual(
    Array.from({ length: 59 }, (_, position) => 71 + position),
  )
  expect((await activity.report(1)).periods).toHaveLength(60)
})

test.each([
  ['', 200],
  ['minutes=60', 200],
  ['minutes=5', 400],
  ['minutes=constructor', 400],
])('GET /activity?%s is answered with %i', async (query, status) => {
  const { answer } = activityRoute(activity)
  expect(await answer({ query: new URLSearchParams(query), params: {}, json: undefined })).toMatchObject({ status })
})
