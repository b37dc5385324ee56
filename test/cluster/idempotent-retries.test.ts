import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import type { Reply } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { deleteIn, DIALECTS, errorBody, pathOf } from '../support/dialects.ts'
import { explain } from '../support/explain.ts'
import { answerWith, anything, bulk, cutAfter, multiGet, startFaultProxy } from '../support/fault-proxy.ts'
import type { Fault, FaultProxy } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { GatewayOverrides, TestGateway } from '../support/gateway.ts'
import { until } from '../support/key-server.ts'
import { testMemories } from '../support/memories.ts'
import { sharedServerNames, startSharedServer } from '../support/shared-servers.ts'
import type { SharedServer } from '../support/shared-servers.ts'

const memories = testMemories(plainCluster().url)
const OWN = { memory_container_id: 'c', owner_id: 'alice' }
const PASSWORD = 'not-a-secret'
let proxy: FaultProxy

beforeAll(async () => {
  proxy = await startFaultProxy(plainCluster().url)
  await memories.putContainer('c', { owner: { name: 'alice' } })
  await memories.putContainer('d', { owner: { name: 'alice' } })
  await memories.putMemory('working', 'bobs', { ...OWN, owner_id: 'bob' })
})
afterEach(() => proxy.reset())
afterAll(async () => {
  await proxy.close()
  await memories.removeAll()
})

/** The delete is done, and nothing that is asked after it is answered. */
const loseItAndStayAway: Fault = (exchange) => {
  proxy.on(anything, answerWith(500, 'no'))
  return cutAfter(exchange)
}

function start(overrides: Partial<GatewayOverrides> = {}): Promise<TestGateway> {
  return startTestGateway({
    cluster: { nodes: [proxy.url] },
    memory: { containerIndex: memories.containerIndex },
    legacy: { types: ['working'] },
    ...overrides,
  })
}

describe.each(['memory', ...sharedServerNames()] as const)('answers that are kept in %s', (where) => {
  const isShared = where !== 'memory'
  let server: SharedServer | undefined
  let gateway: TestGateway
  /** The next gateway that a balancer chooses, where they share; else the same one. */
  let other: TestGateway
  beforeAll(async () => {
    server = isShared ? await startSharedServer(where, { password: PASSWORD }) : undefined
    const overrides = server === undefined ? {} : { sharedState: { url: server.url, password: PASSWORD } }
    gateway = await start(overrides)
    other = isShared ? await start(overrides) : gateway
    if (!isShared) return
    for (const one of [gateway, other])
      await until(async () =>
        (await call(one.opsUrl, { path: '/readyz' })).text.includes('"sharedState":{"ok":true,"reachable":true}'),
      )
  })
  afterAll(async () => {
    await gateway.close()
    if (other !== gateway) await other.close()
    await server?.close()
  })

  const key = (name: string): Readonly<Record<string, string>> => ({ 'idempotency-key': `${where}-${name}` })
  // Tokens differ; who they are for does not.
  const tokenOf = (subject = 'alice', container = 'c', scopes = ['memory:delete'], at = other): Promise<string> =>
    at.token({ subject, scopes, extra: { memory_container: container } })

  describe.each(DIALECTS)('in the dialect %s', (dialect) => {
    const id = (what: string): string => `${where}-${dialect.toLowerCase()}-${what}`
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
      const foreseen = async () =>
        explain(other, {
          method: 'DELETE',
          path: pathOf(dialect, 'c', 'working', id('busy')),
          token: await other.token({ extra: { memory_container: 'c' } }),
          idempotencyKey: `${where}-${id('busy')}`,
        })
      expect(await foreseen()).toMatchObject({ decision: 'refused', by: 'idempotencyKey', answer: { status: 409 } })
      held.release()
      expect((await first).status).toBe(200)
      expect(await foreseen()).toMatchObject({
        decision: 'allowed',
        idempotencyKey: 'replayed',
        answer: { status: 200 },
      })
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

    test('know of a delete whose outcome was unknown: what is gone by then is deleted, not "not found"', async () => {
      await memories.putMemory('working', id('open'), OWN)
      proxy.on(bulk, loseItAndStayAway, 1)
      const unknown = await remove(id('open'), key(id('open')))
      expect(unknown.status).toBe(504)
      expect(unknown.text).toContain('whether the memory was deleted is unknown')
      expect(await memories.hasMemory('working', id('open'))).toBe(false)
      // Not even a try that fails in between makes it forgotten.
      expect((await remove(id('open'), key(id('open')), other)).status).toBe(502)
      proxy.reset()
      const question = { method: 'DELETE', path: pathOf(dialect, 'c', 'working', id('open')) }
      const token = await other.token({ extra: { memory_container: 'c' } })
      const idempotencyKey = `${where}-${id('open')}`
      expect(await explain(other, { ...question, token })).toMatchObject({ decision: 'refused', by: 'memory' })
      expect(await explain(other, { ...question, token, idempotencyKey })).toMatchObject({
        answer: { status: 200 },
        why: expect.stringContaining('the order of an earlier call') as unknown,
      })
      const again = await remove(id('open'), key(id('open')))
      expect([again.status, again.headers['x-memory-recovered']]).toEqual([200, 'true'])
      expect(again.headers['idempotent-replayed']).toBeUndefined()
      const replayed = await remove(id('open'), key(id('open')), other)
      expect([replayed.text, replayed.headers['idempotent-replayed']]).toEqual([again.text, 'true'])
      expect((await remove(id('open'), {})).status).toBe(404)
      expect((await remove(id('another'), key(id('open')))).status).toBe(422)
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
    const ids = ['b1', 'b2'].map((name) => `${where}-${name}`)
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

test('the delete of a container whose outcome was unknown is one that is done, where it is gone', async () => {
  const gateway = await start()
  try {
    await memories.putContainer('open', { owner: { name: 'alice' } })
    const token = await gateway.token({ scopes: ['memory:delete:container'] })
    const path = '/_plugins/_ml/memory_containers/open'
    const erase = (): Promise<Reply> =>
      call(gateway.url, { method: 'DELETE', path, token, headers: { 'idempotency-key': 'container' } })
    proxy.on(bulk, loseItAndStayAway, 1)
    const unknown = await erase()
    expect([unknown.status, unknown.text]).toEqual([
      504,
      expect.stringContaining('whether the container was deleted is unknown'),
    ])
    proxy.reset()
    const again = await erase()
    expect([again.status, again.headers['x-memory-recovered']]).toEqual([200, 'true'])
  } finally {
    await gateway.close()
  }
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
