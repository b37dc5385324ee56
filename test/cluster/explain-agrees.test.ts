import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import type { Stage } from '../../src/core/explain.ts'
import { MEMORY_OPERATIONS } from '../../src/core/memory-routes.ts'
import { call } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { explain } from '../support/explain.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'
import { startPluginStandIn } from '../support/plugin-stand-in.ts'
import { headOf, openCallers } from '../support/upgrade-caller.ts'
import { until } from '../support/until.ts'
import { startWebSocketNode } from '../support/websocket-node.ts'

// Each request is asked about, and then made: what was said is what is done.

const memories = testMemories(plainCluster().url)
const open = `${memories.prefix}-open`
const CONTAINERS = '/_plugins/_ml/memory_containers'
const c = `${CONTAINERS}/c`
const working = `${c}/memories/working`
const TEXT = { type: 'text', fields: { keyword: { type: 'keyword' } } }
const closers: (() => unknown)[] = []
let gateway: TestGateway
/** Takes two deletes a minute of a subject, and one of those without memory:delete:many. */
let counting: TestGateway

beforeAll(async () => {
  closers.push(() => memories.removeAll())
  const standIn = await startPluginStandIn(plainCluster().url)
  closers.push(() => standIn.close())
  await memories.putContainer('c', { owner: { name: 'carol' }, backend_roles: ['eng'] })
  await memories.putContainer('empty', {
    owner: { name: 'alice' },
    configuration: { index_prefix: `${memories.prefix}-none` },
  })
  await memories.putContainer('nobodys', {})
  await memories.putContainer('going', {
    owner: { name: 'alice' },
    configuration: { index_prefix: `${memories.prefix}-going` },
  })
  const types = { memory_container_id: { type: 'keyword' }, owner_id: { type: 'keyword' }, user_id: TEXT }
  await memories.ask('PUT', `/${memories.indexOf('working')}`, { mappings: { properties: types } })
  const ids = ['own', 'legacy', 'session', 'bulk-1', 'bulk-2', 'key-1', 'key-2', 'count-1', 'count-2', 'count-3']
  for (const id of ids) await memories.putMemory('working', id, { memory_container_id: 'c', owner_id: 'alice' })
  await memories.putMemory('sessions', 'one', { memory_container_id: 'c', owner_id: 'alice' })
  await memories.putMemory('working', 'foreign', { memory_container_id: 'c', owner_id: 'bob' })
  await memories.ask('PUT', `/${open}/_doc/1?refresh=true`, { text: 'open' })
  closers.push(() => memories.ask('DELETE', `/${open}`))
  const settings = {
    cluster: { nodes: [standIn.url] },
    memory: { containerIndex: memories.containerIndex },
    legacy: { container: 'c' },
  }
  gateway = await startTestGateway({
    ...settings,
    routes: [
      { when: { paths: ['/nowhere/**'] }, require: { claim: { tenant: ['x'] } }, cluster: 'main' },
      { when: { issuer: 'https://issuer.test' }, cluster: 'main' },
    ],
  })
  closers.push(() => gateway.close())
  counting = await startTestGateway({ ...settings, limits: { deletes: { perMinute: 2, manyAfter: 1 } } })
  closers.push(() => counting.close())
})
afterAll(async () => {
  for (const close of closers.reverse()) await close()
})

interface Request {
  readonly method: string
  readonly path: string
  readonly scopes?: readonly string[]
  readonly roles?: readonly string[]
  readonly subject?: string
  readonly body?: string
  readonly key?: string
  readonly to?: 'counting'
}

async function bothOf({
  method,
  path,
  scopes = ['memory:delete'],
  roles = ['eng'],
  subject = 'alice',
  body,
  key,
  to,
}: Request) {
  const at = to === 'counting' ? counting : gateway
  const token = await at.token({ subject, scopes, extra: { backend_roles: roles } })
  const explanation = await explain(at, { method, path, token, idempotencyKey: key })
  const headers = {
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(key === undefined ? {} : { 'idempotency-key': key }),
  }
  const done = await call(at.url, { method, path, token, headers, ...(body === undefined ? {} : { body }) })
  return { explanation, done }
}

