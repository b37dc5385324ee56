import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { call } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { GatewayOverrides, TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'
import type { TestMemories } from '../support/memories.ts'
import { seedOfThisRun } from '../vectors/odd-texts.ts'

/** By query against by id: a query that matches everything deletes exactly what single deletes of everything delete. */

const seed = seedOfThisRun()
const { url } = plainCluster()
const CONTAINER = 'team'

type Ownership = NonNullable<NonNullable<GatewayOverrides['memory']>['ownership']>
const POLICIES: readonly Ownership[] = [
  { fields: ['owner_id'], unowned: 'deny' },
  { fields: ['owner_id', 'namespace.user_id'], unowned: 'deny' },
  { fields: ['namespace.user_id', 'owner_id'], unowned: 'allow' },
  { fields: [], unowned: 'allow' },
]

const KEYWORD = { type: 'keyword' }
const BY_DEFAULT = { type: 'text', fields: { keyword: { type: 'keyword', ignore_above: 256 } } }
const MAPPINGS: Readonly<Record<string, object>> = {
  'as the plugin maps it': { owner_id: KEYWORD, memory_container_id: KEYWORD, namespace: { type: 'flat_object' } },
  'as the cluster maps it by itself': {
    owner_id: BY_DEFAULT,
    memory_container_id: BY_DEFAULT,
    namespace: { properties: { user_id: BY_DEFAULT } },
  },
}

const NAMES = [
  'alice',
  'bob',
  'bob smith',
  'Bob',
  'team',
  'team-a',
  '5',
  'true',
  'null',
  'x=alice',
  '',
  'a'.repeat(300),
]
const name = fc.constantFrom(...NAMES)
const owner = fc.oneof(
  { weight: 6, arbitrary: name },
  { weight: 2, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.array(fc.option(name), { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom(5, true, [['alice']]) },
)
const namespace = fc.oneof(
  fc.record({ user_id: owner }),
  fc.constant({}),
  fc.constant(null),
  fc.record({ 'user_id=x': name }),
  fc.record({ session_id: name, user_id: owner }),
)
const container = fc.oneof(
  { weight: 8, arbitrary: fc.constant<unknown>(CONTAINER) },
  { weight: 3, arbitrary: fc.constantFrom<unknown>('team-a', 'Team', null, [CONTAINER], [CONTAINER, 'team-a']) },
)
const memory = fc.record(
  { owner_id: owner, namespace, memory_container_id: container, 'namespace.user_id': owner },
  { requiredKeys: ['memory_container_id'] },
)

const SUBJECTS = ['alice', 'bob', '5', 'x=alice']
/** One that each of the subjects may delete under every policy: chance alone may make none. */
const OWNED = SUBJECTS.map((user) => ({ owner_id: user, namespace: { user_id: user }, memory_container_id: CONTAINER }))

const worlds: { readonly byQuery: TestMemories; readonly byId: TestMemories }[] = []
const gateways: TestGateway[] = []

beforeAll(async () => {
  for (const properties of Object.values(MAPPINGS)) {
    const world = { byQuery: testMemories(url), byId: testMemories(url) }
    worlds.push(world)
    for (const memories of Object.values(world)) {
      const settings = { number_of_replicas: 0, refresh_interval: '-1' }
      await memories.ask('PUT', `/${memories.indexOf('working')}`, { settings, mappings: { properties } })
      await memories.putContainer(CONTAINER)
    }
  }
})
afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.close()))
  for (const world of worlds) for (const memories of Object.values(world)) await memories.removeAll()
})

async function refill(memories: TestMemories, documents: ReadonlyMap<string, object>): Promise<void> {
  const index = memories.indexOf('working')
  await memories.ask('POST', `/${index}/_refresh`)
  await memories.ask('POST', `/${index}/_delete_by_query?refresh=true`, { query: { match_all: {} } })
  const lines = [...documents].flatMap(([_id, source]) => [{ index: { _id } }, source])
  const body = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  const reply = await call(url, {
    method: 'POST',
    path: `/${index}/_bulk?refresh=true`,
    headers: { 'content-type': 'application/x-ndjson' },
    body,
  })
  expect(reply.status).toBe(200)
}

async function whatIsLeft(memories: TestMemories): Promise<readonly string[]> {
  const index = memories.indexOf('working')
  await memories.ask('POST', `/${index}/_refresh`)
  const { body } = await memories.ask('POST', `/${index}/_search?size=1000`, { _source: false })
  return (body as { hits: { hits: { _id: string }[] } }).hits.hits.map(({ _id }) => _id).sort()
}

async function start(memories: TestMemories, ownership: Ownership): Promise<TestGateway> {
  const memory = { containerIndex: memories.containerIndex, ownership }
  const gateway = await startTestGateway({ cluster: { nodes: [url] }, memory })
  gateways.push(gateway)
  return gateway
}

const path = `/_plugins/_ml/memory_containers/${CONTAINER}/memories/working`

describe.each(Object.keys(MAPPINGS).map((title, position) => [title, position] as const))('%s', (_, position) => {
  test.each(POLICIES.map((policy) => [JSON.stringify(policy), policy] as const))(
    `%s (seed ${String(seed)})`,
    async (_text, policy) => {
      const world = worlds[position]
      if (world === undefined) throw new Error('beforeAll makes the worlds')
      const [byQuery, byId] = [await start(world.byQuery, policy), await start(world.byId, policy)]
      const sources = [...OWNED, ...fc.sample(memory, { seed, numRuns: 60 })]
      const documents = new Map(sources.map((source, number) => [`m${String(number)}`, source]))
      let deleted = 0
      for (const subject of SUBJECTS) {
        await Promise.all([refill(world.byQuery, documents), refill(world.byId, documents)])
        // What the mapping does not take is in neither.
        const stored = await whatIsLeft(world.byId)
        expect(await whatIsLeft(world.byQuery)).toEqual(stored)

        const token = await byId.token({ subject })
        await Promise.all(stored.map((id) => call(byId.url, { method: 'DELETE', path: `${path}/${id}`, token })))
        const reply = await call(byQuery.url, {
          method: 'POST',
          path: `${path}/_delete_by_query`,
          token: await byQuery.token({ subject }),
          headers: { 'content-type': 'application/json' },
          body: '{"query":{"match_all":{}}}',
        })
        const left = await whatIsLeft(world.byId)
        expect({ subject, left: await whatIsLeft(world.byQuery) }).toEqual({ subject, left })
        const count = stored.length - left.length
        expect({ status: reply.status, ...(reply.body as object) }).toMatchObject({
          status: 200,
          total: count,
          deleted: count,
        })
        deleted += count
      }
      expect(deleted).toBeGreaterThanOrEqual(SUBJECTS.length)
    },
  )
})
