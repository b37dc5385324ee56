import { once } from 'node:events'
import { connect } from 'node:net'

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import type { Reply } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { deleteIn, DIALECTS, errorBody, pathOf } from '../support/dialects.ts'
import { explain } from '../support/explain.ts'
import { bulk, multiGet, startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { GatewayOverrides, TestGateway } from '../support/gateway.ts'
import { until } from '../support/key-server.ts'
import { testMemories } from '../support/memories.ts'
import { sharedServerNames, startSharedServer } from '../support/shared-servers.ts'
import type { SharedServer } from '../support/shared-servers.ts'

const memories = testMemories(plainCluster().url)
const OWN = { memory_container_id: 'c', owner_id: 'alice' }
const opened: TestGateway[] = []
let proxy: FaultProxy

beforeAll(async () => {
  proxy = await startFaultProxy(plainCluster().url)
  await memories.putContainer('c')
})
afterEach(async () => {
  proxy.reset()
  for (const gateway of opened.splice(0)) await gateway.close()
})
afterAll(async () => {
  await proxy.close()
  await memories.removeAll()
})

async function start(
  limits: GatewayOverrides['limits'],
  overrides: Partial<GatewayOverrides> = {},
): Promise<TestGateway> {
  const gateway = await startTestGateway({
    cluster: { nodes: [proxy.url] },
    memory: { containerIndex: memories.containerIndex },
    legacy: { types: ['working'], container: 'c' },
    limits,
    ...overrides,
  })
  opened.push(gateway)
  return gateway
}

const remove = (gateway: TestGateway, id: string, token?: string): Promise<Reply> =>
  deleteIn('opensearch', gateway, { container: 'c', type: 'working', id, ...(token === undefined ? {} : { token }) })

const removeMany = (gateway: TestGateway, memoryIds: readonly string[], token: string): Promise<Reply> =>
  call(gateway.url, {
    method: 'POST',
    path: '/api/memories/bulk-delete',
    token,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ memoryIds }),
  })

describe('requests under way', () => {
  test('beyond the limit are refused at once, in the caller’s dialect, whoever they are', async () => {
    const gateway = await start({ inFlight: 2 })
    const held = proxy.hold(multiGet)
    const waiting = ['a', 'b'].map((id) => remove(gateway, id))
    await held.arrived
    await until(async () => (await remove(gateway, 'probe', 'no-token')).status === 503)
    const reason = 'The gateway has too many requests under way; try again later'
    for (const dialect of DIALECTS) {
      const token = 'not-even-a-token'
      const { status, headers, body } = await deleteIn(dialect, gateway, {
        container: 'c',
        type: 'working',
        id: 'x',
        token,
      })
      expect({ status, body }).toEqual({
        status: 503,
        body: errorBody(dialect, 503, { type: 'service_unavailable_exception', reason }),
      })
      expect(headers['retry-after']).toBe('1')
    }
    held.release()
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([404, 404])
    expect((await remove(gateway, 'c')).status).toBe(404)
  })
})

describe('headers', () => {
  test('headers that are too large are refused', async () => {
    const gateway = await start({ headerBytes: 2_048 })
    const { status } = await call(gateway.url, { path: '/', headers: { 'x-long': 'x'.repeat(3_000) } })
    expect(status).toBe(431)
  })
})

describe('bodies', () => {
  test.each<[string, Partial<GatewayOverrides>, string, string, number]>([
    [
      'a delete by query beyond limits.queryBytes',
      { limits: { queryBytes: 1_024 } },
      '/_plugins/_ml/memory_containers/c/memories/working/_delete_by_query',
      JSON.stringify({ query: { term: { owner_id: 'x'.repeat(1_024) } } }),
      413,
    ],
    [
      'a bulk delete beyond legacy.bulk.maxBytes',
      { legacy: { container: 'c', bulk: { maxBytes: 1_024 } } },
      '/api/memories/bulk-delete',
      JSON.stringify({ memoryIds: ['x'.repeat(400), 'y'.repeat(400), 'z'.repeat(400)] }),
      413,
    ],
    [
      'a bulk delete of more than legacy.bulk.maxIds',
      { legacy: { container: 'c', bulk: { maxIds: 2 } } },
      '/api/memories/bulk-delete',
      JSON.stringify({ memoryIds: ['a', 'b', 'c'] }),
      400,
    ],
  ])('%s is refused, and the cluster hears nothing of it', async (_, overrides, path, body, status) => {
    const gateway = await start({}, overrides)
    const headers = { 'content-type': 'application/json' }
    const answer = await call(gateway.url, { method: 'POST', path, token: await gateway.token(), headers, body })
    expect(answer.status).toBe(status)
    expect(proxy.requests.filter((seen) => multiGet(seen) || bulk(seen))).toEqual([])
  })
})

