import { afterAll, beforeAll, expect, test } from '@jest/globals'

import { plainCluster } from '../support/clusters.ts'
import { erasuresAt, openErasureWorld, putMany } from '../support/erasure-world.ts'
import type { ErasureWorld } from '../support/erasure-world.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { until } from '../support/until.ts'

let world: ErasureWorld
let gateway: TestGateway

beforeAll(async () => {
  world = await openErasureWorld()
  gateway = await startTestGateway({ cluster: { nodes: [plainCluster().url] }, ...world.settings })
})
afterAll(async () => {
  await gateway.close()
  await world.removeAll()
})

test('what was put into the index of erasures and is none is left alone, and said; the others go on', async () => {
  const { index } = world.settings.erasures
  const ops = erasuresAt(gateway.opsUrl)
  await putMany(world, 'working', 'alice', 3)
  const planned = await ops.plan({ subject: 'alice' })
  const { body } = await world.ask('GET', `/${index}/_doc/${planned.id}`)
  const { createdAt, record } = (body as { _source: { createdAt: string; record: { parts: object[] } } })._source
  const elsewhere = record.parts.map((part) => ({ ...part, index: '*', state: 'running' }))
  const odd = { ...record, id: 'odd', state: 'running', driver: '', parts: elsewhere }
  await world.ask('PUT', `/${index}/_doc/odd?refresh=true`, { createdAt, record: odd })
  await world.ask('PUT', `/${index}/_doc/renamed?refresh=true`, { createdAt, record })
  await until(() => gateway.logLines.filter((line) => line.includes('is left alone')).length === 2)

  const why = 'parts.0.index: must be the index of a memory container'
  const { erasures, unreadable } = (await ops.ask('GET', '')).body as {
    erasures: { id: string }[]
    unreadable: { id: string }[]
  }
  expect(erasures.map(({ id }) => id)).toEqual([planned.id])
  expect(unreadable.toSorted((one, other) => (one.id < other.id ? -1 : 1))).toEqual([
    { id: 'odd', reason: why },
    { id: 'renamed', reason: 'id: must be that of the document' },
  ])
  for (const [method, path, sent] of [
    ['GET', '/odd', undefined],
    ['POST', '/odd/apply', { hash: planned.hash }],
    ['POST', '/odd/cancel', {}],
  ] as const) {
    const { status, text } = await ops.ask(method, path, sent)
    expect([method, path, status, text]).toEqual([method, path, 502, expect.stringContaining(why)])
  }
  expect((await ops.plan({ subject: 'alice' })).total).toBe(3)
  await ops.apply(planned.id, planned.hash)
  expect(await ops.ended(planned.id)).toMatchObject({ state: 'done', deleted: 3 })
})
