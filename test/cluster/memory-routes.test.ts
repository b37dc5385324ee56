import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { MEMORY_OPERATIONS, MEMORY_ROUTES, scopesOf } from '../../src/core/memory-routes.ts'
import { MEMORY_TYPES } from '../../src/core/memory.ts'
import { SCOPES } from '../../src/core/principal.ts'
import { routeOf } from '../../src/core/route.ts'
import { parseTarget } from '../../src/core/target.ts'
import { call } from '../support/call.ts'
import type { Reply } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'
import { STAND_IN_ANSWER, startPluginStandIn } from '../support/plugin-stand-in.ts'
import type { PluginStandIn } from '../support/plugin-stand-in.ts'
import { concretePath, PLUGIN_ROUTES } from '../vectors/plugin-routes.ts'

const memories = testMemories(plainCluster().url)
const ROOT = '/_plugins/_ml/memory_containers'
/** Stands in a memory that its asker must not reach, and nowhere else. */
const CANARY = 'canary-7f3e'
let standIn: PluginStandIn
let gateway: TestGateway

beforeAll(async () => {
  standIn = await startPluginStandIn(plainCluster().url)
  gateway = await startTestGateway({
    cluster: { nodes: [standIn.url] },
    memory: { containerIndex: memories.containerIndex },
  })
  await memories.putContainer('of-alice', { owner: { name: 'alice' } })
  await memories.putContainer('of-bob', { owner: { name: 'bob' } })
  await memories.putContainer('of-both', { owner: { name: 'bob' }, backend_roles: ['team'] })
  await memories.putContainer('of-nobody')
  for (const type of MEMORY_TYPES) {
    const of = (container: string, owner: string, text: string): object => ({
      memory_container_id: container,
      owner_id: owner,
      ...(type === 'long-term' ? { memory: text } : { summary: text, binary_data: text, error: text }),
    })
    await memories.putMemory(type, 'own', { ...of('of-alice', 'alice', 'her own') })
    await memories.putMemory(type, 'foreign', { ...of('of-bob', 'bob', CANARY) })
    await memories.putMemory(type, 'claimed', { ...of('of-bob', 'alice', CANARY) })
    await memories.putMemory(type, 'unnamed', { owner_id: 'alice', memory: CANARY, summary: CANARY })
    await memories.putMemory(type, 'of-a-colleague', { ...of('of-both', 'bob', CANARY) })
  }
})
afterAll(async () => {
  await gateway.close()
  await standIn.close()
  await memories.removeAll()
})