describe('bodies that are passed through', () => {
  test.each(['told by its length', 'counted'])('one beyond limits.bodyBytes, %s, is refused', async (how) => {
    const gateway = await start({ bodyBytes: 1_000 })
    const token = await gateway.token({ scopes: ['opensearch:admin'] })
    const framing: Record<string, string> = how === 'counted' ? { 'transfer-encoding': 'chunked' } : {}
    const headers = { 'content-type': 'application/json', ...framing }
    const send = (length: number): Promise<Reply> =>
      call(gateway.url, {
        method: 'PUT',
        path: '/_cluster/settings',
        token,
        headers,
        body: `{}${' '.repeat(length - 2)}`,
      })
    const { status, body } = await send(1_001)
    expect({ status, body }).toEqual({
      status: 413,
      body: errorBody('opensearch', 413, {
        type: 'content_too_long_exception',
        reason: 'The request body is too large',
      }),
    })
    // Within it, the cluster says what it thinks of nothing to analyse.
    expect((await send(1_000)).status).toBe(400)
  })
})

describe('requests that come too slowly', () => {
  test('are ended: what is not there in time gets 408, however it trickles, and its connection is closed', async () => {
    const gateway = await start({ headersTimeout: '300ms', requestTimeout: '600ms' })
    const { hostname: host, port } = new URL(gateway.url)
    const token = await gateway.token({ scopes: ['opensearch:admin', 'memory:delete'] })
    const post = (path: string): string =>
      `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n`
    const slow = {
      'no request at all': ['', ''],
      'headers without an end': ['GET / HTTP/1.1\r\nhost: x\r\n', ''],
      'headers that trickle': ['GET / HTTP/1.1\r\nhost: x\r\n', 'x-more: 1\r\n'],
      'a body that trickles through': [post('/_bulk'), ' '],
      'a body that trickles to ourselves': [post('/api/memories/bulk-delete'), ' '],
    }
    const ended = Object.entries(slow).map(async ([what, [begin = '', more = '']]) => {
      const socket = connect(Number(port), host)
      socket.on('error', () => undefined).setEncoding('utf8')
      let heard = ''
      socket.on('data', (text: string) => (heard += text))
      socket.write(begin)
      const trickle = setInterval(() => socket.write(more), 50)
      await once(socket, 'close').finally(() => clearInterval(trickle))
      return [what, heard.split('\r\n')[0]]
    })
    expect(await Promise.all(ended)).toEqual(Object.keys(slow).map((what) => [what, 'HTTP/1.1 408 Request Timeout']))
    expect(proxy.requests.filter(bulk)).toEqual([])
    expect((await call(gateway.url, { path: '/' })).status).toBe(401)
  })
})

describe('connections', () => {
  test('beyond the limit are closed, and the others served', async () => {
    const gateway = await start({ connections: 2 })
    const { hostname: host, port } = new URL(gateway.url)
    const sockets = [1, 2].map(() => connect(Number(port), host))
    try {
      await Promise.all(sockets.map((socket) => once(socket, 'connect')))
      const third = connect(Number(port), host)
      third.on('error', () => undefined).resume()
      await once(third, 'close')
      for (const socket of sockets) {
        socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
        const [answer] = (await once(socket, 'data')) as [Buffer]
        expect(answer.toString()).toMatch(/^HTTP\/1\.1 401 /)
      }
    } finally {
      for (const socket of sockets) socket.destroy()
    }
    await until(async () => (await call(gateway.url, { path: '/' }).catch(() => undefined))?.status === 401)
  })
})

const ALONE = 'each gateway by itself'

