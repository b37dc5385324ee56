import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { decodeJwt } from 'jose'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createReceiptKey } from '../../src/auth/receipt-keys.ts'
import { plainCluster } from '../support/clusters.ts'
import { countIn, erasuresAt, openErasureWorld, putMany } from '../support/erasure-world.ts'
import type { ErasureWorld } from '../support/erasure-world.ts'
import { openGatewayProcesses } from '../support/gateway-process.ts'
import type { GatewayProcesses } from '../support/gateway-process.ts'
import { until } from '../support/until.ts'

// Gateways as processes: one that applies an erasure is killed, another ends it.

const folder = mkdtempSync(join(tmpdir(), 'memory-gateway-taken-up-'))
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

const start = () =>
  processes.start({
    clusters: { main: { nodes: [plainCluster().url], service: { kind: 'none' } } },
    ...world.settings,
    erasures: { ...world.settings.erasures, requestsPerSecond: 8 },
    receipts: { mode: 'on', keys: [`file:${join(folder, 'key.json')}`] },
  })

test('an erasure whose gateway is killed midway is taken up by another, cancelled by neither, and ends with a true receipt', async () => {
  await putMany(world, 'working', 'erin', 24)
  await putMany(world, 'history', 'erin', 3)
  await putMany(world, 'working', 'erin2', 2)
  const [first, second] = await Promise.all([start(), start()])
  const planned = await erasuresAt(first.opsUrl).plan({ subject: 'erin' })
  // Any gateway may be asked.
  expect((await erasuresAt(second.opsUrl).read(planned.id)).hash).toBe(planned.hash)
  expect((await erasuresAt(first.opsUrl).apply(planned.id, planned.hash)).status).toBe(202)
  await until(async () => (await erasuresAt(second.opsUrl).read(planned.id)).deleted > 0)
  first.child.kill('SIGKILL')
  await first.ended
  expect(await countIn(world, 'working')).toBeGreaterThan(2)

  const done = await erasuresAt(second.opsUrl).ended(planned.id)
  expect(done).toMatchObject({ state: 'done', total: 27, deleted: 27 })
  await until(() => second.printed().includes('an erasure that had lost its gateway goes on here'))
  expect([await countIn(world, 'working'), await countIn(world, 'history')]).toEqual([2, 0])
  expect(decodeJwt(done.receipt ?? '')).toMatchObject({ erasure_id: planned.id, deleted: 27, left: 0 })
}, 60_000)

// The same by other means.
const long = process.env['TEST_LONG'] === '1' ? test : test.skip

long(
  'one that is stopped in good order lets go at once: the same gateway goes on after its restart',
  async () => {
    await putMany(world, 'sessions', 'frank', 30)
    const first = await start()
    const planned = await erasuresAt(first.opsUrl).plan({ subject: 'frank' })
    await erasuresAt(first.opsUrl).apply(planned.id, planned.hash)
    await until(async () => (await erasuresAt(first.opsUrl).read(planned.id)).deleted > 0)
    first.child.kill('SIGTERM')
    expect(await first.ended).toEqual({ code: 0 })
    const again = await start()
    expect(await erasuresAt(again.opsUrl).ended(planned.id)).toMatchObject({ state: 'done', deleted: 30 })
    expect(await countIn(world, 'sessions')).toBe(0)
  },
  60_000,
)