interface Asked {
  readonly subject?: string
  readonly scopes?: readonly string[]
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

async function ask(method: string, path: string, asked: Asked = {}): Promise<Reply> {
  const { subject = 'alice', scopes = ['memory:read', 'memory:write'], body, headers = {} } = asked
  const token = await gateway.token({ subject, scopes, extra: { backend_roles: subject === 'alice' ? ['team'] : [] } })
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  return call(gateway.url, {
    method,
    path: ROOT + path,
    token,
    headers: { ...type, ...headers },
    ...(body === undefined ? {} : { body }),
  })
}

const reasonOf = ({ body }: Reply): string => (body as { error: { reason: string } }).error.reason

describe('a scope for every route', () => {
  test.each(PLUGIN_ROUTES)('$method $path is 403 without its scope', async ({ method, path }) => {
    const target = concretePath(path)
    const { kind } = routeOf(method, parseTarget(target))
    const needed: readonly string[] = scopesOf(kind as keyof typeof MEMORY_OPERATIONS)
    const others = SCOPES.filter((scope) => !needed.includes(scope))
    const reply = await ask(method, target.slice(ROOT.length), { scopes: others, body: '{}' })
    expect({ status: reply.status, reason: reasonOf(reply) }).toEqual({
      status: 403,
      reason: `The bearer token lacks the scope for this request: ${String(needed[0])}`,
    })
    expect(reply.headers['www-authenticate']).toContain(`scope="${String(needed[0])}"`)
    expect(standIn.take()).toEqual([])
  })

  test.each([
    ['POST', '/of-alice/memories/working/own/_history'],
    ['GET', '/of-alice/_stats'],
    ['POST', '/_import/all'],
    ['GET', ''],
    ['POST', '/of-alice/Memories'],
  ])('%s %s has no row: 403, and for an administrator the cluster answers', async (method, path) => {
    const others = SCOPES.filter((scope) => scope !== 'opensearch:admin')
    expect(await ask(method, path, { scopes: others })).toMatchObject({ status: 403 })
    expect(standIn.take()).toEqual([])
    expect(await ask(method, path, { scopes: ['opensearch:admin'] })).toMatchObject(STAND_IN_ANSWER)
    expect(standIn.take()).toMatchObject([{ method, target: ROOT + path }])
  })

  test('an administrator reaches what is sent on unseen, and nothing else', async () => {
    for (const { method, path } of PLUGIN_ROUTES) {
      const target = concretePath(path)
      const { kind } = routeOf(method, parseTarget(target))
      const { served } = MEMORY_OPERATIONS[kind as keyof typeof MEMORY_OPERATIONS]
      const { status } = await ask(method, target.slice(ROOT.length), { scopes: ['opensearch:admin'], body: '{}' })
      expect({ method, path, status }).toEqual({
        method,
        path,
        status: served === 'admin' ? STAND_IN_ANSWER.status : 403,
      })
    }
    expect(standIn.take()).toHaveLength(
      MEMORY_ROUTES.flatMap(({ operations }) => Object.values(operations)).filter(
        (operation) => MEMORY_OPERATIONS[operation].served === 'admin',
      ).length,
    )
  })
})

describe.each(MEMORY_TYPES)('one memory of type %s', (type) => {
  test('its owner reads it, and has it updated', async () => {
    const read = await ask('GET', `/of-alice/memories/${type}/own`)
    expect(read.status).toBe(200)
    expect(read.text).toContain('her own')
    const body = '{"summary":  "new", "n": 1.0}'
    expect(await ask('PUT', `/of-alice/memories/${type}/own`, { body })).toMatchObject(STAND_IN_ANSWER)
    expect(standIn.take()).toMatchObject([
      { method: 'PUT', target: `${ROOT}/of-alice/memories/${type}/own`, body: Buffer.from(body) },
    ])
  })

  test.each(['foreign', 'claimed', 'unnamed', 'none-at-all'])(
    '%s is not there for alice, whatever she does',
    async (id) => {
      for (const method of ['GET', 'PUT']) {
        const reply = await ask(method, `/of-alice/memories/${type}/${id}`, method === 'PUT' ? { body: '{}' } : {})
        expect({ status: reply.status, reason: reasonOf(reply) }).toEqual({ status: 404, reason: 'Memory not found' })
        expect(reply.text).not.toContain(CANARY)
      }
      expect(standIn.take()).toEqual([])
    },
  )

  test("a container that is somebody else's is closed, memory or not", async () => {
    for (const id of ['foreign', 'none-at-all']) {
      expect(reasonOf(await ask('GET', `/of-bob/memories/${type}/${id}`))).toBe(
        "User doesn't have permissions to get memories in this container",
      )
      expect(reasonOf(await ask('PUT', `/of-bob/memories/${type}/${id}`, { body: '{}' }))).toBe(
        "User doesn't have permissions to update memories in this container",
      )
    }
    expect(standIn.take()).toEqual([])
  })

  test("a colleague's memory in a shared container is theirs alone", async () => {
    const read = await ask('GET', `/of-both/memories/${type}/of-a-colleague`)
    expect({ status: read.status, reason: reasonOf(read) }).toEqual({
      status: 403,
      reason: "User doesn't have permissions to get this memory",
    })
    const update = await ask('PUT', `/of-both/memories/${type}/of-a-colleague`, { body: '{}' })
    expect(reasonOf(update)).toBe("User doesn't have permissions to update this memory")
    expect(standIn.take()).toEqual([])
    expect((await ask('GET', `/of-both/memories/${type}/of-a-colleague`, { subject: 'bob' })).text).toContain(CANARY)
  })

  test('an override is for its own kind of work', async () => {
    const path = `/of-bob/memories/${type}/foreign`
    const scopes = { read: ['memory:read:any', 'memory:write'], write: ['memory:write:any', 'memory:read'] }
    const erase = ['memory:delete:any', 'memory:read', 'memory:write']
    expect((await ask('GET', path, { scopes: scopes.read })).text).toContain(CANARY)
    expect(await ask('GET', path, { scopes: scopes.write })).toMatchObject({ status: 403 })
    expect(await ask('GET', path, { scopes: erase })).toMatchObject({ status: 403 })
    expect(await ask('PUT', path, { scopes: scopes.read, body: '{}' })).toMatchObject({ status: 403 })
    expect(await ask('PUT', path, { scopes: erase, body: '{}' })).toMatchObject({ status: 403 })
    expect(standIn.take()).toEqual([])
    expect(await ask('PUT', path, { scopes: scopes.write, body: '{}' })).toMatchObject(STAND_IN_ANSWER)
    // Also with the override it stays a memory of its own container.
    const elsewhere = await ask('PUT', `/of-alice/memories/${type}/foreign`, { scopes: scopes.write, body: '{}' })
    expect(elsewhere.status).toBe(404)
    expect(standIn.take()).toHaveLength(1)
  })
})

describe('what concerns a container as a whole', () => {
  const REQUESTS = [
    ['GET', '', 'privilege to perform this operation on this memory container'],
    ['PUT', '', 'permissions to update memories in this container'],
    ['POST', '/memories/sessions', 'permissions to add memory to this container'],
  ] as const

  test.each(REQUESTS)('%s {container}%s goes on once the caller is admitted', async (method, rest, words) => {
    const body = method === 'GET' ? {} : { body: '{"b": 1.0,"a":[]}' }
    expect(await ask(method, `/of-alice${rest}?pretty`, body)).toMatchObject(STAND_IN_ANSWER)
    const [arrival, ...others] = standIn.take()
    expect(others).toEqual([])
    expect(arrival).toMatchObject({ method, target: `${ROOT}/of-alice${rest}?pretty` })
    expect(arrival?.body.toString()).toBe(body.body ?? '')
    expect(arrival?.headers['authorization']).toMatch(/^Bearer /)

    const refused = await ask(method, `/of-bob${rest}`, body)
    expect(refused.status).toBe(403)
    expect(reasonOf(refused)).toBe(`User doesn't have ${words}`)
    const missing = await ask(method, `/no%2Fne${rest}`, body)
    expect({ status: missing.status, reason: reasonOf(missing) }).toEqual({
      status: 404,
      reason:
        method === 'GET'
          ? 'Failed to find memory container with the provided memory container id: no/ne'
          : 'Memory container not found',
    })
    expect(standIn.take()).toEqual([])
  })

  test('a container that names nobody is open to all, but not to be changed', async () => {
    expect(await ask('GET', '/of-nobody')).toMatchObject(STAND_IN_ANSWER)
    expect(await ask('POST', '/of-nobody/memories/sessions', { body: '{}' })).toMatchObject(STAND_IN_ANSWER)
    expect(standIn.take()).toHaveLength(2)
    expect(await ask('PUT', '/of-nobody', { body: '{"backend_roles":["team"]}' })).toMatchObject({ status: 403 })
    expect(standIn.take()).toEqual([])
    const scopes = ['memory:write:any']
    expect(await ask('PUT', '/of-nobody', { scopes, body: '{}' })).toMatchObject(STAND_IN_ANSWER)
    expect(standIn.take()).toHaveLength(1)
  })

  test.each(['memory_container_id=of-bob', 'memory_id=foreign', 'memory_type=history', 'source=%7B%7D', 'x'])(
    'a parameter %s never goes on: the plugin has names like it for the parts of the path',
    async (query) => {
      for (const [method, path] of [
        ['GET', '/of-alice'],
        ['PUT', '/of-alice'],
        ['POST', '/of-alice/memories/sessions'],
        ['PUT', '/of-alice/memories/working/own'],
        ['GET', '/of-alice/memories/working/own'],
      ] as const) {
        const reply = await ask(method, `${path}?${query}`, method === 'GET' ? {} : { body: '{}' })
        expect(reply.status).toBe(400)
        expect(reasonOf(reply)).toMatch(/contains unrecognized parameter: \[/)
      }
      expect(standIn.take()).toEqual([])
    },
  )
})

describe('how a memory is answered', () => {
  test('filtered and laid out as asked, in real time', async () => {
    await memories.ask('PUT', `/${memories.indexOf('working')}/_doc/fresh`, {
      owner_id: 'alice',
      memory_container_id: 'of-alice',
      tags: { topic: 'x' },
      created_time: 1,
      unknown_field: 'not said',
    })
    const whole = await ask('GET', '/of-alice/memories/working/fresh')
    expect(whole.text).toBe(
      '{"memory_container_id":"of-alice","payload_type":"conversational","infer":false,"tags":{"topic":"x"},"created_time":1,"owner_id":"alice"}',
    )
    const part = await ask('GET', '/of-alice/memories/WORKING/fresh?filter_path=tags.*&pretty')
    expect(part.text).toBe('{\n  "tags" : {\n    "topic" : "x"\n  }\n}\n')
    expect((await ask('GET', '/of-alice/memories/working/fresh?format=yaml&filter_path=infer')).text).toBe(
      '---\ninfer: false\n',
    )
  })

  test('an index that was never made, and a type that is switched off', async () => {
    await memories.putContainer('elsewhere', {
      owner: { name: 'alice' },
      configuration: { index_prefix: `${memories.prefix}-none`, disable_session: true },
    })
    const missing = await ask('GET', '/elsewhere/memories/working/m')
    expect(missing.status).toBe(404)
    expect(reasonOf(missing)).toBe(`no such index [${memories.prefix}-none-memory-working]`)
    expect(reasonOf(await ask('GET', '/elsewhere/memories/sessions/m'))).toBe('Memory index not found')
    expect(reasonOf(await ask('GET', '/elsewhere/memories/session/m'))).toBe(
      'Invalid memory type: session. Must be one of: sessions, working, long-term, history',
    )
  })

  test('no memory text is in the log', () => {
    expect(gateway.logLines.join('')).not.toContain(CANARY)
    expect(gateway.logLines.join('')).not.toContain('her own')
    expect(gateway.logLines.some((line) => line.includes('"route":"getMemory"'))).toBe(true)
  })
})

test("a rule that is closed to everybody closes an administrator's routes", async () => {
  const closed = await startTestGateway({
    cluster: { nodes: [standIn.url] },
    guard: {
      rules: [
        { methods: ['POST'], paths: [`${ROOT}/_create`], scopes: [] },
        { classes: ['admin'], scopes: ['opensearch:admin'] },
      ],
    },
  })
  try {
    const token = await closed.token({ scopes: ['opensearch:admin'] })
    const asked = (path: string): Promise<Reply> => call(closed.url, { method: 'POST', path: ROOT + path, token })
    expect(await asked('/_create')).toMatchObject({ status: 403 })
    expect(standIn.take()).toEqual([])
    expect(await asked('/_import/all')).toMatchObject(STAND_IN_ANSWER)
    expect(standIn.take()).toMatchObject([{ target: `${ROOT}/_import/all` }])
  } finally {
    await closed.close()
  }
})

test('a cluster without the plugin says so itself', async () => {
  const direct = await startTestGateway({
    cluster: { nodes: [plainCluster().url] },
    memory: { containerIndex: memories.containerIndex },
  })
  try {
    const token = await direct.token({ scopes: ['memory:write'] })
    const path = `${ROOT}/of-alice/memories/working/own`
    const headers = { 'content-type': 'application/json' }
    const reply = await call(direct.url, { method: 'PUT', path, token, headers, body: '{}' })
    expect(reply.status).toBe(400)
    expect(reply.body).toEqual({ error: `no handler found for uri [${path}] and method [PUT]` })
  } finally {
    await direct.close()
  }
})
