import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { MEMORY_TYPES } from '../../src/core/memory.ts'
import { call } from '../support/call.ts'
import type { Reply } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'
import { STAND_IN_ANSWER, startPluginStandIn } from '../support/plugin-stand-in.ts'
import type { PluginStandIn } from '../support/plugin-stand-in.ts'
import { ALLOWED_SEARCHES, REFUSED_SEARCHES } from '../vectors/searches.ts'

const memories = testMemories(plainCluster().url)
const ROOT = '/_plugins/_ml/memory_containers'
/** Stands in memories that alice must not see, and nowhere else. */
const CANARY = 'canary-91ac'
const MAPPED = {
  properties: {
    memory_container_id: { type: 'keyword' },
    owner_id: { type: 'keyword' },
    memory: { type: 'text' },
    created_time: { type: 'long' },
  },
}
let standIn: PluginStandIn
let gateway: TestGateway

beforeAll(async () => {
  standIn = await startPluginStandIn(plainCluster().url)
  gateway = await startTestGateway({
    cluster: { nodes: [standIn.url] },
    memory: { containerIndex: memories.containerIndex },
  })
  await memories.putContainer('of-alice', { owner: { name: 'alice' }, backend_roles: ['team'] })
  await memories.putContainer('of-bob', { owner: { name: 'bob' } })
  for (const type of MEMORY_TYPES) {
    const made = await memories.ask('PUT', `/${memories.indexOf(type)}`, { mappings: MAPPED })
    if (made.status !== 200) throw new Error(JSON.stringify(made.body))
    const of = (container: unknown, owner: unknown, memory: string): object => ({
      ...(container === undefined ? {} : { memory_container_id: container }),
      ...(owner === undefined ? {} : { owner_id: owner }),
      memory,
    })
    await memories.putMemory(type, 'own', { ...of('of-alice', 'alice', 'her own'), created_time: 1 })
    await memories.putMemory(type, 'own-2', { ...of('of-alice', 'alice', 'her own again'), created_time: 2 })
    await memories.putMemory(type, 'foreign', { ...of('of-bob', 'bob', `own ${CANARY}`) })
    await memories.putMemory(type, 'claimed', { ...of('of-bob', 'alice', `own ${CANARY}`) })
    await memories.putMemory(type, 'unnamed', { ...of(undefined, 'alice', `own ${CANARY}`) })
    await memories.putMemory(type, 'listed', { ...of(['of-alice', 'of-bob'], ['alice', 'bob'], `own ${CANARY}`) })
    await memories.putMemory(type, 'ownerless', { ...of('of-alice', undefined, `own ${CANARY}`) })
    await memories.putMemory(type, 'of-a-colleague', { ...of('of-alice', 'bob', `own ${CANARY}`) })
  }
})
afterAll(async () => {
  await gateway.close()
  await standIn.close()
  await memories.removeAll()
})

interface Asked {
  readonly method?: string
  readonly container?: string
  readonly type?: string
  readonly query?: string
  readonly subject?: string
  readonly scopes?: readonly string[]
  readonly contentType?: string
}