const READ = ['memory:read']
const WRITE = ['memory:write']
const ADMIN = ['opensearch:admin']
const ALL_IDS = '{"query": {"match_all": {}}}'

const row = (by: Stage | 'allowed', request: string, more: Omit<Request, 'method' | 'path'> = {}) => {
  const [method = '', path = ''] = request.split(' ')
  return { by, request, asked: { method, path, ...more } }
}

// In this order: a row may need what another left.
const ROWS = [
  // What nothing is behind.
  row('target', `PATCH ${working}/own`),
  row('target', 'PATCH /api/memories/own'),
  row('target', `DELETE ${working}`),
  row('target', 'DELETE /api/memories/a/b'),
  row('target', 'DELETE /_plugins/_ml/memory%5Fcontainers/c/memories/working/own'),
  row('allowed', 'OPTIONS /api/memories/own'),
  row('allowed', `OPTIONS ${working}/own`),
  row('route', 'GET /nowhere/at/all'),

  // One memory.
  row('scope', `DELETE ${working}/own`, { scopes: ['opensearch:read'] }),
  row('request', `DELETE ${c}/memories/dreams/own`),
  row('request', `DELETE ${working}/own?colour=red`),
  row('request', `DELETE ${working}/${'x'.repeat(513)}`),
  row('container', `DELETE ${working}/own`, { roles: [] }),
  row('container', `DELETE ${CONTAINERS}/none/memories/working/own`),
  row('container', `DELETE ${CONTAINERS}/empty/memories/working/own`),
  row('memory', `DELETE ${working}/none`),
  row('owner', `DELETE ${working}/foreign`),
  row('idempotencyKey', `DELETE ${working}/foreign`, { key: 'ü' }),
  row('owner', 'DELETE /api/memories/foreign'),
  row('request', 'DELETE /api/memories/%20'),
  row('scope', 'DELETE /api/memories/legacy', { scopes: READ }),
  row('allowed', 'DELETE /api/memories/legacy'),
  row('memory', 'DELETE /api/memories/legacy'),
  row('scope', `GET ${working}/own`),
  row('request', `GET ${working}/own?memory_id=foreign`, { scopes: READ }),
  row('container', `GET ${working}/own`, { scopes: READ, roles: [] }),
  row('memory', `GET ${working}/none`, { scopes: READ }),
  row('owner', `GET ${working}/foreign`, { scopes: ['memory:read', 'memory:delete:any'] }),
  row('allowed', `GET ${working}/own`, { scopes: READ }),
  row('allowed', `GET ${working}/foreign`, { scopes: ['memory:read:any'], roles: [] }),
  row('scope', `PUT ${working}/own`, { scopes: READ, body: '{}' }),
  row('container', `PUT ${working}/own`, { scopes: ['memory:write', 'memory:read:any'], roles: [], body: '{}' }),
  row('memory', `PUT ${working}/none`, { scopes: WRITE, body: '{}' }),
  row('owner', `PUT ${working}/foreign`, { scopes: ['memory:write', 'memory:read:any'], body: '{}' }),
  row('allowed', `PUT ${working}/own`, { scopes: WRITE, body: '{}' }),
  row('allowed', `DELETE ${working}/own`),
  row('memory', `DELETE ${working}/own`),
  row('allowed', `DELETE ${c}/memories/sessions/one?cascade=true`),

  // Several.
  row('scope', 'POST /api/memories/bulk-delete', { scopes: [], body: '{"memoryIds": []}' }),
  row('allowed', 'POST /api/memories/bulk-delete', { body: '{"memoryIds": ["bulk-1"]}' }),
  row('scope', `POST ${working}/_delete_by_query`, { scopes: [], body: ALL_IDS }),
  row('request', `POST ${c}/memories/dreams/_delete_by_query`, { body: ALL_IDS }),
  row('request', `POST ${working}/_delete_by_query?refresh=maybe`, { body: ALL_IDS }),
  row('container', `POST ${working}/_delete_by_query`, { body: ALL_IDS, roles: [] }),
  row('container', `POST ${CONTAINERS}/empty/memories/working/_delete_by_query`, { body: ALL_IDS }),
  row('allowed', `POST ${working}/_delete_by_query?dry_run=true`, { body: ALL_IDS }),
  row('scope', `GET ${working}/_search`, { body: ALL_IDS }),
  row('request', `GET ${working}/_search?scroll=1m`, { scopes: READ, body: ALL_IDS }),
  row('container', `GET ${working}/_search`, { scopes: READ, roles: [], body: ALL_IDS }),
  row('container', `GET ${CONTAINERS}/empty/memories/working/_search`, { scopes: READ, body: ALL_IDS }),
  row('allowed', `GET ${working}/_search`, { scopes: READ, body: ALL_IDS }),

  // A container as a whole.
  row('scope', `POST ${c}/memories`, { scopes: READ, body: '{}' }),
  row('request', `POST ${c}/memories?memory_container_id=d`, { scopes: WRITE, body: '{}' }),
  row('container', `POST ${c}/memories`, { scopes: WRITE, roles: [], body: '{}' }),
  row('allowed', `POST ${c}/memories`, { scopes: WRITE, body: '{}' }),
  row('container', `GET ${c}`, { scopes: ['memory:read', 'memory:write:any'], roles: [] }),
  row('allowed', `GET ${c}`, { scopes: READ }),
  row('container', `PUT ${c}`, { scopes: WRITE, roles: [], body: '{}' }),
  row('container', `PUT ${CONTAINERS}/nobodys`, { scopes: WRITE, body: '{}' }),
  row('allowed', `PUT ${c}`, { scopes: WRITE, body: '{}' }),
  row('container', `POST ${c}/memories/sessions`, { scopes: WRITE, roles: [], body: '{}' }),
  row('allowed', `POST ${c}/memories/sessions`, { scopes: WRITE, body: '{}' }),
  row('scope', `DELETE ${c}`),
  row('container', `DELETE ${c}`, { scopes: ['memory:delete:container'] }),
  row('container', `DELETE ${CONTAINERS}/none`, { scopes: ['memory:delete:container'] }),
  row('request', `DELETE ${CONTAINERS}/going?delete_memories=dreams`, { scopes: ['memory:delete:container'] }),
  row('allowed', `DELETE ${CONTAINERS}/going`, { scopes: ['memory:delete:container'] }),

  // What only administrators may, and what goes through.
  ...[
    `POST ${CONTAINERS}/_create`,
    `POST ${CONTAINERS}/_search`,
    `POST ${c}/memories/long-term/_semantic_search`,
    `POST ${c}/memories/long-term/_hybrid_search`,
    `POST ${CONTAINERS}/_retention/_dry_run`,
    `POST ${CONTAINERS}/_retention/_execute`,
    `POST ${c}/nothing/here`,
  ].flatMap((request) => [
    row('scope', request, { scopes: ['memory:write:any', 'memory:read:any'], body: '{}' }),
    row('allowed', request, { scopes: ADMIN, body: '{}' }),
  ]),
  row('scope', `GET /${open}/_doc/1`),
  row('scope', `PUT /${open}/_doc/2`, { scopes: ['opensearch:read'], body: '{}' }),
  row('scope', 'GET /_unknown/api', { scopes: ['opensearch:read'] }),
  row('guard', `GET /${memories.indexOf('working')}/_doc/foreign`, { scopes: ['opensearch:read'] }),
  row('allowed', `GET /${open}/_doc/1`, { scopes: ['opensearch:read'] }),
  row('allowed', `PUT /${open}/_doc/2`, { scopes: ['opensearch:write'], body: '{}' }),

  // Calls that come again.
  row('allowed', `DELETE ${working}/key-1`, { key: 'a' }),
  row('allowed', `DELETE ${working}/key-1`, { key: 'a' }),
  row('memory', `DELETE ${working}/key-1`, { key: 'b' }),
  row('idempotencyKey', `DELETE ${working}/key-1`, { key: 'b' }),
  row('idempotencyKey', `DELETE ${working}/key-2`, { key: 'a' }),
  row('memory', `DELETE ${working}/key-1`, { key: 'c' }),

  // Too many: what is asked about counts for nothing.
  row('allowed', `DELETE ${working}/count-1`, { to: 'counting' }),
  row('quota', `DELETE ${working}/count-2`, { to: 'counting' }),
  row('allowed', `DELETE ${working}/count-2`, { to: 'counting', scopes: ['memory:delete', 'memory:delete:many'] }),
  row('quota', `DELETE ${working}/count-3`, { to: 'counting', scopes: ['memory:delete', 'memory:delete:many'] }),
  row('quota', `DELETE ${CONTAINERS}/c`, { to: 'counting', scopes: ['memory:delete:container'] }),
  row('owner', `DELETE ${working}/count-3`, { to: 'counting', subject: 'dora' }),
]

