import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import type { Reply } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { deleteIn, DIALECTS, errorBody } from '../support/dialects.ts'
import { answerWith, bulk, cutAfter, multiGet, neverAnswer, startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy, Match } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { until } from '../support/key-server.ts'
import { testMemories } from '../support/memories.ts'

const memories = testMemories(plainCluster().url)
const index = memories.indexOf('working')
const OWN = { memory_container_id: 'c', owner_id: 'alice' }
const refresh: Match = ({ target }) => target === `/${index}/_refresh`
let proxy: FaultProxy
const opened: TestGateway[] = []

beforeAll(async () => {
  proxy = await startFaultProxy(plainCluster().url)
  await memories.putContainer('c', { owner: { name: 'alice' } })
  // It refreshes when it is told to, and never by itself.
  await memories.ask('PUT', `/${index}`, { settings: { refresh_interval: '-1', number_of_replicas: 0 } })
})
afterEach(async () => {
  proxy.reset()
  for (const gateway of opened.splice(0)) await gateway.close()
})
afterAll(async () => {
  await proxy.close()
  await memories.removeAll()
})

async function start(deadline: string, circuit = { failures: 5, cooldown: '1s' }): Promise<TestGateway> {
  const gateway = await startTestGateway({
    cluster: { nodes: [proxy.url], circuit },
    memory: { containerIndex: memories.containerIndex },
    legacy: { types: ['working'] },
    limits: { deadline },
  })
  opened.push(gateway)
  return gateway
}

const remove = (gateway: TestGateway, id: string, query = ''): Promise<Reply> =>
  deleteIn('opensearch', gateway, { container: 'c', type: 'working', id, query })

async function searchSees(id: string): Promise<boolean> {
  const { body } = await memories.ask('POST', `/${index}/_search`, { query: { ids: { values: [id] } } })
  return (body as { hits: { hits: unknown[] } }).hits.hits.length > 0
}

describe('a recovered delete', () => {
  test.each(['true', 'wait_for'])('with refresh=%s is seen by searches when it is answered', async (value) => {
    const gateway = await start('10s')
    const id = `refreshed-${value}`
    await memories.putMemory('working', id, OWN)
    // The order is carried out, its own refresh is not, and its answer is lost.
    proxy.on(
      bulk,
      async ({ request, cut }) => {
        const headers = { 'content-type': 'application/x-ndjson' }
        await fetch(`${plainCluster().url}/_bulk`, { method: 'POST', headers, body: request.body })
        cut()
      },
      1,
    )
    const { status, headers, body } = await remove(gateway, id, `?refresh=${value}`)
    expect(status).toBe(200)
    expect(headers['x-memory-recovered']).toBe('true')
    expect(body).toMatchObject({ result: 'deleted', forced_refresh: true })
    expect(await searchSees(id)).toBe(false)
  })

  test('that cannot be refreshed is deleted all the same, and does not say that it was', async () => {
    const gateway = await start('10s')
    await memories.putMemory('working', 'unrefreshed', OWN)
    proxy.on(bulk, cutAfter, 1)
    proxy.on(refresh, answerWith(500, 'no'))
    const { status, headers, body } = await remove(gateway, 'unrefreshed', '?refresh=true')
    expect(status).toBe(200)
    expect(headers['x-memory-recovered']).toBe('true')
    expect(body).not.toHaveProperty('forced_refresh')
  })

  test('without refresh refreshes nothing', async () => {
    const gateway = await start('10s')
    await memories.putMemory('working', 'plain', OWN)
    proxy.on(bulk, cutAfter, 1)
    expect((await remove(gateway, 'plain')).headers['x-memory-recovered']).toBe('true')
    expect(proxy.requests.filter(refresh)).toEqual([])
  })
})

test('a delete that did not reach every copy says so, as the cluster does', async () => {
  const gateway = await start('10s')
  await memories.putMemory('working', 'copies', OWN)
  const failures = [{ _index: index, _shard: 0, _node: null, status: 'SERVICE_UNAVAILABLE', primary: false }]
  proxy.on(bulk, async ({ ask, answer }) => {
    const whole = await ask()
    const text = whole.body.toString().replace(/"failed":0/, `"failed":1,"failures":${JSON.stringify(failures)}`)
    const rawHeaders = ['content-type', 'application/json']
    await answer({ status: 200, rawHeaders, body: Buffer.from(text) })
  })
  const { status, body } = await remove(gateway, 'copies')
  expect(status).toBe(200)
  expect(body).toMatchObject({ result: 'deleted', _shards: { failed: 1, failures } })
})

test('a delete that waits for a refresh that never comes delays no delete in another index', async () => {
  const gateway = await start('20s')
  await memories.putMemory('working', 'waits', OWN)
  await memories.putMemory('sessions', 'goes', OWN)
  const waits = remove(gateway, 'waits', '?refresh=wait_for')
  await until(() => proxy.requests.some(bulk))
  const other = { container: 'c', type: 'sessions', id: 'goes', query: '?refresh=wait_for' } as const
  expect((await deleteIn('opensearch', gateway, other)).status).toBe(200)
  await memories.ask('POST', `/${index}/_refresh`)
  expect((await waits).status).toBe(200)
})

describe('a cluster that fails again and again', () => {
  const circuitOf = async (gateway: TestGateway): Promise<unknown> => {
    const { body } = await call(gateway.opsUrl, { path: '/readyz' })
    return (body as { checks: { circuit: unknown } }).checks.circuit
  }

  test('is given a rest: 503 at once, then one request tries, and all is well', async () => {
    const gateway = await start('400ms', { failures: 2, cooldown: '3s' })
    await memories.putMemory('working', 'm', OWN)
    proxy.on(multiGet, neverAnswer)
    expect((await remove(gateway, 'm')).status).toBe(504)
    expect((await remove(gateway, 'm')).status).toBe(504)
    expect(await circuitOf(gateway)).toMatchObject({ ok: false, state: 'open', opened: 1 })

    const asked = proxy.requests.filter(multiGet).length
    const reason = 'The cluster has failed several times in a row and is given a rest; try again later'
    for (const dialect of DIALECTS) {
      const answer = await deleteIn(dialect, gateway, { container: 'c', type: 'working', id: 'm' })
      expect({ status: answer.status, body: answer.body }).toEqual({
        status: 503,
        body: errorBody(dialect, 503, { type: 'service_unavailable_exception', reason }),
      })
      expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1)
    }
    expect(proxy.requests.filter(multiGet)).toHaveLength(asked)

    proxy.reset()
    await until(async () => ((await circuitOf(gateway)) as { state: string }).state === 'half-open')
    expect(await circuitOf(gateway)).toMatchObject({ ok: true })
    expect((await remove(gateway, 'm')).status).toBe(200)
    expect(await circuitOf(gateway)).toMatchObject({ ok: true, state: 'closed', opened: 1, refused: 2 })
  })

  test('does not lose the outcome of a delete that was on its way: unknown', async () => {
    const gateway = await start('5s', { failures: 1, cooldown: '1m' })
    await memories.putMemory('working', 'on-its-way', OWN)
    proxy.on(bulk, cutAfter)
    const { status, body } = await remove(gateway, 'on-its-way')
    expect(status).toBe(504)
    expect(JSON.stringify(body)).toContain('whether the memory was deleted is unknown')
  })
})
