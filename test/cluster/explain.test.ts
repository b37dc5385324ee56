import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { openLocalIssuer } from '../../src/auth/local-issuer.ts'
import type { Explanation } from '../../src/core/explain.ts'
import { call } from '../support/call.ts'
import { CHILD_ENVIRONMENT } from '../support/child-environment.ts'
import { CLI } from '../support/cli.ts'
import { plainCluster } from '../support/clusters.ts'
import { collectStream } from '../support/collected.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'

const OPS_TOKEN = 'an-ops-token-of-some-length'
const memories = testMemories(plainCluster().url)
const container = '/_plugins/_ml/memory_containers/c'
const own = `${container}/memories/working/own`
const settings = {
  memory: { containerIndex: memories.containerIndex },
  legacy: { container: 'c' },
}
const closers: (() => unknown)[] = []
let proxy: FaultProxy
let gateway: TestGateway

beforeAll(async () => {
  closers.push(() => memories.removeAll())
  await memories.putContainer('c', { owner: { name: 'carol' }, backend_roles: ['eng'] })
  await memories.putContainer('nobodys', {})
  await memories.putMemory('working', 'own', {
    memory_container_id: 'c',
    namespace: { user_id: 'alice' },
    owner_id: 'alice',
  })
  await memories.putMemory('working', 'foreign', { memory_container_id: 'c', owner_id: 'bob' })
  await memories.ask('PUT', `/${memories.prefix}-open/_doc/1?refresh=true`, { text: 'open' })
  closers.push(() => memories.ask('DELETE', `/${memories.prefix}-open`))
  proxy = await startFaultProxy(plainCluster().url)
  closers.push(() => proxy.close())
  gateway = await startTestGateway({
    ...settings,
    cluster: { nodes: [proxy.url] },
    routes: [
      { when: { paths: ['/nowhere/**'] }, require: { claim: { tenant: ['x'] } }, cluster: 'main' },
      { when: { issuer: 'https://issuer.test' }, cluster: 'main' },
    ],
  })
  closers.push(() => gateway.close())
})
afterAll(async () => {
  for (const close of closers.reverse()) await close()
})

const tokenOf = ({ scopes = ['memory:delete'] }: { readonly scopes?: readonly string[] } = {}): Promise<string> =>
  gateway.token({ scopes, extra: { backend_roles: ['eng'] } })