const seenKinds = new Set<string | undefined>()
const seenStages = new Set<string | undefined>()

describe('what is said of a request is what is done with it', () => {
  test.each(ROWS)('$by: $request $asked.scopes $asked.key', async ({ by, asked }) => {
    const { explanation, done } = await bothOf(asked)
    const { decision, answer } = explanation
    seenKinds.add(explanation.route)
    seenStages.add(explanation.by)
    expect({ by: explanation.by ?? 'allowed', decision }).toEqual({ by, decision: by === 'allowed' ? by : 'refused' })
    if (answer.status !== undefined) expect(done.status).toBe(answer.status)
    else expect(done.status).toBeLessThan(400)
    // In the very words.
    if (answer.reason !== undefined) expect(done.text).toContain(JSON.stringify(answer.reason).slice(1, -1))
  })

  test('every kind of request is among them, and every stage but those of other suites', () => {
    const others = ['deleteLegacyMemory', 'deleteLegacyMemories', 'legacyOptions', 'unknownLegacyPath', 'wrongMethod']
    const kinds = [...Object.keys(MEMORY_OPERATIONS), ...others, 'noHandler', 'passThrough', undefined]
    expect([...seenKinds].sort()).toEqual(kinds.sort())
    const stages = ['target', 'route', 'scope', 'guard', 'request', 'idempotencyKey', 'quota', 'container', 'memory']
    expect([...seenStages].sort()).toEqual([...stages, 'owner', undefined].sort())
  })
})

