import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import type { Reply } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { answerWith, cutAfter, cutBefore, startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy, SeenRequest } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'

const { url } = plainCluster()
const memories = testMemories(url)
let proxy: FaultProxy
let gateway: TestGateway

beforeAll(async () => {
  proxy = await startFaultProxy(url)
  gateway = await startTestGateway({
    // The faults of one test are not to open the circuit for the next.
    cluster: { nodes: [proxy.url], circuit: { failures: 1_000 } },
    memory: { containerIndex: memories.containerIndex },
  })
})
beforeEach(async () => {
  await memories.putContainer('mine', { owner: { name: 'alice' }, backend_roles: ['eng'] })
  for (const type of ['sessions', 'working'] as const) await memories.putMemory(type, 'm', { payload_type: 'data' })
})
afterEach(async () => {
  proxy.reset()
  await memories.removeAll()
})
afterAll(async () => {
  await gateway.close()
  await proxy.close()
})

interface Caller {
  readonly subject?: string
  readonly scopes?: readonly string[]
  readonly extra?: Readonly<Record<string, unknown>>
}

async function erase(query = '', caller: Caller = {}, container = 'mine'): Promise<Reply> {
  return call(gateway.url, {
    method: 'DELETE',
    path: `/_plugins/_ml/memory_containers/${container}${query}`,
    token: await gateway.token({ scopes: ['memory:delete:container'], ...caller }),
  })
}

async function what(): Promise<{ container: boolean; sessions: boolean; working: boolean }> {
  const { status } = await memories.ask('GET', `/${memories.containerIndex}/_doc/mine`)
  const there = await Promise.all([memories.hasMemory('sessions', 'm'), memories.hasMemory('working', 'm')])
  return { container: status === 200, sessions: there[0], working: there[1] }
}

const ALL_THERE = { container: true, sessions: true, working: true }
const ALL_GONE = { container: false, sessions: false, working: false }

describe('who may delete a container', () => {
  test.each<[string, Caller, number]>([
    ['not one without the scope', { scopes: ['memory:delete', 'memory:delete:any'] }, 403],
    ['not one who only shares a backend role', { subject: 'carol', extra: { backend_roles: ['eng'] } }, 403],
    ['not somebody with a name like the owner’s', { subject: 'Alice' }, 403],
  ])('%s', async (_, caller, expected) => {
    for (const query of ['', '?delete_all_memories=true', '?delete_memories=working']) {
      expect((await erase(query, caller)).status).toBe(expected)
    }
    expect(await what()).toEqual(ALL_THERE)
  })

  test('one without an owner is nobody’s but theirs who may delete anything', async () => {
    await memories.putContainer('mine')
    const refused = await erase('?delete_all_memories=true')
    expect(refused.body).toMatchObject({ status: 403, error: { reason: 'Only container owner can delete container' } })
    expect(await what()).toEqual(ALL_THERE)
    const scopes = ['memory:delete:container', 'memory:delete:any']
    expect((await erase('?delete_all_memories=true', { scopes })).status).toBe(200)
    expect(await what()).toEqual(ALL_GONE)
  })
})

describe('what goes with it', () => {
  test('nothing, unless it is said', async () => {
    expect((await erase()).body).toMatchObject({ _id: 'mine', result: 'deleted', forced_refresh: true })
    expect(await what()).toEqual({ ...ALL_THERE, container: false })
    expect((await erase()).status).toBe(404)
  })

  test.each([
    ['delete_memories=Sessions,history', { container: false, sessions: false, working: true }],
    ['delete_memories=working,working', { container: false, sessions: true, working: false }],
    ['delete_all_memories=true', ALL_GONE],
    ['delete_all_memories', ALL_GONE],
    ['delete_all_memories=false', { ...ALL_THERE, container: false }],
  ])('%s', async (query, left) => {
    expect((await erase(`?${query}`)).status).toBe(200)
    expect(await what()).toEqual(left)
  })

  test.each([
    ['delete_memories=working,bogus', 'Invalid memory type: bogus'],
    ['delete_memories=*', 'Invalid memory type: *'],
    ['delete_all_memories=yes', 'only [true] or [false]'],
    ['delete_all_memory=true', '-> did you mean'],
    ['index=x', 'unrecognized parameter: [index]'],
  ])('400: %s', async (query, reason) => {
    const { status, text } = await erase(`?${query}`)
    expect({ status, says: text.includes(reason) }).toEqual({ status: 400, says: true })
    expect(await what()).toEqual(ALL_THERE)
  })
})

