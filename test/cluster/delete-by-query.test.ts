import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import type { Reply } from '../support/call.ts'
import { plainCluster, securedCluster } from '../support/clusters.ts'
import { answerWith, bulk, cutAfter, cutBefore, multiGet, startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy, Match } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'
import type { TestMemories } from '../support/memories.ts'
import { adminCertificate, adminUser, securedMemories, securedNode } from '../support/secured-memories.ts'

const { url } = plainCluster()
let memories: TestMemories
let proxy: FaultProxy
let gateway: TestGateway

beforeAll(async () => {
  proxy = await startFaultProxy(url)
  memories = testMemories(url)
  await memories.putContainer('team')
  gateway = await startTestGateway({
    cluster: { nodes: [proxy.url] },
    memory: { containerIndex: memories.containerIndex },
  })
})
afterEach(async () => {
  proxy.reset()
  await memories.ask('DELETE', `/${memories.indexOf('working')}`)
})
afterAll(async () => {
  await gateway.close()
  await proxy.close()
  await memories.removeAll()
})

const EVERYTHING = '{"query":{"match_all":{}}}'

async function ask(asked: TestGateway, container: string, query = '', scopes = ['memory:delete']): Promise<Reply> {
  return call(asked.url, {
    method: 'POST',
    path: `/_plugins/_ml/memory_containers/${container}/memories/working/_delete_by_query${query}`,
    token: await asked.token({ scopes }),
    headers: { 'content-type': 'application/json' },
    body: EVERYTHING,
  })
}

const BUSY = { error: { type: 'rejected_execution_exception', reason: 'busy' }, status: 429 }
const OWN = { memory_container_id: 'team', owner_id: 'alice' }

describe('an index whose mapping cannot tell whose a memory is', () => {
  test.each([
    ['an owner that is text', { memory_container_id: { type: 'keyword' }, owner_id: { type: 'text' } }, 'owner_id'],
    [
      'a container that is text',
      { memory_container_id: { type: 'text' }, owner_id: { type: 'keyword' } },
      'memory_container_id',
    ],
  ])('%s: 409 with the remedy, and nothing is deleted', async (_, properties, field) => {
    await memories.ask('PUT', `/${memories.indexOf('working')}`, { mappings: { properties } })
    await memories.putMemory('working', 'own', OWN)
    const { status, text } = await ask(gateway, 'team')
    expect(status).toBe(409)
    expect(text).toContain(`[${field}]`)
    expect(text).toContain('keyword sub-field')
    expect(await memories.hasMemory('working', 'own')).toBe(true)
  })
})

describe('more memories than one page holds', () => {
  test('all of them go, and the counts say so', async () => {
    const lines = Array.from({ length: 2_345 }, (_, n) => `{"index":{"_id":"m${String(n)}"}}\n${JSON.stringify(OWN)}\n`)
    const path = `/${memories.indexOf('working')}/_bulk?refresh=true`
    const headers = { 'content-type': 'application/x-ndjson' }
    await call(url, { method: 'POST', path, headers, body: lines.join('') })
    const counted = await ask(gateway, 'team', '?dry_run')
    expect(counted.body).toMatchObject({ total: 2_345, deleted: 0, batches: 3, failures: [] })
    const { status, body } = await ask(gateway, 'team')
    expect({ status, ...(body as object) }).toMatchObject({ status: 200, total: 2_345, deleted: 2_345, batches: 3 })
    const { body: left } = await memories.ask('GET', `/${memories.indexOf('working')}/_count`)
    expect(left).toMatchObject({ count: 0 })
  })

  test('one with a routing of its own goes too', async () => {
    const settings = { number_of_shards: 5, number_of_replicas: 0 }
    const properties = { memory_container_id: { type: 'keyword' }, owner_id: { type: 'keyword' } }
    await memories.ask('PUT', `/${memories.indexOf('working')}`, { settings, mappings: { properties } })
    await memories.ask('PUT', `/${memories.indexOf('working')}/_doc/r1?routing=zz&refresh=true`, OWN)
    expect((await ask(gateway, 'team')).body).toMatchObject({ total: 1, deleted: 1, version_conflicts: 0 })
  })
})