describe('what else is said', () => {
  test('an unused key, and one whose answer is kept', async () => {
    const asked = { method: 'DELETE', path: `${working}/bulk-2`, key: 'k' }
    expect((await bothOf(asked)).explanation).toMatchObject({ idempotencyKey: 'unused', decision: 'allowed' })
    const { explanation, done } = await bothOf(asked)
    expect(explanation).toMatchObject({ idempotencyKey: 'replayed', decision: 'allowed', answer: { status: 200 } })
    expect(done.headers['idempotent-replayed']).toBe('true')
    // The body is a part of the request: without it nobody can tell whether it is the same.
    const several = { method: 'POST', path: '/api/memories/bulk-delete', key: 'k', body: '{"memoryIds": ["x"]}' }
    const other = await bothOf(several)
    expect(other.explanation.idempotencyKey).toBe('used')
    expect(other.done.status).toBe(422)
  })

  test('what is left of the limits, without counting', async () => {
    const asked = { method: 'DELETE', path: `${working}/none`, to: 'counting', subject: 'erik' } as const
    const quotaOf = async () => (await bothOf(asked)).explanation.quota
    expect(await quotaOf()).toEqual([
      { limit: 'manyAfter', of: 1, left: 1 },
      { limit: 'perMinute', of: 2, left: 2 },
    ])
    const { explanation } = await bothOf({ ...asked, scopes: ['memory:delete', 'memory:delete:many'] })
    expect(explanation.quota).toEqual([{ limit: 'perMinute', of: 2, left: 1 }])
  })
})

