import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { decodeJwt } from 'jose'

import { createReceiptKey } from '../../src/auth/receipt-keys.ts'
import { plainCluster } from '../support/clusters.ts'
import { erasuresAt, openErasureWorld, putAll } from '../support/erasure-world.ts'
import type { ErasureWorld } from '../support/erasure-world.ts'
import { openGatewayProcesses } from '../support/gateway-process.ts'
import type { GatewayProcess, GatewayProcesses } from '../support/gateway-process.ts'
import { until } from '../support/until.ts'

// More memories than can be named to a task of the cluster only look like the person's: a list that holds nothing but the name is, in an index, the name.

const ALIKE = 10_010
const HERS = 1_600

const folder = mkdtempSync(join(tmpdir(), 'memory-gateway-alike-'))
let world: ErasureWorld
let processes: GatewayProcesses

beforeAll(async () => {
  await createReceiptKey(join(folder, 'key.json'))
  world = await openErasureWorld()
  processes = await openGatewayProcesses()
})
afterEach(() => processes.killAll())
afterAll(async () => {
  await processes.close()
  await world.removeAll()
  rmSync(folder, { recursive: true, force: true })
})

const start = (requestsPerSecond: number): Promise<GatewayProcess> =>
  processes.start({
    clusters: { main: { nodes: [plainCluster().url], service: { kind: 'none' } } },
    ...world.settings,
    erasures: { ...world.settings.erasures, requestsPerSecond },
    receipts: { mode: 'on', keys: [`file:${join(folder, 'key.json')}`] },
  })

/** The person's and those that look like them, one among the others, and one that is routed to a shard of its own. */
async function plant(name: string): Promise<void> {
  const index = world.indexOf('working')
  await putAll(
    Array.from({ length: ALIKE + HERS }, (_, number) => {
      const isTheirs = number % 7 === 0 && number < 7 * HERS
      const owner = isTheirs ? name : [name]
      const source = { memory_container_id: number % 70 === 0 ? 'd' : 'c', owner_id: owner, of: name, isTheirs }
      return [index, `${name}-${String(number)}`, source] as const
    }),
  )
  await world.ask('PUT', `/${index}/_doc/${name}-routed?routing=x&refresh=true`, {
    ...{ memory_container_id: 'c', owner_id: name, of: name, isTheirs: true },
  })
}

async function countOf(name: string, isTheirs: boolean): Promise<number> {
  const index = world.indexOf('working')
  await world.ask('POST', `/${index}/_refresh`)
  const query = { bool: { filter: [{ match_phrase: { of: name } }, { term: { isTheirs } }] } }
  const { body } = await world.ask('POST', `/${index}/_count`, { query })
  return (body as { count: number }).count
}

/** As it is kept. */
async function parts(id: string) {
  const { body } = await world.ask('GET', `/${world.settings.erasures.index}/_doc/${id}`)
  const { record } = (body as { _source: { record: { parts: { stay?: unknown; tasks: object[] }[] } } })._source
  return record.parts
}

test('more than 10,000 look-alikes in an index: all of the person’s memories go, and every look-alike stays', async () => {
  await plant('alice')
  const ops = erasuresAt((await start(0)).opsUrl)
  const planned = await ops.plan({ subject: 'alice' })
  expect(planned.parts.map(({ container, total }) => [container, total])).toEqual([
    ['c', HERS + 1 - HERS / 10],
    ['d', HERS / 10],
  ])
  await ops.apply(planned.id, planned.hash)
  const done = await ops.ended(planned.id)
  expect(done).toMatchObject({ state: 'done', total: HERS + 1, deleted: HERS + 1 })
  expect([await countOf('alice', true), await countOf('alice', false)]).toEqual([0, ALIKE])
  expect(decodeJwt(done.receipt ?? '')).toMatchObject({ deleted: HERS + 1, left: 0 })
  for (const { stay, tasks } of await parts(planned.id)) {
    expect([stay, tasks.filter((one) => 'task' in one)]).toEqual([undefined, []])
  }
}, 60_000)

// Each takes some ten seconds.
const long = process.env['TEST_LONG'] === '1' ? test : test.skip

long(
  'an erasure by pages whose gateway is killed midway is taken up by another, where it stood, and ends with a true receipt',
  async () => {
    await plant('bert')
    const [first, second] = await Promise.all([start(100), start(100)])
    const planned = await erasuresAt(first.opsUrl).plan({ subject: 'bert' })
    await erasuresAt(first.opsUrl).apply(planned.id, planned.hash)
    await until(async () => (await erasuresAt(second.opsUrl).read(planned.id)).deleted > 300)
    first.child.kill('SIGKILL')
    await first.ended
    const [left, before] = [await countOf('bert', true), await parts(planned.id)]
    expect(left).toBeGreaterThan(0)
    expect(before.some(({ tasks }) => tasks.some((one) => 'after' in one))).toBe(true)

    let done = await erasuresAt(second.opsUrl).read(planned.id)
    await until(async () => (done = await erasuresAt(second.opsUrl).read(planned.id)).state === 'done', 60_000)
    expect(done).toMatchObject({ total: HERS + 1, deleted: HERS + 1 })
    await until(() => second.printed().includes('an erasure that had lost its gateway goes on here'))
    expect([await countOf('bert', true), await countOf('bert', false)]).toEqual([0, ALIKE])
    expect(decodeJwt(done.receipt ?? '')).toMatchObject({ erasure_id: planned.id, deleted: HERS + 1, left: 0 })
  },
  120_000,
)

long(
  'one that is cancelled midway keeps what is left, and its count is right',
  async () => {
    await plant('cora')
    const ops = erasuresAt((await start(100)).opsUrl)
    const planned = await ops.plan({ subject: 'cora' })
    const asked = performance.now()
    await ops.apply(planned.id, planned.hash)
    await until(async () => (await ops.read(planned.id)).deleted > 300)
    await ops.cancel(planned.id)
    const ended = await ops.ended(planned.id)
    const tookSeconds = (performance.now() - asked) / 1_000
    expect(ended.state).toBe('cancelled')
    expect(await countOf('cora', true)).toBe(HERS + 1 - ended.deleted)
    expect(await countOf('cora', false)).toBe(ALIKE)
    // Two shards of two containers, each of them with a page that has just begun.
    expect(ended.deleted).toBeLessThanOrEqual(4 * 100 * (tookSeconds + 1))
    expect(await ops.plan({ subject: 'cora' })).toMatchObject({ total: HERS + 1 - ended.deleted })
  },
  60_000,
)