describe('on bad days', () => {
  test('an answer that is lost after the work was done is looked up', async () => {
    await memories.putMemory('working', 'own', OWN)
    proxy.on(bulk, cutAfter, 1)
    const { status, body } = await ask(gateway, 'team')
    expect({ status, ...(body as object) }).toMatchObject({ status: 200, total: 1, deleted: 1, failures: [] })
  })

  test('an order that never arrived is sent again', async () => {
    await memories.putMemory('working', 'own', OWN)
    proxy.on(bulk, cutBefore, 1)
    const { status, body } = await ask(gateway, 'team')
    expect({ status, ...(body as object) }).toMatchObject({ status: 200, deleted: 1, retries: { bulk: 1, search: 0 } })
    expect(await memories.hasMemory('working', 'own')).toBe(false)
  })

  test('a cluster that is too busy is asked again', async () => {
    await memories.putMemory('working', 'own', OWN)
    proxy.on(bulk, answerWith(429, BUSY), 2)
    expect((await ask(gateway, 'team')).body).toMatchObject({
      deleted: 1,
      retries: { bulk: 2, search: 0 },
      failures: [],
    })
  })

  test.each<[string, Match]>([
    ['read the mapping', ({ target }) => target.endsWith('/_mapping')],
    ['search', ({ target }) => target.includes('/_search?scroll')],
    ['give the next page', ({ method, target }) => method === 'POST' && target === '/_search/scroll'],
    ['refresh', ({ method, target }) => method === 'POST' && target === `/${memories.indexOf('working')}/_refresh`],
  ])('a cluster that is too busy to %s is asked again', async (_, match) => {
    await memories.putMemory('working', 'own', OWN)
    const rule = proxy.on(match, answerWith(429, BUSY), 2)
    const { status, body } = await ask(gateway, 'team')
    expect({ status, ...(body as object) }).toMatchObject({ status: 200, total: 1, deleted: 1, failures: [] })
    expect(rule.met()).toBe(2)
    expect(proxy.requests.filter(match)).toHaveLength(3)
  })

  test('one that is too busy to show what became of an order whose answer was lost, too', async () => {
    await memories.putMemory('working', 'own', OWN)
    let asked = 0
    proxy.on(bulk, async (exchange) => {
      asked = proxy.requests.filter(multiGet).length
      proxy.on(multiGet, answerWith(429, BUSY), 2)
      await cutAfter(exchange)
    })
    const { status, body } = await ask(gateway, 'team')
    expect({ status, ...(body as object) }).toMatchObject({ status: 200, total: 1, deleted: 1, failures: [] })
    expect(proxy.requests.filter(multiGet)).toHaveLength(asked + 3)
  })

  test('one that stays too busy: 429 with the time to come back, and nothing is deleted', async () => {
    await memories.putMemory('working', 'own', OWN)
    const search: Match = ({ target }) => target.includes('/_search?scroll')
    proxy.on(search, answerWith(429, BUSY))
    const asked = proxy.requests.filter(search).length
    const { status, headers } = await ask(gateway, 'team')
    expect([status, headers['retry-after']]).toEqual([429, '1'])
    // By then the pauses have come to some four seconds; that they end with the deadline too is a test of their own.
    expect(proxy.requests.filter(search)).toHaveLength(asked + 8)
    expect(await memories.hasMemory('working', 'own')).toBe(true)
  })

  test('a search that timed out is one of the answer, and nothing is deleted', async () => {
    await memories.putMemory('working', 'own', OWN)
    proxy.on(
      ({ target }) => target.includes('/_search?scroll'),
      async ({ ask: pass, answer }) => {
        const whole = await pass()
        const rawHeaders = ['content-type', 'application/json']
        const body = Buffer.from(whole.body.toString().replace('"timed_out":false', '"timed_out":true'))
        await answer({ status: 200, rawHeaders, body })
      },
    )
    const { status, body } = await ask(gateway, 'team')
    expect({ status, ...(body as object) }).toMatchObject({ status: 408, timed_out: true, total: 1, deleted: 0 })
    expect(await memories.hasMemory('working', 'own')).toBe(true)
  })

  test('what cannot be deleted is a failure of the answer, not a success', async () => {
    await memories.putMemory('working', 'own', OWN)
    await memories.ask('PUT', `/${memories.indexOf('working')}/_settings`, { 'index.blocks.write': true })
    const { status, body } = await ask(gateway, 'team')
    expect({ status, ...(body as object) }).toMatchObject({
      status: 403,
      total: 1,
      deleted: 0,
      failures: [
        { index: memories.indexOf('working'), id: 'own', status: 403, cause: { type: 'cluster_block_exception' } },
      ],
    })
  })

  test('a memory that changed since it was found is left, and counted', async () => {
    await memories.putMemory('working', 'own', OWN)
    proxy.on(
      bulk,
      async ({ ask: send, answer }) => {
        await memories.putMemory('working', 'own', { ...OWN, owner_id: 'bob' })
        await answer(await send())
      },
      1,
    )
    expect((await ask(gateway, 'team')).body).toMatchObject({ total: 1, deleted: 0, version_conflicts: 1 })
    expect(await memories.hasMemory('working', 'own')).toBe(true)
  })

  test('shards that cannot be searched are failures, and nothing is deleted', async () => {
    await memories.putMemory('working', 'own', OWN)
    const failed = {
      _scroll_id: 'x',
      timed_out: false,
      _shards: { total: 2, successful: 1, skipped: 0, failed: 1, failures: [] },
      hits: { total: { value: 1, relation: 'eq' }, hits: [{ _id: 'own', _seq_no: 0, _primary_term: 1, _source: OWN }] },
    }
    proxy.on(({ target }) => target.includes('/_search?'), answerWith(200, failed), 1)
    const { status, body } = await ask(gateway, 'team')
    expect({ status, ...(body as object) }).toMatchObject({ status: 503, deleted: 0, failures: [{ status: 503 }] })
    expect(await memories.hasMemory('working', 'own')).toBe(true)
  })

  test('what the cluster does not take of a query is the caller’s to hear', async () => {
    await memories.putMemory('working', 'own', OWN)
    const reply = await call(gateway.url, {
      method: 'POST',
      path: '/_plugins/_ml/memory_containers/team/memories/working/_delete_by_query',
      token: await gateway.token(),
      headers: { 'content-type': 'application/json' },
      body: '{"query":{"nested":{"path":"nothing","query":{"match_all":{}}}}}',
    })
    expect(reply.status).toBe(400)
    expect(reply.text).toContain('The cluster does not take the query: failed to create query: [nested]')
  })
})

const secured = securedCluster()
const onSecured = secured === undefined ? describe.skip : describe

onSecured('protected system indices', () => {
  test('hidden ones are never called empty, and shown ones are deleted from', async () => {
    if (secured === undefined) throw new Error('skipped')
    const hidden = securedMemories(secured)
    const container = `${hidden.prefix}-dbq`
    await hidden.putContainer(container)
    await hidden.put(hidden.indexOf('working'), 'own', { memory_container_id: container, owner_id: 'alice' })
    const asUser = await startTestGateway({ cluster: securedNode(secured, adminUser(secured)) })
    const asAdmin = await startTestGateway({ cluster: securedNode(secured, adminCertificate(secured)) })
    try {
      expect((await ask(asUser, container)).status).toBe(502)
      expect((await ask(asUser, container, '?dry_run=true')).status).toBe(502)
      expect(await hidden.has(hidden.indexOf('working'), 'own')).toBe(true)
      expect((await ask(asAdmin, container)).body).toMatchObject({ total: 1, deleted: 1 })
    } finally {
      await asUser.close()
      await asAdmin.close()
      await hidden.removeAll()
    }
  })
})