describe('what is said of an upgrade is what becomes of it', () => {
  const live = { paths: ['/live/**'], scopes: ['opensearch:admin'], upgrade: ['websocket' as const] }
  const rules = [
    live,
    { paths: ['/closed'], scopes: [] },
    { classes: ['read' as const], paths: ['/*/_search'], scopes: ['opensearch:read'], upgrade: ['websocket' as const] },
    {
      paths: ['/_plugins/_ml/memory_containers/**'],
      scopes: ['opensearch:admin', 'memory:read'],
      upgrade: live.upgrade,
    },
    { classes: ['read' as const], scopes: ['opensearch:read'] },
    { classes: ['admin' as const], scopes: ['opensearch:admin'] },
  ]
  const callers = openCallers()
  let upgrades: () => number
  const gateways = new Map<string, TestGateway>()
  beforeAll(async () => {
    const node = await startWebSocketNode()
    closers.push(() => node.close())
    upgrades = () => node.requests.filter(({ headers }) => headers.upgrade !== undefined).length
    const { url } = node
    const service = { kind: 'basic' as const, username: 'u', password: 'planted-password' }
    const clusters = {
      caller: { nodes: [url] },
      service: { nodes: [url], service, passThrough: { identity: 'service' as const } },
    }
    for (const [name, cluster] of Object.entries(clusters)) {
      gateways.set(name, await startTestGateway({ cluster, guard: { rules } }))
    }
    const observing = { mode: 'observe' as const, rules, protectedIndices: { mode: 'observe' as const } }
    gateways.set('observing', await startTestGateway({ cluster: { nodes: [url] }, guard: observing }))
    closers.push(() => Promise.all([...gateways.values()].map((one) => one.close())))
  })
  afterEach(() => callers.leave())

  test.each<{
    readonly becomes: 'passes' | 'leftOut' | Stage
    readonly line: string
    readonly scopes?: readonly string[]
    readonly upgrade?: string
    readonly at?: 'service' | 'observing'
  }>([
    { becomes: 'passes', line: 'GET /live/feed?a=b' },
    { becomes: 'passes', line: 'GET /live/feed', upgrade: 'WebSocket' },
    { becomes: 'passes', line: 'GET /logs/_search' },
    { becomes: 'leftOut', line: 'GET /elsewhere' },
    { becomes: 'leftOut', line: 'GET /live/feed', upgrade: 'h2c' },
    { becomes: 'leftOut', line: 'GET /live/feed', upgrade: 'websocket,h2c' },
    { becomes: 'leftOut', line: 'HEAD /live/feed' },
    { becomes: 'leftOut', line: 'GET /live/feed', at: 'observing', scopes: [] },
    { becomes: 'leftOut', line: 'GET /logs/_search', at: 'service', upgrade: 'h2c' },
    { becomes: 'leftOut', line: `POST ${CONTAINERS}/_search` },
    { becomes: 'scope', line: 'GET /live/feed', scopes: ['opensearch:read'] },
    { becomes: 'guard', line: 'GET /closed' },
    { becomes: 'guard', line: 'GET /logs/_search', scopes: ['opensearch:read'] },
    { becomes: 'guard', line: 'GET /live/feed', at: 'service' },
  ])('$becomes: $line, %#', async ({ becomes, line, scopes = ADMIN, upgrade = 'websocket', at }) => {
    const asked = gateways.get(at ?? 'caller') ?? gateway
    const token = await asked.token({ scopes })
    const [method = '', path = ''] = line.split(' ')
    const explanation = await explain(asked, { method, path, token, upgrade })
    expect(explanation.upgrade ?? explanation.by).toBe(becomes)
    expect(explanation.decision).toBe(explanation.upgrade === undefined ? 'refused' : 'allowed')

    const before = upgrades()
    const headers = ['Connection: Upgrade', `Upgrade: ${upgrade}`, 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==']
    const caller = callers.open(asked, headOf(token, `${line} HTTP/1.1`, headers))
    await until(() => caller.text().includes('\r\n\r\n'))
    expect(caller.status()).toBe(becomes === 'passes' ? 101 : (explanation.answer.status ?? 200))
    expect(upgrades() - before).toBe(becomes === 'passes' ? 1 : 0)
  })

  test('one that nobody asks for is not spoken of', async () => {
    const asked = gateways.get('caller') ?? gateway
    const token = await asked.token({ scopes: ADMIN })
    expect(await explain(asked, { method: 'GET', path: '/live/feed', token })).not.toHaveProperty('upgrade')
  })
})