describe('indices that another container uses', () => {
  const other = (configuration: Readonly<Record<string, unknown>>): Promise<void> =>
    memories.putContainer('other', { owner: { name: 'bob' }, configuration })

  test('are left, and so is the container', async () => {
    await other({ disable_session: true, disable_history: true })
    for (const query of ['?delete_all_memories=true', '?delete_memories=sessions']) {
      const { status, text } = await erase(query)
      expect(status).toBe(409)
      expect(text).toContain(`multiple containers share the index prefix '${memories.prefix}'`)
    }
    expect(await what()).toEqual(ALL_THERE)
    expect((await erase()).status).toBe(200)
  })

  test('by name, whatever the prefix', async () => {
    const system = { index_prefix: memories.prefix, use_system_index: true }
    await memories.putContainer('mine', { owner: { name: 'alice' }, configuration: system })
    await other({ index_prefix: `.plugins-ml-am-${memories.prefix}`, use_system_index: false })
    expect((await erase('?delete_all_memories=true')).status).toBe(409)
  })

  test('also by one whose configuration is only half understood', async () => {
    await other({ use_system_index: true, remote_store: { endpoint: 'x' } })
    expect((await erase('?delete_all_memories=true')).status).toBe(409)
    await memories.putContainer('other', { configuration: { index_prefix: null } })
    expect((await erase('?delete_all_memories=true')).status).toBe(502)
    expect(await what()).toEqual(ALL_THERE)
  })

  test('look-alikes share nothing', async () => {
    await other({ index_prefix: `${memories.prefix}-a` })
    await memories.putContainer('third', { configuration: { index_prefix: memories.prefix.slice(0, -1) } })
    await memories.putContainer('fourth', { configuration: { index_prefix: memories.prefix, use_system_index: true } })
    await memories.putContainer('fifth', { configuration: { index_prefix: '*' } })
    expect((await erase('?delete_all_memories=true')).status).toBe(200)
    expect(await what()).toEqual(ALL_GONE)
  })

  test('one that comes while the indices go keeps what is left', async () => {
    const isDelete = ({ method, target }: SeenRequest): boolean =>
      method === 'DELETE' && target.includes('-memory-sessions')
    proxy.on(
      isDelete,
      async ({ ask, answer }) => {
        const done = await ask()
        await other({})
        await answer(done)
      },
      1,
    )
    expect((await erase('?delete_all_memories=true')).status).toBe(409)
    expect(await what()).toEqual({ container: true, sessions: false, working: true })
  })

  test('a search that does not show them all stops everything', async () => {
    const nothing = {
      _scroll_id: 'x',
      timed_out: false,
      _shards: { failed: 0 },
      hits: { total: { value: 0 }, hits: [] },
    }
    const isScan = ({ target }: SeenRequest): boolean => target.includes('/_search?scroll')
    proxy.on(isScan, answerWith(200, nothing), 1)
    expect((await erase('?delete_all_memories=true')).status).toBe(502)
    proxy.on(isScan, answerWith(200, { ...nothing, _shards: { failed: 1 } }), 1)
    expect((await erase('?delete_all_memories=true')).status).toBe(502)
    expect(await what()).toEqual(ALL_THERE)
  })
})

test('an index name that is a pattern is never sent', async () => {
  await memories.putContainer('mine', { owner: { name: 'alice' }, configuration: { index_prefix: '*' } })
  expect((await erase('?delete_all_memories=true')).status).toBe(502)
  expect(proxy.requests.filter(({ method }) => method === 'DELETE')).toEqual([])
  expect(await what()).toEqual(ALL_THERE)
})

describe('what fails halfway can be repeated', () => {
  const isDelete = ({ method }: SeenRequest): boolean => method === 'DELETE'
  const isLast = ({ target }: SeenRequest): boolean => target.startsWith('/_bulk')

  test.each([
    ['the second index cannot be deleted', 2],
    ['nor the first one', 1],
  ])('%s', async (_, after) => {
    let seen = 0
    proxy.on(({ method, target }) => method === 'DELETE' && target.includes('-memory-') && ++seen >= after, cutBefore)
    expect((await erase('?delete_all_memories=true')).status).toBe(502)
    expect((await what()).container).toBe(true)
    proxy.reset()
    expect((await erase('?delete_all_memories=true')).status).toBe(200)
    expect(await what()).toEqual(ALL_GONE)
  })

  test('the answer to the delete of an index is lost', async () => {
    proxy.on((seen) => isDelete(seen) && seen.target.includes('-memory-'), cutAfter, 1)
    expect((await erase('?delete_all_memories=true')).status).toBe(502)
    proxy.reset()
    expect((await erase('?delete_all_memories=true')).status).toBe(200)
    expect(await what()).toEqual(ALL_GONE)
  })

  test('the answer to the delete of the document is lost: it is looked up', async () => {
    proxy.on(isLast, cutAfter, 1)
    const { status, headers, body } = await erase('?delete_all_memories=true')
    expect({ status, recovered: headers['x-memory-recovered'], ...(body as object) }).toMatchObject({
      status: 200,
      recovered: 'true',
      _index: memories.containerIndex,
      result: 'deleted',
      _seq_no: -2,
    })
    expect(await what()).toEqual(ALL_GONE)
  })

  test('a container that changes hands meanwhile is not deleted', async () => {
    proxy.on(
      isLast,
      async ({ ask, answer }) => {
        await memories.putContainer('mine', { owner: { name: 'bob' } })
        await answer(await ask())
      },
      1,
    )
    expect((await erase()).status).toBe(403)
    expect(await what()).toEqual(ALL_THERE)
  })
})
