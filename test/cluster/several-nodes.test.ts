import { once } from 'node:events'
import { connect } from 'node:net'

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import type { Reply } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { startDeafServer } from '../support/deaf-server.ts'
import {
  answerWith,
  anything,
  bulk,
  cutBefore,
  multiGet,
  neverAnswer,
  pass,
  startFaultProxy,
} from '../support/fault-proxy.ts'
import type { Fault, FaultProxy, Match } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { GatewayOverrides, TestGateway } from '../support/gateway.ts'
import { until } from '../support/key-server.ts'
import { testMemories } from '../support/memories.ts'

// Two ways to the one real node: a fault on one of them is what a node in trouble looks like.
const memories = testMemories(plainCluster().url)
const OWN = { memory_container_id: 'c', owner_id: 'alice' }
const ENGINES = ['undici', 'http-proxy-middleware'] as const
const opened: { close(): Promise<void> }[] = []
let ailing: FaultProxy
let sound: FaultProxy

beforeAll(async () => {
  await memories.putContainer('c', { owner: { name: 'alice' } })
})
beforeEach(async () => {
  ailing = opens(await startFaultProxy(plainCluster().url))
  sound = opens(await startFaultProxy(plainCluster().url))
})
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one.close()
})
afterAll(() => memories.removeAll())

function opens<Opened extends { close(): Promise<void> }>(one: Opened): Opened {
  opened.push(one)
  return one
}

async function start(cluster: Partial<GatewayOverrides['cluster']> = {}): Promise<TestGateway> {
  const gateway = await startTestGateway({
    cluster: {
      nodes: [ailing.url, sound.url],
      connectTimeout: '300ms',
      attemptTimeout: '400ms',
      ejection: { failures: 3, backoff: '100ms', maxBackoff: '400ms', checkInterval: '50ms' },
      ...cluster,
    },
    memory: { containerIndex: memories.containerIndex },
    legacy: { types: ['working'] },
    limits: { deadline: '8s' },
  })
  return opens(gateway)
}

async function nodesOf(gateway: TestGateway): Promise<Readonly<Record<string, string>>> {
  const { body } = await call(gateway.opsUrl, { path: '/readyz' })
  const { states } = (body as { checks: { nodes: { states: { node: string; state: string }[] } } }).checks.nodes
  return Object.fromEntries(states.map(({ node, state }) => [node, state]))
}

const isCheck: Match = ({ target }) => target.startsWith('/_cluster/health?local=true')
const isTraffic: Match = (request) => !isCheck(request) && request.target !== '/'

async function remove(gateway: TestGateway, id: string, query = ''): Promise<Reply> {
  await memories.putMemory('working', id, OWN)
  const path = `/_plugins/_ml/memory_containers/c/memories/working/${id}${query}`
  return call(gateway.url, { method: 'DELETE', path, token: await gateway.token() })
}

async function expectBack(gateway: TestGateway): Promise<void> {
  await until(async () => (await nodesOf(gateway))[ailing.url] === 'up')
  ailing.reset()
  // The choice falls on it again.
  for (let round = 0; ailing.requests.filter(isTraffic).length === 0; round++) {
    expect((await remove(gateway, `back-${String(round)}`)).status).toBe(200)
    expect(round).toBeLessThan(20)
  }
}

