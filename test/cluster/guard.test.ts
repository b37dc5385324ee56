import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'

import { GUARDED_WORLD, GUARD_REQUESTS } from '../vectors/guard-requests.ts'
import { call } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { answerWith, startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { rawRequest, sendRaw } from '../support/raw-http.ts'

const SECRET = 'what the canary sings'
const SEC = 'guarded-sec-memory-working'

let proxy: FaultProxy
let gateway: TestGateway
let observing: TestGateway
const closers: (() => Promise<unknown>)[] = []

async function ask(method: string, path: string, body?: unknown): Promise<{ status: number; text: string }> {
  const { status, text } = await call(plainCluster().url, {
    method,
    path,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status, text }
}

async function removeWorld(): Promise<void> {
  for (const index of [...GUARDED_WORLD.indices, 'guarded-not-there', 'guarded-late', 'guarded-later-memory-working']) {
    await ask('DELETE', `/${index}`)
  }
}

beforeAll(async () => {
  await removeWorld()
  for (const index of GUARDED_WORLD.indices) {
    await ask('PUT', `/${index}`, { settings: { number_of_replicas: 0, number_of_shards: 1 } })
    await ask('PUT', `/${index}/_doc/1?refresh=true`, { text: 'hello' })
  }
  await ask('PUT', `/${SEC}/_doc/canary?refresh=true`, { secret: SECRET })
  for (const [alias, indices] of Object.entries(GUARDED_WORLD.aliases)) {
    await ask('POST', '/_aliases', { actions: [{ add: { indices, alias } }] })
  }
  proxy = await startFaultProxy(plainCluster().url)
  closers.push(() => proxy.close())
  gateway = await startTestGateway({ cluster: { nodes: [proxy.url] } })
  closers.push(() => gateway.close())
  observing = await startTestGateway({ cluster: { nodes: [proxy.url] }, guard: { mode: 'observe' } })
  closers.push(() => observing.close())
  proxy.reset()
})
beforeEach(async () => {
  proxy.reset()
  // One of the vectors deletes it.
  await ask('PUT', '/guarded-pub/_doc/1?refresh=true', { text: 'hello' })
})
afterAll(async () => {
  for (const close of closers.reverse()) await close()
  await removeWorld()
})

/** What the cluster was asked, but for the gateway's own look at the names of its indices. */
function asked(): readonly string[] {
  return proxy.requests.filter(({ target }) => !target.startsWith('/_resolve/index/*')).map(({ target }) => target)
}

async function send(
  method: string,
  target: string,
  token: string,
  at = gateway,
): Promise<{ status: number; text: string }> {
  const headers = [`Authorization: Bearer ${token}`, 'Content-Type: application/json', 'Content-Length: 0']
  const { statuses, text } = await sendRaw(at.url, rawRequest(`${method} ${target}`, headers))
  expect(statuses).toHaveLength(1)
  return { status: statuses[0] ?? 0, text }
}

describe('requests that name an index with memories, in any way', () => {
  test('none is heard by the cluster, and the canary stays', async () => {
    const both = await gateway.token({ scopes: ['opensearch:read', 'opensearch:write'] })
    const refused = GUARD_REQUESTS.filter(({ passes }) => passes === '')
    expect(refused.length).toBeGreaterThan(250)
    for (const { method, target } of refused) {
      proxy.reset()
      const { status, text } = await send(method, target, both)
      expect({ method, target, status }).toEqual({ method, target, status: 403 })
      expect({ method, target, asked: asked() }).toEqual({ method, target, asked: [] })
      expect(text).not.toContain(SECRET)
    }
    const canary = await ask('GET', `/${SEC}/_doc/canary`)
    expect(JSON.parse(canary.text)).toMatchObject({ found: true, _version: 1, _source: { secret: SECRET } })
  })

  test('opensearch:admin reaches it', async () => {
    const admin = await gateway.token({ scopes: ['opensearch:admin'] })
    for (const target of [`/${SEC}/_doc/canary`, '/guarded-trap/_doc/canary', '/guarded-sec-*/_search']) {
      const { status, text } = await send('GET', target, admin)
      expect(status).toBe(200)
      expect(text).toContain(SECRET)
    }
  })
})

describe('requests that must work', () => {
  test('go to the cluster as they are, and its answer comes back', async () => {
    const tokens = {
      r: await gateway.token({ scopes: ['opensearch:read'] }),
      w: await gateway.token({ scopes: ['opensearch:write'] }),
    }
    // A search without a body names no index; a bulk without one is nothing.
    const open = GUARD_REQUESTS.filter(
      ({ passes, target }) => passes !== '' && !/^\/_(?:search$|msearch|mget|bulk)/.test(target),
    )
    expect(open.length).toBeGreaterThan(90)
    for (const { method, target, passes } of open) {
      proxy.reset()
      const { status, text } = await send(method, target, passes.startsWith('r') ? tokens.r : tokens.w)
      expect({ method, target, asked: asked(), isOurs: text.includes('only opensearch:admin') }).toEqual({
        method,
        target,
        asked: [target],
        isOurs: false,
      })
      expect({ method, target, isServed: status !== 403 && status < 500 }).toEqual({ method, target, isServed: true })
      expect(text).not.toContain(SECRET)
    }
  })
})

describe('the table of the cluster’s indices', () => {
  const read = (): Promise<string> => gateway.token({ scopes: ['opensearch:read'] })

  test('an alias made a moment ago is seen, and so is an index', async () => {
    const token = await read()
    expect((await send('GET', '/guarded-late-alias/_doc/canary', token)).status).toBe(404)
    await ask('POST', '/_aliases', { actions: [{ add: { index: SEC, alias: 'guarded-late-alias' } }] })
    const { status, text } = await send('GET', '/guarded-late-alias/_doc/canary', token)
    expect(status).toBe(403)
    expect(text).not.toContain(SECRET)
    await ask('POST', '/_aliases', { actions: [{ remove: { index: SEC, alias: 'guarded-late-alias' } }] })

    const strict = await startTestGateway({
      cluster: { nodes: [proxy.url] },
      guard: { indexTable: { freshFor: '0s' } },
    })
    closers.push(() => strict.close())
    const ofStrict = await strict.token({ scopes: ['opensearch:read'] })
    expect((await send('GET', '/guarded-late*/_search', ofStrict, strict)).status).toBe(200)
    await ask('PUT', '/guarded-later-memory-working')
    expect((await send('GET', '/guarded-late*/_search', ofStrict, strict)).status).toBe(403)
  })

  test('hidden and closed indices are in it', async () => {
    await ask('PUT', '/guarded-late', { settings: { index: { hidden: true } }, aliases: {} })
    const token = await read()
    expect((await send('GET', '/guarded-sec*/_search?expand_wildcards=closed', token)).status).toBe(403)
    await ask('POST', `/${SEC}/_close`)
    expect((await send('GET', '/guarded-sec*/_search?ignore_unavailable=true', token)).status).toBe(403)
    await ask('POST', `/${SEC}/_open`)
  })

  test('where it cannot be had, what needs it is a 503; literal memory indices are a 403, and admins pass', async () => {
    const fresh = await startTestGateway({ cluster: { nodes: [proxy.url] } })
    closers.push(() => fresh.close())
    proxy.reset()
    proxy.on(({ target }) => target.startsWith('/_resolve/index/*'), answerWith(500, '{"error":"no"}'))
    const token = await fresh.token({ scopes: ['opensearch:read'] })
    for (const target of [
      '/guarded-pub/_doc/1',
      '/guarded-logs-*/_search',
      '/_cat/indices',
      '/guarded-trap/_doc/canary',
    ]) {
      const { status, text } = await send('GET', target, token, fresh)
      expect({ target, status }).toEqual({ target, status: 503 })
      expect(text).toContain('The gateway cannot tell at the moment which indices this request would reach')
      expect(text).toMatch(/^retry-after: 1\r$/m)
    }
    expect((await send('GET', `/${SEC}/_doc/canary`, token, fresh)).status).toBe(403)
    expect((await send('GET', '/', token, fresh)).status).toBe(200)
    const admin = await fresh.token({ scopes: ['opensearch:admin'] })
    expect((await send('GET', '/guarded-pub/_doc/1', admin, fresh)).status).toBe(200)
    proxy.reset()
    expect((await send('GET', '/guarded-pub/_doc/1', token, fresh)).status).toBe(200)
  })
})

describe('guard.mode: observe', () => {
  test('lets through what the rules refuse, and says so; memories stay out of reach', async () => {
    const token = await observing.token({ scopes: [] })
    expect((await send('GET', '/guarded-pub/_doc/1', token, observing)).status).toBe(200)
    const line = observing.logLines
      .map((text) => JSON.parse(text) as Record<string, unknown>)
      .find(({ cause }) => cause === 'missingScope')
    expect(line).toMatchObject({
      msg: 'the guard would refuse this',
      method: 'GET',
      api: 'get',
      class: 'read',
      rule: 0,
    })
    const { text: metrics } = await call(observing.opsUrl, { path: '/metrics' })
    expect(metrics).toMatch(
      /memory_gateway_guard_decisions_total\{outcome="observed",cause="missingScope",class="read"\} \d/,
    )

    proxy.reset()
    const refused = await send('GET', `/${SEC}/_doc/canary`, token, observing)
    expect(refused.status).toBe(403)
    expect(asked()).toEqual([])
    expect(observing.logLines[0]).toContain('guard.mode is observe')
  })

  test('lets through those too where that is asked for', async () => {
    const open = await startTestGateway({
      cluster: { nodes: [proxy.url] },
      guard: { mode: 'observe', protectedIndices: { mode: 'observe' } },
    })
    closers.push(() => open.close())
    const token = await open.token({ scopes: ['opensearch:read'] })
    expect((await send('GET', `/${SEC}/_doc/canary`, token, open)).text).toContain(SECRET)
    expect(open.logLines.some((line) => line.includes('"cause":"protectedIndex"'))).toBe(true)
  })
})

test('the operator’s own rules: for the gateway’s own routes too, where they name their paths', async () => {
  const rules = [
    { paths: ['/_plugins/_ml/memory_containers/closed/**'], scopes: [] },
    { paths: ['/api/memories/**'], scopes: ['apps:use'] },
    { paths: ['/**'], scopes: ['everything:use'] },
  ]
  const legacy = { container: 'open', types: ['working' as const] }
  const ruled = await startTestGateway({ cluster: { nodes: [proxy.url] }, legacy, guard: { rules } })
  closers.push(() => ruled.close())
  const scopes = ['memory:delete', 'memory:delete:any', 'memory:read', 'memory:write', 'memory:delete:container']
  const token = await ruled.token({ scopes })
  const app = await ruled.token({ scopes: [...scopes, 'apps:use'] })
  const memory = '/_plugins/_ml/memory_containers/closed/memories/working'
  proxy.reset()
  for (const line of [
    `DELETE ${memory}/m`,
    `DELETE ${memory.replace('working', 'Work%69ng')}/m`,
    `GET ${memory}/m`,
    `PUT ${memory}/m`,
    `POST ${memory}/_search`,
    `POST ${memory}/_delete_by_query`,
    'POST /_plugins/_ml/memory_containers/closed/memories',
    'POST /_plugins/_ml/memory_containers/closed/memories/sessions',
    'DELETE /api/memories/m',
    'POST /api/memories/bulk-delete',
  ]) {
    const [method = '', target = ''] = line.split(' ')
    const { status } = await send(method, target, token, ruled)
    expect({ line, status, asked: asked() }).toEqual({ line, status: 403, asked: [] })
  }
  // Neither container is there: these are looked for.
  expect((await send('DELETE', '/api/memories/m', app, ruled)).status).toBe(404)
  expect((await send('DELETE', memory.replace('closed', 'open') + '/m', token, ruled)).status).toBe(404)
  const { text } = await call(ruled.opsUrl, {
    method: 'POST',
    path: '/explain',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ method: 'DELETE', path: `${memory}/m`, token }),
  })
  expect(text).toContain('A rule of the gateway closes this to everybody')
})

