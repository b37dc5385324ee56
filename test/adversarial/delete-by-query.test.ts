import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import type { Reply } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'
import { ALLOWED_QUERIES, REFUSED_BODIES } from '../vectors/queries.ts'

const { url } = plainCluster()
const memories = testMemories(url)
const index = memories.indexOf('working')
let gateway: TestGateway

const TEXT = { text: 'remember the secret', messages: [{ role: 'user' }], created_time: 1 }

/** What bob's query must never take, however much its names look like his. */
const CANARIES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  other: { memory_container_id: 'team', owner_id: 'alice', ...TEXT },
  longer: { memory_container_id: 'team', owner_id: 'bob smith', ...TEXT },
  capital: { memory_container_id: 'team', owner_id: 'Bob', ...TEXT },
  shared: { memory_container_id: 'team', owner_id: ['bob', 'alice'], ...TEXT },
  listed: { memory_container_id: 'team', owner_id: ['bob'], ...TEXT },
  unowned: { memory_container_id: 'team', namespace: { user_id: 'bob' }, ...TEXT },
  foreign: { memory_container_id: 'team-a', owner_id: 'bob', ...TEXT },
  foreignCapital: { memory_container_id: 'TEAM', owner_id: 'bob', ...TEXT },
  inBoth: { memory_container_id: ['team', 'team-a'], owner_id: 'bob', ...TEXT },
  nowhere: { owner_id: 'bob', ...TEXT },
}

beforeAll(async () => {
  const keyword = { type: 'keyword' }
  const properties = {
    owner_id: keyword,
    memory_container_id: keyword,
    namespace: { type: 'flat_object' },
    messages: { type: 'nested', properties: { role: keyword } },
    created_time: { type: 'date', format: 'strict_date_time||epoch_millis' },
    text: { type: 'text' },
  }
  await memories.ask('PUT', `/${index}`, { settings: { number_of_replicas: 0 }, mappings: { properties } })
  for (const id of ['team', 'team-a', 'TEAM']) await memories.putContainer(id)
  for (const [id, source] of Object.entries(CANARIES)) await memories.putMemory('working', id, source)
  gateway = await startTestGateway({ cluster: { nodes: [url] }, memory: { containerIndex: memories.containerIndex } })
})
beforeEach(() => memories.putMemory('working', 'own', { memory_container_id: 'team', owner_id: 'bob', ...TEXT }))
afterAll(async () => {
  await gateway.close()
  await memories.removeAll()
})

async function ask(body: string, scopes = ['memory:delete'], query = ''): Promise<Reply> {
  return call(gateway.url, {
    method: 'POST',
    path: `/_plugins/_ml/memory_containers/team/memories/working/_delete_by_query${query}`,
    token: await gateway.token({ subject: 'bob', scopes }),
    headers: { 'content-type': 'application/json' },
    body,
  })
}

async function missing(): Promise<readonly string[]> {
  const there = await Promise.all(
    [...Object.keys(CANARIES), 'own'].map(async (id) => ((await memories.hasMemory('working', id)) ? [] : [id])),
  )
  return there.flat()
}

/** Queries of the list that name something of bob's own memory. */
const FINDS_OWN = new Set(
  ALLOWED_QUERIES.filter((query) => !/team-a"|"alice"\}|:"team"/.test(query) || query.includes('terms')),
)

describe('queries that are allowed', () => {
  test.each(ALLOWED_QUERIES)('take nothing of anybody else: %s', async (query) => {
    const { status, body } = await ask(`{"query":${query}}`)
    const gone = await missing()
    expect(gone.filter((id) => id !== 'own')).toEqual([])
    expect({ status, ...(body as object) }).toMatchObject({ status: 200, deleted: gone.length, total: gone.length })
  })

  test('some of them do find what is theirs', async () => {
    let found = 0
    for (const query of FINDS_OWN) {
      const { body } = await ask(`{"query":${query}}`, ['memory:delete'], '?dry_run=true')
      found += (body as { total: number }).total
      expect(body).toMatchObject({ deleted: 0, batches: (body as { total: number }).total })
    }
    expect(found).toBeGreaterThan(10)
    expect(await missing()).toEqual([])
  })
})

describe('bodies that are refused', () => {
  test.each(REFUSED_BODIES.map(([body, reason]) => [body.slice(0, 120), body, reason]))(
    '%s',
    async (_, body, reason) => {
      for (const scopes of [['memory:delete'], ['memory:delete', 'memory:delete:any']]) {
        const { status, text } = await ask(body, scopes)
        expect({ status, says: text.includes(reason) }).toEqual({ status: 400, says: true })
      }
    },
  )

  test('and nothing is gone', async () => {
    expect(await missing()).toEqual([])
  })
})

test('other notations of a query are not read at all', async () => {
  const path = '/_plugins/_ml/memory_containers/team/memories/working/_delete_by_query'
  const token = await gateway.token({ subject: 'bob' })
  const body = '{"query":{"match_all":{}}}'
  for (const type of [
    'application/yaml',
    'application/cbor',
    'application/smile',
    'text/plain',
    'application/x-ndjson',
  ]) {
    const reply = await call(gateway.url, { method: 'POST', path, token, headers: { 'content-type': type }, body })
    expect({ type, status: reply.status }).toEqual({ type, status: 406 })
  }
  const utf16 = Buffer.from(`\ufeff${body}`, 'utf16le')
  const headers = { 'content-type': 'application/json' }
  expect((await call(gateway.url, { method: 'POST', path, token, headers, body: utf16 })).status).toBe(400)
  const zipped = { ...headers, 'content-encoding': 'gzip' }
  expect((await call(gateway.url, { method: 'POST', path, token, headers: zipped, body })).status).toBe(400)
  const huge = `{"query":{"terms":{"owner_id":["${'x'.repeat(1_100_000)}"]}}}`
  expect((await call(gateway.url, { method: 'POST', path, token, headers, body: huge })).status).toBe(413)
  expect(await missing()).toEqual([])
})

test('without the scope nothing is deleted', async () => {
  const { status } = await ask('{"query":{"match_all":{}}}', ['memory:read', 'memory:delete:container'])
  expect(status).toBe(403)
  expect(await missing()).toEqual([])
})

test('who may delete any memory still deletes none of another container', async () => {
  const { status } = await ask('{"query":{"match_all":{}}}', ['memory:delete:any'])
  expect(status).toBe(200)
  expect(await missing()).toEqual(['other', 'longer', 'capital', 'shared', 'listed', 'unowned', 'own'])
})
