import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { openTestAudit } from '../support/audit.ts'
import type { AuditRecord } from '../support/audit.ts'
import { call } from '../support/call.ts'
import type { Call, Reply } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { answerWith, bulk, cutBefore, multiGet, startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { startTestGateway, TEST_ISSUER } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'
import { until } from '../support/until.ts'

const memories = testMemories(plainCluster().url)
const audit = openTestAudit()
const OWN = { memory_container_id: 'c', owner_id: 'alice', messages: 'SECRET-TEXT' }
const CONTAINERS = '/_plugins/_ml/memory_containers'
let proxy: FaultProxy
let gateway: TestGateway

beforeAll(async () => {
  proxy = await startFaultProxy(plainCluster().url)
  await memories.putContainer('c', { owner: { name: 'alice' } })
  gateway = await startTestGateway({
    cluster: { nodes: [proxy.url] },
    memory: { containerIndex: memories.containerIndex },
    legacy: { container: 'c' },
    listen: { port: 0, trustedProxies: ['127.0.0.1'] },
    audit: audit.required,
  })
})
afterEach(() => proxy.reset())
afterAll(async () => {
  await gateway.close()
  await proxy.close()
  await memories.removeAll()
  audit.remove()
})

let count = 0

/** Makes one request, and waits for its last record. */
async function recorded(request: Call, claims?: Parameters<TestGateway['token']>[0] | 'none') {
  const id = `r-${String((count += 1))}`
  const token = claims === 'none' ? {} : { token: await gateway.token(claims) }
  const headers = { 'x-request-id': id, 'x-forwarded-for': '203.0.113.7', ...request.headers }
  const reply = await call(gateway.url, { ...request, ...token, headers })
  const mine = (): readonly AuditRecord[] => audit.deletes().filter((record) => record['http.request.id'] === id)
  await until(() => ['outcome', 'refusal', 'replay'].includes(String(mine().at(-1)?.['memory.phase'])))
  return { reply, records: mine() }
}

const deletion = (type: string, id: string): Call => ({
  method: 'DELETE',
  path: `${CONTAINERS}/c/memories/${type}/${id}`,
})
const brief = (records: readonly AuditRecord[]): readonly string[] =>
  records.map((one) => [one['memory.phase'], one['event.outcome'], one['memory.outcome']].filter(Boolean).join(' '))

describe('a delete', () => {
  test('has an intent with the rule that allows it, and an outcome with what the cluster says of it', async () => {
    await memories.putMemory('working', 'one', OWN)
    const { reply, records } = await recorded(deletion('working', 'one'))
    const [intent, outcome] = records
    const who = {
      'user.id': 'alice',
      'user.domain': TEST_ISSUER,
      'client.ip': '203.0.113.7',
      'http.request.id': reply.headers['x-request-id'],
      'event.action': 'delete-memory',
      'memory.cluster': 'main',
      'memory.container_id': 'c',
      'memory.type': 'working',
      'memory.id': 'one',
      'memory.index': memories.indexOf('working'),
      'rule.name': 'owner/owner_id',
    }
    expect(intent).toMatchObject({
      ...who,
      'memory.phase': 'intent',
      'event.outcome': 'unknown',
      'memory.seq_no': expect.any(Number),
    })
    const { _seq_no, _version, _primary_term } = reply.body as Readonly<Record<string, unknown>>
    expect(outcome).toMatchObject({
      ...who,
      'memory.phase': 'outcome',
      'event.outcome': 'success',
      'memory.outcome': 'deleted',
      'memory.seq_no': _seq_no,
      'memory.version': _version,
      'memory.primary_term': _primary_term,
      'event.id': intent?.['event.id'],
    })
  })

  test('is not made before its intent is in the file', async () => {
    await memories.putMemory('working', 'ordered', OWN)
    const hold = proxy.hold(bulk)
    const done = recorded(deletion('working', 'ordered'))
    await hold.arrived
    expect(brief(audit.deletes().filter((record) => record['memory.id'] === 'ordered'))).toEqual(['intent unknown'])
    hold.release()
    expect((await done).reply.status).toBe(200)
  })

  test('whose order nobody confirms has an outcome that claims nothing', async () => {
    await memories.putMemory('working', 'lost', OWN)
    proxy.on(bulk, cutBefore)
    const { reply, records } = await recorded(deletion('working', 'lost'))
    expect(reply.status).toBe(504)
    expect(brief(records).at(-1)).toBe('outcome unknown outcomeUnknown')
  })

  test('by MemoryPlugin, one or many: each has its own records', async () => {
    await memories.putMemory('working', 'p1', OWN)
    await memories.putMemory('long-term', 'p2', OWN)
    const one = await recorded({ method: 'DELETE', path: '/api/memories/p1' })
    expect(one.records).toMatchObject([
      { 'memory.type': 'working', 'memory.id': 'p1' },
      { 'memory.outcome': 'deleted', 'memory.type': 'working' },
    ])
    const body = JSON.stringify({ memoryIds: ['p2', 'nobody'] })
    const headers = { 'content-type': 'application/json' }
    const many = await recorded({ method: 'POST', path: '/api/memories/bulk-delete', headers, body })
    expect(many.reply.body).toMatchObject({ deleted: 1, failed: 1 })
    await until(
      () =>
        audit.deletes().filter((record) => record['http.request.id'] === many.records[0]?.['http.request.id'])
          .length === 3,
    )
    const all = audit.deletes().filter((record) => record['http.request.id'] === many.records[0]?.['http.request.id'])
    expect(brief(all).toSorted()).toEqual([
      'intent unknown',
      'outcome success deleted',
      'refusal failure memoryNotFound',
    ])
  })

  test('by query names every memory that it is about to remove, and ends with counts', async () => {
    for (const id of ['q1', 'q2']) await memories.putMemory('history', id, { ...OWN, action: 'ADD' })
    const body = JSON.stringify({ query: { match: { action: 'ADD' } } })
    const headers = { 'content-type': 'application/json' }
    const path = `${CONTAINERS}/c/memories/history/_delete_by_query`
    const { reply, records } = await recorded({ method: 'POST', path, headers, body })
    expect(reply.body).toMatchObject({ deleted: 2 })
    const [intent, outcome] = records
    expect([...(intent?.['memory.ids'] as readonly string[])].sort()).toEqual(['q1', 'q2'])
    expect(intent).toMatchObject({
      'memory.query_hash': expect.stringMatching(/^[\w-]{43}$/),
      'memory.index': memories.indexOf('history'),
    })
    expect(outcome).toMatchObject({
      'memory.total': 2,
      'memory.deleted': 2,
      'memory.conflicts': 0,
      'memory.failures': 0,
      'event.outcome': 'success',
    })
    const dry = await recorded({ method: 'POST', path: `${path}?dry_run=true`, headers, body })
    expect(brief(dry.records)).toEqual(['outcome success ran'])
    expect(dry.records[0]).toMatchObject({ 'memory.dry_run': true, 'memory.deleted': 0 })
  })

  test('of a session with its memories, and of a container with its indices', async () => {
    await memories.putMemory('sessions', 's1', OWN)
    await memories.putMemory('working', 'of-s1', { ...OWN, namespace: { session_id: 's1' } })
    const session = await recorded(deletion('sessions', 's1?cascade=true'))
    expect(session.reply.status).toBe(200)
    expect(brief(session.records)).toEqual(['intent unknown', 'intent unknown', 'outcome success deleted'])
    expect(session.records).toMatchObject([{ 'memory.ids': ['of-s1'] }, { 'memory.id': 's1' }, { 'memory.deleted': 2 }])

    const prefix = `${memories.prefix}-other`
    await memories.putContainer('d', { owner: { name: 'alice' }, configuration: { index_prefix: prefix } })
    const path = `${CONTAINERS}/d?delete_memories=working`
    const container = await recorded({ method: 'DELETE', path }, { scopes: ['memory:delete:container'] })
    expect(container.reply.status).toBe(200)
    expect(container.records).toMatchObject([
      { 'event.action': 'delete-container', 'memory.index': `${prefix}-memory-working` },
      { 'memory.index': memories.containerIndex, 'memory.id': 'd' },
      { 'memory.outcome': 'deleted', 'memory.container_id': 'd' },
    ])
  })

  test('whose answer is given once more says so', async () => {
    await memories.putMemory('working', 'twice', OWN)
    const request = { ...deletion('working', 'twice'), headers: { 'idempotency-key': 'twice' } }
    await recorded(request)
    const again = await recorded(request)
    expect(again.reply.headers['idempotent-replayed']).toBe('true')
    expect(brief(again.records)).toEqual(['replay success deleted'])
  })
})

describe('every refusal has a record', () => {
  interface Refused {
    readonly request: Call
    readonly claims?: Parameters<TestGateway['token']>[0] | 'none'
    readonly status: number
    readonly says: string
    readonly fields?: AuditRecord
  }
  const other = { subject: 'mallory' }
  const table: Readonly<Record<string, Refused>> = {
    'no token': {
      request: deletion('working', 'x'),
      claims: 'none',
      status: 401,
      says: 'missingToken',
      fields: { 'memory.id': 'x', 'memory.type': 'working', 'memory.container_id': 'c' },
    },
    'a token that is not good': {
      request: { ...deletion('working', 'x'), headers: { authorization: 'Bearer a.b.c' } },
      claims: 'none',
      status: 401,
      says: 'invalidToken',
    },
    'no scope': {
      request: deletion('working', 'x'),
      claims: { scopes: ['memory:read'] },
      status: 403,
      says: 'insufficientScope',
      fields: { 'user.id': 'alice' },
    },
    'a container that does not admit': {
      request: deletion('working', 'x'),
      claims: other,
      status: 403,
      says: 'denied/container',
      fields: { 'user.id': 'mallory', 'rule.name': 'denied/container' },
    },
    "another's memory": { request: deletion('working', 'of-bob'), status: 403, says: 'denied/owner' },
    'no such memory': { request: deletion('working', 'nobody'), status: 404, says: 'memoryNotFound' },
    'no such container': {
      request: { method: 'DELETE', path: `${CONTAINERS}/nowhere/memories/working/x` },
      status: 404,
      says: 'containerNotFound',
    },
    'no such type': {
      request: deletion('nonsense', 'x'),
      status: 400,
      says: 'invalidMemoryType',
      fields: { 'memory.type': 'nonsense' },
    },
    'a parameter that nobody knows': {
      request: deletion('working', 'x?y=1'),
      status: 400,
      says: 'unrecognizedParameter',
    },
    'a target that can be read in two ways': {
      request: { method: 'DELETE', path: '/_plugins/_ml/memory_containers/c/memories/working/%zz' },
      status: 400,
      says: 'ambiguousTarget',
    },
    'a list that is none': {
      request: {
        method: 'POST',
        path: '/api/memories/bulk-delete',
        body: '{}',
        headers: { 'content-type': 'application/json' },
      },
      status: 400,
      says: 'invalidBody',
      fields: { 'event.action': 'delete-memories' },
    },
    'a query that is not allowed': {
      request: {
        method: 'POST',
        path: `${CONTAINERS}/c/memories/working/_delete_by_query`,
        body: '{"query":{"wrapper":{"query":"e30="}}}',
        headers: { 'content-type': 'application/json' },
      },
      status: 400,
      says: 'invalidQuery',
    },
    'a container without its scope': {
      request: { method: 'DELETE', path: `${CONTAINERS}/c` },
      status: 403,
      says: 'insufficientScope',
      fields: { 'event.action': 'delete-container', 'memory.container_id': 'c' },
    },
    'retention without its scope': {
      request: { method: 'POST', path: `${CONTAINERS}/_retention/_execute` },
      status: 403,
      says: 'insufficientScope',
      fields: { 'event.action': 'execute-retention' },
    },
  }

  beforeAll(() => memories.putMemory('working', 'of-bob', { ...OWN, owner_id: 'bob' }))

  test.each(Object.entries(table))('%s', async (_, { request, claims, status, says, fields = {} }) => {
    const { reply, records } = await recorded(request, claims)
    expect({ status: reply.status, records: brief(records) }).toEqual({ status, records: [`refusal failure ${says}`] })
    expect(records[0]).toMatchObject({ 'client.ip': '203.0.113.7', ...fields })
  })

  test('the cluster away', async () => {
    proxy.on(multiGet, answerWith(503, {}))
    const { reply, records } = await recorded(deletion('working', 'x'))
    expect({ status: reply.status, records: brief(records) }).toEqual({
      status: 502,
      records: ['refusal failure upstreamUnavailable'],
    })
  })
})

test('what is no delete has no record', async () => {
  const before = audit.deletes().length
  const reply: Reply = await call(gateway.url, {
    path: '/',
    token: await gateway.token({ scopes: ['opensearch:read'] }),
  })
  expect(reply.status).toBe(200)
  await recorded(deletion('working', 'nobody'))
  expect(audit.deletes().length).toBe(before + 1)
})

test('the metrics count the records, and /readyz says that it can be written', async () => {
  const { text } = await call(gateway.opsUrl, { path: '/metrics' })
  expect(Number(/^memory_gateway_audit_records_total\{result="written"\} (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(20)
  expect(text).toContain('memory_gateway_audit_records_total{result="lost"} 0\n')
  expect(text).toContain('memory_gateway_audit_failures_total 0\n')
  expect(text).toContain('memory_gateway_audit_waiting_records 0\n')
  const { body } = await call(gateway.opsUrl, { path: '/readyz' })
  expect(body).toMatchObject({ checks: { audit: { ok: true, failing: false } } })
})

test('the chain is intact, and holds no token and no text of a memory', async () => {
  const text = audit.text()
  expect(text).not.toContain('SECRET-TEXT')
  expect(text).not.toMatch(/eyJ|Bearer/)
  expect(await audit.verify({ isRunning: true })).toMatchObject({ intact: true, findings: [] })
})