async function search(body: unknown, asked: Asked = {}): Promise<Reply> {
  const { method = 'POST', container = 'of-alice', type = 'working', query = '', subject = 'alice' } = asked
  const token = await gateway.token({ subject, scopes: asked.scopes ?? ['memory:read'] })
  return call(gateway.url, {
    method,
    path: `${ROOT}/${container}/memories/${type}/_search${query}`,
    token,
    headers: { 'content-type': asked.contentType ?? 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

function idsOf({ body }: Reply): readonly string[] {
  return (body as { hits: { hits: { _id: string }[] } }).hits.hits.map(({ _id }) => _id).toSorted()
}

const reasonOf = ({ body }: Reply): string => (body as { error: { reason: string } }).error.reason

describe.each(MEMORY_TYPES)('memories of type %s', (type) => {
  test.each(ALLOWED_SEARCHES)('%s: her own, and no others', async (_, body) => {
    for (const method of ['GET', 'POST']) {
      const reply = await search(body, { method, type })
      expect({ status: reply.status, text: reply.text }).toMatchObject({ status: 200 })
      expect(idsOf(reply)).toEqual('collapse' in body ? [expect.stringMatching(/^own/)] : ['own', 'own-2'])
      expect(reply.text).not.toContain(CANARY)
      expect(reply.text).not.toContain('bob')
    }
  })
})

test.each(REFUSED_SEARCHES)('refused, with its name: %s', async (_, body, named) => {
  const reply = await search(body)
  expect(reply.status).toBe(400)
  expect(reasonOf(reply)).toContain(named)
  expect(reply.text).not.toContain(CANARY)
})

test('an aggregation counts only what may be read', async () => {
  const aggs = { o: { terms: { field: 'owner_id' } }, n: { value_count: { field: 'memory_container_id' } } }
  const { body } = await search({ size: 0, aggs })
  expect(body).toMatchObject({
    hits: { total: { value: 2 } },
    aggregations: { n: { value: 2 }, o: { buckets: [{ key: 'alice', doc_count: 2 }], sum_other_doc_count: 0 } },
  })
})

test('the answer is the cluster’s own, to the byte, laid out as asked', async () => {
  const plain = await search({ query: { match: { memory: 'her' } }, sort: ['created_time', '_score'] })
  expect(plain.text).toContain('"_seq_no":')
  expect(plain.text).toContain('"_version":1')
  expect((await search({ query: { constant_score: { filter: { ids: { values: ['own'] } } } } })).text).toContain(
    '"max_score":1.0,',
  )
  const part = await search({}, { query: '?filter_path=hits.total.value&pretty' })
  expect(part.text).toBe('{\n  "hits" : {\n    "total" : {\n      "value" : 2\n    }\n  }\n}\n')
  const yaml = await search({}, { query: '?filter_path=hits.total.value&format=yaml' })
  expect({ type: yaml.headers['content-type'], text: yaml.text }).toEqual({
    type: expect.stringContaining('application/yaml'),
    text: '---\nhits:\n  total:\n    value: 2\n',
  })
})

test('who may read any memory finds all of the container, and of no other', async () => {
  const reply = await search({ size: 100 }, { subject: 'root', scopes: ['memory:read:any'] })
  expect(idsOf(reply)).toEqual(['of-a-colleague', 'own', 'own-2', 'ownerless'])
  expect((await search({}, { subject: 'root', scopes: ['memory:read', 'memory:delete:any'] })).status).toBe(403)
})

test('what is refused before anything is searched', async () => {
  expect(reasonOf(await search({}, { container: 'of-bob' }))).toBe(
    "User doesn't have permissions to search memories in this container",
  )
  expect(await search({}, { container: 'none' })).toMatchObject({ status: 404 })
  expect(reasonOf(await search({}, { type: 'session' }))).toMatch(/^Invalid memory type: session/)
  expect(await search({}, { contentType: 'application/yaml' })).toMatchObject({ status: 406 })
  for (const query of [
    '?q=memory:x',
    '?source=%7B%7D',
    '?index=other',
    '?scroll=1m',
    '?search_pipeline=x',
    '?size=1',
  ]) {
    expect(await search({}, { query })).toMatchObject({ status: 400 })
  }
})

test('a query that the cluster does not take is refused in the cluster’s words', async () => {
  const reply = await search({ query: { range: { created_time: { gte: 'no number' } } } })
  expect(reply.status).toBe(400)
  expect(reply.body).toMatchObject({ status: 400, error: { type: 'search_phase_execution_exception' } })
})

test('an index whose mapping does not tell owners apart is 409, with the remedy', async () => {
  const prefix = `${memories.prefix}-text`
  await memories.putContainer('unmapped', { owner: { name: 'alice' }, configuration: { index_prefix: prefix } })
  const index = `${prefix}-memory-working`
  await memories.ask('PUT', `/${index}`, {
    mappings: { properties: { memory_container_id: { type: 'keyword' }, owner_id: { type: 'text' } } },
  })
  try {
    const reply = await search({}, { container: 'unmapped' })
    expect(reply.status).toBe(409)
    expect(reasonOf(reply)).toMatch(/\[owner_id\].*keyword/)
  } finally {
    await memories.ask('DELETE', `/${index}`)
  }
})

test('an index that was never made', async () => {
  const prefix = `${memories.prefix}-none`
  await memories.putContainer('never-made', { owner: { name: 'alice' }, configuration: { index_prefix: prefix } })
  const reply = await search({}, { container: 'never-made' })
  expect({ status: reply.status, reason: reasonOf(reply) }).toEqual({
    status: 404,
    reason: `no such index [${prefix}-memory-working]`,
  })
})

describe('adding memories', () => {
  async function add(body: string, container = 'of-alice', contentType = 'application/json'): Promise<Reply> {
    const token = await gateway.token({ scopes: ['memory:write'] })
    const path = `${ROOT}/${container}/memories`
    return call(gateway.url, { method: 'POST', path, token, headers: { 'content-type': contentType }, body })
  }

  test.each(['{ "messages":[{"n":1.0}],\n"infer" : false}', '{"memory_container_id":"of-alice","x":"ü 🎉"}'])(
    '%s goes on untouched',
    async (body) => {
      expect(await add(body)).toMatchObject(STAND_IN_ANSWER)
      expect(standIn.take().map((one) => one.body.toString())).toEqual([body])
    },
  )

  test.each([
    ['another container', '{"memory_container_id":"of-bob"}'],
    ['escaped', '{"memory_container\\u005fid":"of-bob"}'],
    ['twice', '{"memory_container_id":"of-alice","memory_container_id":"of-bob"}'],
    ['as no text', '{"memory_container_id":["of-bob"]}'],
    ['a tenant', '{"tenant_id":"other"}'],
    ['no JSON for us, but for the server', '{"memory_container_id":/**/"of-bob"}'],
    ['a byte order mark', '\ufeff{"memory_container_id":"of-bob"}'],
  ])('a body that names %s is refused: the plugin would write there', async (_, body) => {
    expect(await add(body)).toMatchObject({ status: 400 })
    expect(standIn.take()).toEqual([])
  })

  test('so are other notations, and other containers', async () => {
    expect(await add('memory_container_id: of-bob', 'of-alice', 'application/yaml')).toMatchObject({ status: 406 })
    const refused = await add('{}', 'of-bob')
    expect({ status: refused.status, reason: reasonOf(refused) }).toEqual({
      status: 403,
      reason: "User doesn't have permissions to add memory to this container",
    })
    expect(standIn.take()).toEqual([])
  })
})