describe('deletes, with one of two nodes', () => {
  test('that takes requests and never answers: all are made, it gets no more of them, and is back when it is well', async () => {
    const gateway = await start()
    ailing.on(anything, neverAnswer)
    const ids = Array.from({ length: 40 }, (_, number) => `hung-${String(number)}`)
    const statuses = await Promise.all(ids.map(async (id) => (await remove(gateway, id)).status))
    expect(statuses).toEqual(ids.map(() => 200))
    expect(await nodesOf(gateway)).toEqual({ [ailing.url]: 'ejected', [sound.url]: 'up' })
    const before = ailing.requests.filter(isTraffic).length
    for (const id of ['more-1', 'more-2', 'more-3']) expect((await remove(gateway, id)).status).toBe(200)
    expect(ailing.requests.filter(isTraffic)).toHaveLength(before)
    expect((await call(gateway.opsUrl, { path: '/readyz' })).status).toBe(200)
    ailing.reset()
    await expectBack(gateway)
  })

  test('that breaks every connection: all are made', async () => {
    const gateway = await start()
    ailing.on(anything, cutBefore)
    for (let round = 0; round < 8; round++) {
      expect((await remove(gateway, `broken-${String(round)}`)).status).toBe(200)
    }
    await until(async () => (await nodesOf(gateway))[ailing.url] === 'ejected')
  })

  test('that is not available for looks: they go to the other one', async () => {
    const gateway = await start()
    ailing.on(multiGet, answerWith(503, { error: { type: 'x', reason: 'x' }, status: 503 }))
    for (let round = 0; round < 8; round++) {
      expect((await remove(gateway, `looks-${String(round)}`)).status).toBe(200)
    }
    expect(ailing.requests.filter(multiGet).length).toBeGreaterThan(0)
  })

  test('that refuses connections, and comes back', async () => {
    const gateway = await start()
    await ailing.refuse()
    for (let round = 0; round < 8; round++) {
      expect((await remove(gateway, `refused-${String(round)}`)).status).toBe(200)
    }
    expect((await nodesOf(gateway))[ailing.url]).toBe('ejected')
    await ailing.accept()
    await expectBack(gateway)
  })

  test('that loses the answer to an order it has carried out: found out at the other one', async () => {
    const gateway = await start({ nodes: [ailing.url, sound.url] })
    ailing.on(bulk, async ({ ask }) => {
      await ask()
    })
    const replies: Reply[] = []
    for (let round = 0; round < 6 && ailing.requests.filter(bulk).length === 0; round++) {
      replies.push(await remove(gateway, `lost-${String(round)}`))
    }
    expect(replies.every(({ status }) => status === 200)).toBe(true)
    expect(replies.at(-1)?.headers['x-memory-recovered']).toBe('true')
  })

  test('that hangs before it carries an order out: made by the other one', async () => {
    const gateway = await start()
    ailing.on(bulk, neverAnswer)
    for (let round = 0; round < 6 && ailing.requests.filter(bulk).length === 0; round++) {
      const { status, headers } = await remove(gateway, `kept-${String(round)}`)
      expect({ status, recovered: headers['x-memory-recovered'] }).toEqual({ status: 200, recovered: undefined })
      expect(await memories.hasMemory('working', `kept-${String(round)}`)).toBe(false)
    }
    expect(ailing.requests.filter(bulk)).toHaveLength(1)
  })
})

describe('a delete that waits for a refresh', () => {
  test('may take longer than an attempt, from a node that is well', async () => {
    const gateway = await start()
    const slowly: Fault = async (exchange) => {
      // Longer than the attempt timeout, by what the gateway itself does meanwhile: it asks the node twice whether it is well.
      await until(() => [...ailing.requests, ...sound.requests].filter(isCheck).length >= 2)
      await pass(exchange)
    }
    for (const proxy of [ailing, sound]) proxy.on(bulk, slowly)
    const { status, headers } = await remove(gateway, 'waits', '?refresh=wait_for')
    expect({ status, recovered: headers['x-memory-recovered'] }).toEqual({ status: 200, recovered: undefined })
    expect([...ailing.requests, ...sound.requests].filter(bulk)).toHaveLength(1)
  })

  test('does not wait for a node that hangs', async () => {
    const gateway = await start()
    for (const proxy of [ailing, sound]) {
      proxy.on(bulk, () => {
        // From here on this node hangs, with the order in it.
        proxy.on(anything, neverAnswer)
        for (const other of [ailing, sound]) if (other !== proxy) other.reset()
      })
    }
    const { status } = await remove(gateway, 'hangs', '?refresh=wait_for')
    expect(status).toBe(200)
    expect(await memories.hasMemory('working', 'hangs')).toBe(false)
  })
})