test('the operator’s own rules: by index, by path, closed to everybody, and nothing for what fits none', async () => {
  const ruled = await startTestGateway({
    cluster: { nodes: [proxy.url] },
    guard: {
      rules: [
        { indices: ['guarded-logs-2'], scopes: [] },
        { classes: ['read'], indices: ['guarded-logs-*'], scopes: ['logs:read'] },
        { methods: ['GET'], paths: ['/_nodes', '/_nodes/**'], scopes: ['ops:nodes'] },
        { paths: ['/_plugins/_sql'], scopes: ['sql:use'] },
      ],
    },
  })
  closers.push(() => ruled.close())
  const logs = await ruled.token({ scopes: ['logs:read', 'ops:nodes', 'sql:use'] })
  const admin = await ruled.token({ scopes: ['opensearch:admin'] })
  const statusOf = async (line: string, token: string): Promise<number> =>
    (await send(line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1), token, ruled)).status
  expect(await statusOf('GET /guarded-logs-1/_doc/1', logs)).toBe(200)
  expect(await statusOf('GET /guarded-logs-1/_doc/1', admin)).toBe(200)
  expect(await statusOf('GET /_nodes', logs)).toBe(200)
  for (const line of [
    'GET /guarded-logs-2/_doc/1',
    'GET /guarded-logs-*/_search',
    'GET /guarded-logs-1,guarded-logs-2/_search',
  ]) {
    expect({ line, status: await statusOf(line, logs) }).toEqual({ line, status: 403 })
    expect({ line, status: await statusOf(line, admin) }).toEqual({ line, status: 403 })
  }
  // No rule is for these; and one that is cannot open what may reach every index.
  for (const line of [
    'GET /guarded-pub/_doc/1',
    'PUT /guarded-logs-1/_doc/1',
    'GET /guarded-logs-1,guarded-pub/_search',
    'POST /_plugins/_sql',
  ]) {
    expect({ line, status: await statusOf(line, logs) }).toEqual({ line, status: 403 })
  }
  expect(await statusOf('GET /guarded-pub/_doc/1', admin)).toBe(403)
})