describe.each([ALONE, ...sharedServerNames()] as const)('deletes of a subject, counted by %s', (how) => {
  let redis: SharedServer | undefined
  beforeAll(async () => {
    redis = how === ALONE ? undefined : await startSharedServer(how)
  })
  afterAll(async () => {
    await redis?.close()
  })
  const isTogether = (): boolean => redis !== undefined
  /** Two gateways: the second is the first where each counts by itself. */
  async function startTwo(limits: GatewayOverrides['limits']): Promise<readonly [TestGateway, TestGateway]> {
    const one = async (): Promise<TestGateway> => {
      const gateway = await start(limits, redis === undefined ? {} : { sharedState: { url: redis.url } })
      const isUp = async (): Promise<boolean> =>
        (await call(gateway.opsUrl, { path: '/readyz' })).text.includes('"sharedState":{"ok":true,"reachable":true}')
      if (redis !== undefined) await until(isUp)
      return gateway
    }
    const first = await one()
    return [first, isTogether() ? await one() : first]
  }

  test('are refused beyond so many a minute, with the time to come back', async () => {
    const [first, second] = await startTwo({ deletes: { perMinute: 3 } })
    const at = (gateway: TestGateway): Promise<string> => gateway.token({ subject: `rated-${how}` })
    for (const gateway of [first, second, first])
      expect((await remove(gateway, 'x', await at(gateway))).status).toBe(404)
    const reason = 'More than 3 deletes a minute by one subject; try again later'
    const path = pathOf('opensearch', 'c', 'working', 'x')
    expect(await explain(second, { method: 'DELETE', path, token: await at(second) })).toMatchObject({
      decision: 'refused',
      by: 'quota',
      answer: { status: 429, reason },
    })
    const fresh = await second.token({ subject: `fresh-${how}` })
    expect((await explain(second, { method: 'DELETE', path, token: fresh })).quota).toEqual([
      { limit: 'perMinute', of: 3, left: 3 },
    ])
    for (const dialect of DIALECTS) {
      const call = { container: 'c', type: 'working', id: 'x', token: await at(second) } as const
      const { status, headers, body } = await deleteIn(dialect, second, call)
      expect({ status, body }).toEqual({
        status: 429,
        body: errorBody(dialect, 429, { type: 'rejected_execution_exception', reason, legacy: 'Too many requests' }),
      })
      expect(Number(headers['retry-after'])).toBeGreaterThan(0)
      expect(Number(headers['retry-after'])).toBeLessThanOrEqual(60)
    }
    // Others are not concerned.
    expect((await remove(second, 'x', await second.token({ subject: `other-${how}` }))).status).toBe(404)
  })

  test('are as many as a bulk delete names; one that is too large takes nothing', async () => {
    const [first] = await startTwo({ deletes: { perMinute: 3 } })
    const token = await first.token({ subject: `bulk-${how}` })
    expect((await removeMany(first, ['1', '2', '3', '4'], token)).status).toBe(429)
    expect((await removeMany(first, ['1', '2', '3'], token)).status).toBe(200)
    expect((await remove(first, 'x', token)).status).toBe(429)
  })

  test('are as many as a query finds', async () => {
    const [first] = await startTwo({ deletes: { perMinute: 3 } })
    const token = await first.token({ subject: `query-${how}` })
    const run = (name: string): Promise<Reply> =>
      call(first.url, {
        method: 'POST',
        path: '/_plugins/_ml/memory_containers/c/memories/sessions/_delete_by_query',
        token,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: { term: { batch: name } } }),
      })
    const keyword = { type: 'keyword' }
    const properties = { memory_container_id: keyword, owner_id: keyword, batch: keyword }
    await memories.ask('PUT', `/${memories.indexOf('sessions')}`, { mappings: { properties } })
    const store = async (batch: string, count: number): Promise<void> => {
      for (let at = 0; at < count; at++) {
        await memories.putMemory('sessions', `${how}-${batch}-${String(at)}`, {
          memory_container_id: 'c',
          owner_id: `query-${how}`,
          batch,
        })
      }
    }
    await store('four', 4)
    await store('two', 2)
    expect((await run('four')).status).toBe(429)
    const { status, body } = await run('two')
    expect({ status, body }).toMatchObject({ status: 200, body: { deleted: 2 } })
    expect(await memories.hasMemory('sessions', `${how}-four-0`)).toBe(true)
  })

  test('need memory:delete:many beyond so many', async () => {
    const [first, second] = await startTwo({ deletes: { manyAfter: 2 } })
    const subject = `many-${how}`
    await memories.putMemory('working', 'stays', OWN)
    expect((await removeMany(first, ['1', '2'], await first.token({ subject }))).status).toBe(200)
    const { status, headers, body } = await remove(second, 'stays', await second.token({ subject }))
    const reason = 'More than 2 deletes a minute need the scope memory:delete:many'
    expect({ status, body }).toEqual({
      status: 403,
      body: errorBody('opensearch', 403, { type: 'security_exception', reason }),
    })
    expect(headers['www-authenticate']).toContain('error="insufficient_scope"')
    expect(headers['www-authenticate']).toContain('scope="memory:delete:many"')
    expect(await memories.hasMemory('working', 'stays')).toBe(true)
    const many = await second.token({ subject, scopes: ['memory:delete', 'memory:delete:many'] })
    expect((await removeMany(second, ['3', '4', '5'], many)).status).toBe(200)
    // It says how many, and gives no right to delete.
    expect(
      (await remove(second, 'stays', await second.token({ subject, scopes: ['memory:delete:many'] }))).status,
    ).toBe(403)
  })
})