async function post(body: unknown, headers: Record<string, string> = {}, at = gateway.opsUrl) {
  const { status, text } = await call(at, {
    method: 'POST',
    path: '/explain',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return { status, text, explanation: JSON.parse(text) as Explanation }
}

async function explain(method: string, path: string, token?: string): Promise<Explanation> {
  const { status, text, explanation } = await post({ method, path, ...(token === undefined ? {} : { token }) })
  expect({ status, text }).toMatchObject({ status: 200 })
  if (token !== undefined) expect(text).not.toContain(token)
  return explanation
}

describe('POST /explain', () => {
  test('a delete that is allowed: by what, where, and nothing is removed', async () => {
    proxy.reset()
    expect(await explain('DELETE', own, await tokenOf())).toEqual({
      decision: 'allowed',
      why: `The memory is there and the caller may delete it from ${memories.indexOf('working')}`,
      answer: { status: 200 },
      route: 'deleteMemory',
      principal: { subject: 'alice', issuer: 'https://issuer.test', scopes: ['memory:delete'] },
      scopesNeeded: ['memory:delete', 'memory:delete:any'],
      cluster: { name: 'main', route: 1 },
      nodes: { next: [proxy.url], ejected: [] },
      container: { id: 'c', found: true, admittedBy: 'backendRole', indices: [memories.indexOf('working')] },
    })
    expect(proxy.requests.map(({ target }) => target.split('?')[0])).not.toContain('/_bulk')
    expect(await memories.hasMemory('working', 'own')).toBe(true)
  })

  test('a query and ids in a body: the body decides', async () => {
    const path = `${container}/memories/working/_delete_by_query`
    expect(await explain('POST', path, await tokenOf())).toMatchObject({
      decision: 'allowed',
      bodyDecides: expect.stringContaining('query') as unknown,
    })
    expect(await explain('POST', '/api/memories/bulk-delete', await tokenOf())).toMatchObject({
      bodyDecides: expect.stringContaining('ids') as unknown,
    })
    const reader = await tokenOf({ scopes: ['memory:read'] })
    expect(await explain('GET', `${container}/memories/working/_search`, reader)).toMatchObject({
      decision: 'allowed',
      answer: {},
      bodyDecides: expect.stringContaining('search') as unknown,
    })
    const adder = await tokenOf({ scopes: ['memory:write'] })
    expect(await explain('POST', `${container}/memories`, adder)).toMatchObject({
      decision: 'allowed',
      answer: {},
      container: { id: 'c', found: true, admittedBy: 'backendRole' },
      bodyDecides: expect.stringContaining('another memory container') as unknown,
    })
    const writer = await tokenOf({ scopes: ['opensearch:write'] })
    expect(await explain('POST', '/_bulk', writer)).toMatchObject({
      decision: 'allowed',
      bodyDecides: expect.stringContaining('(bulk)') as unknown,
    })
  })

  test('a cluster that is away: it cannot be told', async () => {
    const away = await startTestGateway({
      ...settings,
      cluster: { nodes: ['http://127.0.0.1:1'] },
      limits: { deadline: '2s' },
    })
    try {
      const token = await away.token()
      const { explanation } = await post({ method: 'DELETE', path: own, token }, {}, away.opsUrl)
      expect(explanation).toMatchObject({ decision: 'unknown', by: 'container' })
      expect(explanation.answer.status).toBeGreaterThanOrEqual(502)
    } finally {
      await away.close()
    }
  })
})

describe('what explain says is what the gateway then does (more in explain-agrees)', () => {
  test.each([[undefined], ['not.a.token']])('a bad token: %s', async (token) => {
    const explanation = await explain('DELETE', own, token)
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const reply = await call(gateway.url, { method: 'DELETE', path: own, headers })
    expect(explanation).toMatchObject({ decision: 'refused', by: 'token', answer: { status: reply.status } })
    expect(reply.status).toBe(401)
    expect(reply.text).toContain(JSON.stringify(explanation.answer.reason).slice(1, -1))
  })

  test('a rule of the guard is told with its position and its words', async () => {
    const reader = await tokenOf({ scopes: ['opensearch:read'] })
    const { guard, scopesNeeded } = await explain('PUT', `/${memories.prefix}-open/_doc/1`, reader)
    expect(guard).toMatchObject({
      class: 'write',
      rule: { position: 1, says: expect.stringContaining('opensearch:write') as unknown },
    })
    expect(scopesNeeded).toContain('opensearch:write')
  })

  test('and the delete that was allowed is made', async () => {
    const token = await tokenOf()
    expect(await explain('DELETE', own, token)).toMatchObject({ decision: 'allowed' })
    const { status } = await call(gateway.url, {
      method: 'DELETE',
      path: own,
      headers: { authorization: `Bearer ${token}` },
    })
    expect(status).toBe(200)
    expect(await explain('DELETE', own, token)).toMatchObject({ decision: 'refused', by: 'memory' })
  })
})

describe('who may ask', () => {
  const question = { method: 'GET', path: '/' }

  test('on loopback anybody, with JSON, by a name of this machine', async () => {
    expect((await post(question)).status).toBe(200)
    expect((await post(question, { 'content-type': 'text/plain' })).status).toBe(415)
    expect((await post(question, { host: 'evil.example' })).status).toBe(421)
    expect((await post({ ...question, more: 1 })).status).toBe(400)
    expect((await post({ ...question, upgrade: 'web socket' })).status).toBe(400)
    expect((await post({ ...question, path: 'x'.repeat(70_000) })).status).toBe(413)
    expect((await call(gateway.opsUrl, { path: '/explain' })).status).toBe(405)
  })

  test.each([[undefined], [OPS_TOKEN]])('off loopback, with ops.token %s', async (token) => {
    const ops = { host: '0.0.0.0', port: 0, ...(token === undefined ? {} : { token }) }
    const open = await startTestGateway({ ...settings, cluster: { nodes: [proxy.url] }, ops })
    const at = open.opsUrl.replace('0.0.0.0', '127.0.0.1')
    try {
      const statusWith = async (headers: Record<string, string>) => (await post(question, headers, at)).status
      expect(await statusWith({})).toBe(token === undefined ? 403 : 401)
      expect(await statusWith({ authorization: `Bearer ${OPS_TOKEN}x` })).toBe(token === undefined ? 403 : 401)
      expect(await statusWith({ authorization: `Bearer ${OPS_TOKEN}` })).toBe(token === undefined ? 403 : 200)
      expect((await call(at, { path: '/livez' })).status).toBe(200)
      expect(open.logLines.join('')).not.toContain(OPS_TOKEN)
    } finally {
      await open.close()
    }
  })
})

describe('memory-gateway explain', () => {
  let folder: string
  let token: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'memory-gateway-explain-'))
    closers.push(() => rmSync(folder, { recursive: true, force: true }))
    const issuer = await openLocalIssuer(join(folder, 'keys'), { issuer: 'https://local.test', create: true })
    token = await issuer.sign({ subject: 'bob', scopes: ['memory:delete:any'], audience: 'g', ttlMs: 600_000 })
    const config = (nodes: string[]) => ({
      ...settings,
      auth: { issuers: [{ issuer: 'https://local.test', audience: 'g', jwks: { file: 'keys/jwks.json' } }] },
      clusters: { main: { nodes, service: { kind: 'none' } } },
      limits: { deadline: '2s' },
    })
    writeFileSync(join(folder, 'good.yaml'), JSON.stringify(config([proxy.url])))
    writeFileSync(join(folder, 'away.yaml'), JSON.stringify(config(['http://127.0.0.1:1'])))
    writeFileSync(join(folder, 'bad.yaml'), '{}')
  })

  async function run(stdin: string, ...words: string[]) {
    const child = spawn(process.execPath, [CLI, 'explain', ...words], {
      cwd: folder,
      env: CHILD_ENVIRONMENT,
    })
    let out = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk))
    for (const stream of [child.stdout, child.stderr]) collectStream('explain', stream)
    child.stdin.on('error', () => undefined).end(stdin)
    const [code] = (await once(child, 'close')) as [number]
    return { code, out }
  }

  const foreign = `${container}/memories/working/foreign`

  test('in words: 0 allowed, 3 refused', async () => {
    const allowed = await run(`${token}\n`, '--config', 'good.yaml', '--upgrade', 'websocket', 'DELETE', foreign)
    expect(allowed.code).toBe(0)
    expect(allowed.out).toMatch(/^decision +allowed\nwhy +The memory is there/)
    expect(allowed.out).toMatch(/^upgrade +is left out/m)
    expect(allowed.out).not.toContain(token)
    expect(await memories.hasMemory('working', 'foreign')).toBe(true)
    const refused = await run('', '--config', 'good.yaml', 'DELETE', foreign)
    expect(refused.code).toBe(3)
    expect(refused.out).toMatch(/^decision +refused \(token\)\n/)
  })

  test('--json for machines; 1 where it cannot be told, 2 for bad command lines and configurations', async () => {
    const away = await run(token, '--config', 'away.yaml', '--json', 'DELETE', foreign)
    expect(away.code).toBe(1)
    expect(JSON.parse(away.out)).toMatchObject({ decision: 'unknown', by: 'container' })
    for (const words of [
      ['--config', 'bad.yaml', 'DELETE', foreign],
      ['--config', 'good.yaml', 'delete', foreign],
      ['--config', 'good.yaml', 'DELETE'],
    ])
      expect(await run(token, ...words)).toEqual({ code: 2, out: '' })
  })
})