describe.each(ENGINES)('pass-through with the engine %s, with one of two nodes', (engine) => {
  const search = async (gateway: TestGateway): Promise<number> => {
    const token = await gateway.token({ scopes: ['opensearch:admin'] })
    return (await call(gateway.url, { path: `/${memories.containerIndex}/_search`, token })).status
  }
  const statusesOf = async (gateway: TestGateway, times: number): Promise<number[]> => {
    const statuses: number[] = []
    for (let time = 0; time < times; time++) statuses.push(await search(gateway))
    return statuses
  }

  test('that refuses connections: nobody notices', async () => {
    const gateway = await start({ passThrough: { engine } })
    await ailing.refuse()
    expect(await statusesOf(gateway, 8)).toEqual(Array.from({ length: 8 }, () => 200))
    expect((await nodesOf(gateway))[ailing.url]).toBe('ejected')
  })

  test('whose packets are dropped: nobody loses a request', async () => {
    const deaf = opens(await startDeafServer())
    const gateway = await start({ passThrough: { engine }, nodes: [deaf.url, sound.url] })
    expect(await Promise.all(Array.from({ length: 8 }, () => search(gateway)))).toEqual(
      Array.from({ length: 8 }, () => 200),
    )
    expect((await nodesOf(gateway))[deaf.url]).toBe('ejected')
  })

  test.each([502, 503, 504])('that answers %d: its answer goes back as it is, three times at most', async (status) => {
    const gateway = await start({ passThrough: { engine } })
    ailing.on(anything, answerWith(status, 'no'))
    const statuses = await statusesOf(gateway, 12)
    expect(statuses.filter((one) => one !== 200 && one !== status)).toEqual([])
    const failed = statuses.filter((one) => one === status).length
    expect(failed).toBeGreaterThan(0)
    expect(failed).toBeLessThanOrEqual(3)
    ailing.reset()
    await expectBack(gateway)
  })

  test('that breaks the connection after it has the request: 502, and nothing is sent again', async () => {
    const gateway = await start({ passThrough: { engine } })
    for (const proxy of [ailing, sound]) proxy.on(({ target }) => target.includes('_doc'), cutBefore)
    const { status } = await call(gateway.url, {
      method: 'PUT',
      path: `/${memories.containerIndex}/_doc/never`,
      token: await gateway.token({ scopes: ['opensearch:admin'] }),
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
    expect(status).toBe(502)
    expect([...ailing.requests, ...sound.requests].filter(({ target }) => target.includes('_doc'))).toHaveLength(1)
  })

  test('that hangs: it gets no more requests, without any delete to find it out', async () => {
    const gateway = await start({ passThrough: { engine } })
    ailing.on(anything, neverAnswer)
    const pending = [search(gateway), search(gateway)]
    await until(async () => (await nodesOf(gateway))[ailing.url] === 'ejected')
    expect(await statusesOf(gateway, 4)).toEqual([200, 200, 200, 200])
    await ailing.refuse()
    expect((await Promise.all(pending)).toSorted()).toEqual([200, 502])
  })

  test('callers who break off uploads eject no node', async () => {
    const gateway = await start({ passThrough: { engine }, nodes: [ailing.url, sound.url] })
    const token = await gateway.token({ scopes: ['opensearch:admin'] })
    for (let round = 0; round < 10; round++) {
      const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1')
      const head = [
        `PUT /${memories.containerIndex}/_doc/half HTTP/1.1`,
        'host: gateway',
        `authorization: Bearer ${token}`,
        'content-type: application/json',
        'content-length: 1000000',
      ]
      const before = ailing.connections() + sound.connections()
      socket.write(`${head.join('\r\n')}\r\n\r\n${'x'.repeat(70_000)}`)
      await until(() => ailing.connections() + sound.connections() > before || round > 1)
      const closed = once(socket, 'close')
      socket.destroy()
      await closed
    }
    expect(await search(gateway)).toBe(200)
    const { body } = await call(gateway.opsUrl, { path: '/readyz' })
    const { states } = (body as { checks: { nodes: { states: { failures: number; state: string }[] } } }).checks.nodes
    expect(states.map(({ failures, state }) => ({ failures, state }))).toEqual([
      { failures: 0, state: 'up' },
      { failures: 0, state: 'up' },
    ])
  })
})

test('the same node twice in the file is an error', async () => {
  await expect(start({ nodes: [sound.url, sound.url] })).rejects.toThrow('names a node twice')
})
