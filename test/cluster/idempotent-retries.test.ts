import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import type { Reply } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { deleteIn, DIALECTS, errorBody, pathOf } from '../support/dialects.ts'
import { answerWith, anything, bulk, multiGet, startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { GatewayOverrides, TestGateway } from '../support/gateway.ts'
import { until } from '../support/key-server.ts'
import { testMemories } from '../support/memories.ts'
import { startRedisServer } from '../support/redis-server.ts'
import type { RedisServer } from '../support/redis-server.ts'

const memories = testMemories(plainCluster().url)
const OWN = { memory_container_id: 'c', owner_id: 'alice' }
const PASSWORD = 'not-a-secret'
let proxy: FaultProxy
let redis: RedisServer

beforeAll(async () => {
  proxy = await startFaultProxy(plainCluster().url)
  redis = await startRedisServer(PASSWORD)
  await memories.putContainer('c', { owner: { name: 'alice' } })
  await memories.putContainer('d', { owner: { name: 'alice' } })
  await memories.putMemory('working', 'bobs', { ...OWN, owner_id: 'bob' })
})
afterEach(() => proxy.reset())
afterAll(async () => {
  await proxy.close()
  await redis.close()
  await memories.removeAll()
})

function start(overrides: Partial<GatewayOverrides> = {}): Promise<TestGateway> {
  return startTestGateway({
    cluster: { nodes: [proxy.url] },
    memory: { containerIndex: memories.containerIndex },
    legacy: { types: ['working'] },
    ...overrides,
  })
}

const shared = (): Partial<GatewayOverrides> => ({ sharedState: { url: redis.url, password: PASSWORD } })

describe.each([
  ['in memory', () => ({})],
  ['in a server that gateways share', shared],
])('answers that are kept %s', (where, overridesOf) => {
  const isShared = where !== 'in memory'
  let gateway: TestGateway
  /** The next gateway that a balancer chooses, where they share; else the same one. */
  let other: TestGateway
  beforeAll(async () => {
    gateway = await start(overridesOf())
    other = isShared ? await start(overridesOf()) : gateway
    if (!isShared) return
    for (const one of [gateway, other])
      await until(async () =>
        (await call(one.opsUrl, { path: '/readyz' })).text.includes('"sharedState":{"ok":true,"reachable":true}'),
      )
  })
  afterAll(async () => {
    await gateway.close()
    if (other !== gateway) await other.close()
  })

  const key = (name: string): Readonly<Record<string, string>> => ({ 'idempotency-key': `${where}-${name}` })
  // Tokens differ; who they are for does not.
  const tokenOf = (subject = 'alice', container = 'c', scopes = ['memory:delete'], at = other): Promise<string> =>
    at.token({ subject, scopes, extra: { memory_container: container } })

  describe.each(DIALECTS)('in the dialect %s', (dialect) => {
    const id = (what: string): string => `${isShared ? 's' : 'm'}-${dialect.toLowerCase()}-${what}`
    const remove = async (
      memory: string,
      headers: Readonly<Record<string, string>>,
      through = gateway,
    ): Promise<Reply> =>
      deleteIn(dialect, through, {
        container: 'c',
        type: 'working',
        id: memory,
        headers,
        token: await through.token({ extra: { memory_container: 'c' } }),
      })

    test('are given again to who asks the same again: one delete, the same answer', async () => {
      await memories.putMemory('working', id('again'), OWN)
      const first = await remove(id('again'), key(id('again')))
      expect(first.status).toBe(200)
      expect(first.headers['idempotent-replayed']).toBeUndefined()
      await memories.putMemory('working', id('again'), { ...OWN, text: 'stored anew' })
      const second = await remove(id('again'), { 'idempotency-key': `"${where}-${id('again')}"` }, other)
      expect({ status: second.status, text: second.text }).toEqual({ status: 200, text: first.text })
      expect(second.headers['idempotent-replayed']).toBe('true')
      expect(second.headers['x-request-id']).not.toBe(first.headers['x-request-id'])
      expect(await memories.hasMemory('working', id('again'))).toBe(true)
      // Without the key it is a request of its own.
      expect((await remove(id('again'), {})).status).toBe(200)
      expect(await memories.hasMemory('working', id('again'))).toBe(false)
    })

    test('are refusals too: not found stays not found, and forbidden forbidden', async () => {
      expect((await remove(id('later'), key(id('later')))).status).toBe(404)
      await memories.putMemory('working', id('later'), OWN)
      const again = await remove(id('later'), key(id('later')), other)
      expect([again.status, again.headers['idempotent-replayed']]).toEqual([404, 'true'])
      expect((await remove('bobs', key(id('bobs')))).status).toBe(403)
      const forbidden = await remove('bobs', key(id('bobs')), other)
      expect([forbidden.status, forbidden.headers['idempotent-replayed']]).toEqual([403, 'true'])
    })

    test('are not given for another memory: 422', async () => {
      await memories.putMemory('working', id('one'), OWN)
      await memories.putMemory('working', id('two'), OWN)
      expect((await remove(id('one'), key(id('one')))).status).toBe(200)
      const { status, body } = await remove(id('two'), key(id('one')), other)
      const reason = 'This Idempotency-Key was used for another request; use a new one'
      expect({ status, body }).toEqual({
        status: 422,
        body: errorBody(dialect, 422, { type: 'status_exception', reason }),
      })
      expect(await memories.hasMemory('working', id('two'))).toBe(true)
    })

    test('are not given to somebody else', async () => {
      await memories.putMemory('working', id('alices'), OWN)
      expect((await remove(id('alices'), key(id('alices')))).status).toBe(200)
      await memories.putMemory('working', id('alices'), { ...OWN, owner_id: 'carol' })
      const call = { container: 'c', type: 'working', id: id('alices'), headers: key(id('alices')) } as const
      const carols = await deleteIn(dialect, other, {
        ...call,
        token: await tokenOf('carol', 'c', ['memory:delete', 'memory:delete:any']),
      })
      expect([carols.status, carols.headers['idempotent-replayed']]).toEqual([200, undefined])
      const without = await deleteIn(dialect, other, { ...call, token: await tokenOf('alice', 'c', ['memory:read']) })
      expect(without.status).toBe(403)
      expect(without.headers['www-authenticate']).toContain('insufficient_scope')
      expect((await deleteIn(dialect, other, { ...call, token: 'not-a-token' })).status).toBe(401)
    })

    test('are waited for while the first call is under way: 409', async () => {
      await memories.putMemory('working', id('busy'), OWN)
      const held = proxy.hold(bulk)
      const first = remove(id('busy'), key(id('busy')))
      await held.arrived
      const { status, headers, body } = await remove(id('busy'), key(id('busy')), other)
      const reason = 'A request with this Idempotency-Key is still under way; ask again for its answer'
      expect({ status, body }).toEqual({
        status: 409,
        body: errorBody(dialect, 409, { type: 'status_exception', reason }),
      })
      expect(headers['retry-after']).toBe('1')
      held.release()
      expect((await first).status).toBe(200)
      expect((await remove(id('busy'), key(id('busy')), other)).headers['idempotent-replayed']).toBe('true')
    })

    test('are had by who hung up and comes back', async () => {
      await memories.putMemory('working', id('hung-up'), OWN)
      const held = proxy.hold(bulk)
      const leaves = new AbortController()
      const token = await gateway.token({ extra: { memory_container: 'c' } })
      const left = fetch(gateway.url + pathOf(dialect, 'c', 'working', id('hung-up')), {
        method: 'DELETE',
        headers: { authorization: `Bearer ${token}`, ...key(id('hung-up')) },
        signal: leaves.signal,
      })
      await held.arrived
      leaves.abort()
      await expect(left).rejects.toThrow(/abort/)
      held.release()
      let back = await remove(id('hung-up'), key(id('hung-up')), other)
      await until(async () => {
        if (back.status === 409) back = await remove(id('hung-up'), key(id('hung-up')), other)
        return back.status !== 409
      })
      expect([back.status, back.headers['idempotent-replayed']]).toEqual([200, 'true'])
    })

    test('are final ones only: what could not be decided is decided anew', async () => {
      await memories.putMemory('working', id('trouble'), OWN)
      proxy.on(multiGet, answerWith(500, 'no'), 1)
      expect((await remove(id('trouble'), key(id('trouble')))).status).toBe(502)
      const again = await remove(id('trouble'), key(id('trouble')), other)
      expect([again.status, again.headers['idempotent-replayed']]).toEqual([200, undefined])
    })

    test('need a key that is one', async () => {
      const { status, body } = await remove(id('odd'), { 'idempotency-key': '"unclosed' })
      const reason = 'The Idempotency-Key must be printable ASCII, or a string in double quotes'
      expect({ status, body }).toEqual({
        status: 400,
        body: errorBody(dialect, 400, { type: 'illegal_argument_exception', reason }),
      })
    })
  })

  test('are those of a container: a token that means another asks for something else', async () => {
    await memories.putMemory('working', `${where}-cs`, OWN)
    const ask = (token: string): Promise<Reply> =>
      deleteIn('memoryPlugin', other, {
        container: 'c',
        type: 'working',
        id: `${where}-cs`,
        headers: key('cs'),
        token,
      })
    expect((await ask(await tokenOf('alice', 'c'))).status).toBe(200)
    expect((await ask(await tokenOf('alice', 'd'))).status).toBe(422)
  })

  test('are those of bulk deletes too, body and all', async () => {
    const ids = ['b1', 'b2'].map((name) => `${isShared ? 's' : 'm'}-${name}`)
    for (const id of ids) await memories.putMemory('working', id, OWN)
    const ask = async (memoryIds: readonly string[], through = gateway): Promise<Reply> =>
      call(through.url, {
        method: 'POST',
        path: '/api/memories/bulk-delete',
        token: await tokenOf('alice', 'c', ['memory:delete'], through),
        headers: { ...key('bulk'), 'content-type': 'application/json' },
        body: JSON.stringify({ memoryIds }),
      })
    expect((await ask(ids)).body).toEqual({ deleted: 2, failed: 0 })
    const again = await ask(ids, other)
    expect([again.body, again.headers['idempotent-replayed']]).toEqual([{ deleted: 2, failed: 0 }, 'true'])
    expect((await ask(ids.slice(1), other)).status).toBe(422)
  })
})

describe('a shared state that', () => {
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = await start({ sharedState: { url: redis.url, password: PASSWORD, timeout: '200ms' } })
  })
  afterAll(async () => {
    redis.resume()
    await gateway.close()
  })

  const remove = (id: string, headers: Readonly<Record<string, string>> = {}): Promise<Reply> =>
    deleteIn('opensearch', gateway, { container: 'c', type: 'working', id, headers })
  const reason =
    'Whether a request with this Idempotency-Key was made before cannot be told at the moment; try again later'
  const unavailable = {
    status: 503,
    body: errorBody('opensearch', 503, { type: 'service_unavailable_exception', reason }),
  }
  const works = (id: string) => async (): Promise<boolean> =>
    (await remove(id, { 'idempotency-key': `works-${id}` })).status !== 503

  test('is away refuses calls with a key at once, makes all others, and is found again', async () => {
    await until(works('none'))
    await redis.kill()
    await memories.putMemory('working', 'with-key', OWN)
    await memories.putMemory('working', 'without-key', OWN)
    proxy.on(anything, ({ ask, answer }) => ask().then(answer))
    const { status, headers, body } = await remove('with-key', { 'idempotency-key': 'k1' })
    expect({ status, body }).toEqual(unavailable)
    expect(headers['retry-after']).toBe('1')
    expect(await memories.hasMemory('working', 'with-key')).toBe(true)
    expect((await remove('without-key')).status).toBe(200)
    expect((await call(gateway.opsUrl, { path: '/readyz' })).body).toMatchObject({
      status: 'ready',
      checks: { sharedState: { ok: true, reachable: false } },
    })
    await redis.start()
    await until(works('with-key'))
    expect(await memories.hasMemory('working', 'with-key')).toBe(false)
    expect(gateway.logLines.join('')).not.toContain(PASSWORD)
  })

  test('does not answer refuses calls with a key, and leaves the others alone', async () => {
    await until(works('none'))
    await memories.putMemory('working', 'stalled', OWN)
    redis.pause()
    const { status, body } = await remove('stalled', { 'idempotency-key': 'k2' })
    expect({ status, body }).toEqual(unavailable)
    expect((await remove('stalled')).status).toBe(200)
    redis.resume()
  })

  test('is lost while a delete is under way: the answer is true, and not kept', async () => {
    await until(works('none'))
    await memories.putMemory('working', 'lost', OWN)
    const held = proxy.hold(bulk)
    const answer = remove('lost', { 'idempotency-key': 'k3' })
    await held.arrived
    await redis.kill()
    held.release()
    expect((await answer).status).toBe(200)
    expect(gateway.logLines.some((line) => line.includes('answerNotKept'))).toBe(true)
    await redis.start()
    await until(works('none'))
  })
})

test('answers are kept for as long as the configuration says, and no more of them', async () => {
  const gateway = await start({ idempotency: { keepFor: '10m', maxAnswers: 2 } })
  try {
    for (const id of ['e1', 'e2', 'e3']) await memories.putMemory('working', id, OWN)
    const ask = (id: string): Promise<Reply> =>
      deleteIn('opensearch', gateway, { container: 'c', type: 'working', id, headers: { 'idempotency-key': id } })
    for (const id of ['e1', 'e2', 'e3']) expect((await ask(id)).status).toBe(200)
    expect((await ask('e3')).headers['idempotent-replayed']).toBe('true')
    const forgotten = await ask('e1')
    expect([forgotten.status, forgotten.headers['idempotent-replayed']]).toEqual([404, undefined])
  } finally {
    await gateway.close()
  }
})
