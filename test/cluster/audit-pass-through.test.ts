import { Agent } from 'node:http'

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { briefly, openTestAudit } from '../support/audit.ts'
import type { AuditRecord } from '../support/audit.ts'
import { call } from '../support/call.ts'
import type { Call } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { openGatewayProcesses } from '../support/gateway-process.ts'
import type { GatewayProcess } from '../support/gateway-process.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'
import { until } from '../support/until.ts'

const memories = testMemories(plainCluster().url)
const index = memories.indexOf('working')
const plain = `${memories.prefix}-products`
const alias = `${memories.prefix}-alias`
const ADMIN = ['opensearch:admin']
const CALLER = ['opensearch:read', 'opensearch:write']
const json = { 'content-type': 'application/json' }
const audit = openTestAudit()
let proxy: FaultProxy
let gateway: TestGateway

beforeAll(async () => {
  proxy = await startFaultProxy(plainCluster().url)
  await memories.putContainer('c', { owner: { name: 'alice' } })
  gateway = await startTestGateway({
    cluster: { nodes: [proxy.url] },
    memory: { containerIndex: memories.containerIndex },
    audit: audit.required,
  })
  for (const id of ['a', 'b', 'c', 'd', 'e']) await memories.putMemory('working', id, { owner_id: 'alice' })
  await memories.ask('POST', '/_aliases', { actions: [{ add: { index, alias } }] })
  await memories.ask('PUT', `/${plain}/_doc/1?refresh=true`, {})
})
afterEach(() => proxy.reset())
afterAll(async () => {
  await gateway.close()
  await proxy.close()
  await memories.removeAll()
  await memories.ask('DELETE', `/${plain}`)
  audit.remove()
})

let count = 0
const recordsOf = (id: string): readonly AuditRecord[] =>
  audit.deletes().filter((record) => record['http.request.id'] === id)
/** Makes one request; the records of it, once a later one's are there. */
async function recorded(request: Call, scopes: readonly string[] | undefined = ADMIN) {
  const id = `p-${String((count += 1))}`
  const token = scopes.length === 0 ? {} : { token: await gateway.token({ subject: 'root', scopes }) }
  const { status } = await call(gateway.url, {
    ...request,
    ...token,
    headers: { 'x-request-id': id, ...request.headers },
  })
  const last = `after-${id}`
  const path = '/_plugins/_ml/memory_containers/c/memories/working/nobody'
  await call(gateway.url, {
    method: 'DELETE',
    path,
    token: await gateway.token(),
    headers: { 'x-request-id': last },
  })
  await until(() => recordsOf(last).length > 0)
  return { status, records: recordsOf(id) }
}
const lines = (...all: readonly unknown[]): string => all.map((line) => `${JSON.stringify(line)}\n`).join('')
const bulk = (...all: readonly unknown[]): Call => ({
  method: 'POST',
  path: '/_bulk?refresh=true',
  headers: json,
  body: lines(...all),
})

test('what is refused of such deletes has a record, without a token too; of other indices there is none', async () => {
  const requests: readonly Call[] = [
    { method: 'DELETE', path: `/${index}/_doc/e` },
    { method: 'POST', path: `/${index}/_delete_by_query`, headers: json, body: '{"query":{"match_all":{}}}' },
    bulk({ delete: { _index: index, _id: 'e' } }),
    { method: 'DELETE', path: `/${alias}/_doc/e` },
    { method: 'DELETE', path: `/${index}` },
    { method: 'POST', path: '/_aliases', headers: json, body: `{"actions":[{"remove_index":{"index":"${index}"}}]}` },
  ]
  const refused = await Promise.all(requests.map((request) => recorded(request, CALLER)))
  expect(refused.map(({ status, records }) => [status, ...briefly(records)])).toEqual([
    [403, 'refusal delete-document failure insufficientScope'],
    [403, 'refusal delete-documents failure insufficientScope'],
    [403, 'refusal delete-documents failure insufficientScope'],
    [403, 'refusal delete-document failure insufficientScope'],
    [403, 'refusal delete-index failure insufficientScope'],
    [403, 'refusal delete-index failure insufficientScope'],
  ])
  const anonymous = await recorded({ method: 'DELETE', path: `/${index}/_doc/e` }, [])
  expect([anonymous.status, ...briefly(anonymous.records)]).toEqual([
    401,
    'refusal delete-document failure missingToken',
  ])
  const none = await recorded({ method: 'DELETE', path: `/${plain}/_doc/e` }, ['opensearch:read'])
  expect([none.status, none.records]).toEqual([403, []])
})

describe('what opensearch:admin deletes through the gateway of what is protected', () => {
  test('a memory: an intent with its request line, and an outcome with the status', async () => {
    const { status, records } = await recorded({ method: 'DELETE', path: `/${index}/_doc/a?refresh=true` })
    expect(status).toBe(200)
    expect(briefly(records)).toEqual(['intent delete-document unknown', 'outcome delete-document success deleted'])
    expect(records[0]).toMatchObject({
      'user.id': 'root',
      'http.request.method': 'DELETE',
      'url.path': `/${index}/_doc/a`,
      'rule.name': 'opensearch:admin',
      'memory.cluster': 'main',
      'memory.index': index,
      'memory.id': 'a',
    })
    expect(records[1]).toMatchObject({
      'http.response.status_code': 200,
      'event.id': records[0]?.['event.id'],
      'memory.seq_no': expect.any(Number),
      'memory.primary_term': 1,
      'memory.version': 2,
    })
  })

  test('one that is not there: a failure', async () => {
    const { records } = await recorded({ method: 'DELETE', path: `/${index}/_doc/none` })
    expect(briefly(records)).toEqual(['intent delete-document unknown', 'outcome delete-document failure answered'])
    expect(records[1]).toMatchObject({ 'http.response.status_code': 404 })
  })

  test('by an alias, and by query: what was named', async () => {
    const one = await recorded({ method: 'DELETE', path: `/${alias}/_doc/b?refresh=true` })
    expect([one.status, ...briefly(one.records)]).toEqual([
      200,
      'intent delete-document unknown',
      'outcome delete-document success deleted',
    ])
    expect(one.records[0]).toMatchObject({ 'memory.indices': [alias] })
    const pattern = `${memories.prefix}-mem*`
    const query = await recorded({
      method: 'POST',
      path: `/${pattern}/_delete_by_query?refresh=true&q=_id:c`,
      headers: json,
    })
    expect([query.status, ...briefly(query.records)]).toEqual([
      200,
      'intent delete-documents unknown',
      'outcome delete-documents success answered',
    ])
    expect(query.records[1]).toMatchObject({ 'memory.total': 1, 'memory.deleted': 1, 'memory.failures': 0 })
    expect(query.records[0]).toMatchObject({
      'memory.indices': [pattern],
      'url.path': `/${pattern}/_delete_by_query`,
    })
    expect(await memories.hasMemory('working', 'c')).toBe(false)
  })

  test('by a bulk: how many, and where; one that deletes nothing there has no record', async () => {
    const { status, records } = await recorded(
      bulk(
        { delete: { _index: index, _id: 'd' } },
        { index: { _index: plain, _id: '2' } },
        { delete: 'a source line' },
        { delete: { _index: plain, _id: '1' } },
      ),
    )
    expect([status, ...briefly(records)]).toEqual([
      200,
      'intent delete-documents unknown',
      'outcome delete-documents success ran',
    ])
    expect(records[0]).toMatchObject({ 'memory.indices': [index, plain], 'memory.total': 2, 'url.path': '/_bulk' })
    expect((await recorded({ ...bulk({ delete: { _id: 'x' } }), path: `/${index}/_bulk` })).records[0]).toMatchObject({
      'memory.indices': [index],
      'memory.total': 1,
    })
    const others = [
      bulk({ delete: { _index: plain, _id: '2' } }),
      bulk({ index: { _index: index, _id: 'f' } }, { owner_id: 'alice' }),
      { method: 'DELETE', path: `/${plain}/_doc/2` },
    ]
    for (const other of others) expect((await recorded(other)).records).toEqual([])
  })

  test('by a bulk that nobody can read: it may have been all', async () => {
    const { status, records } = await recorded(bulk({ delete: { _index: index, _id: 'x', odd: {} } }))
    expect([status, ...briefly(records)]).toEqual([
      400,
      'intent delete-documents unknown',
      'outcome delete-documents failure answered',
    ])
    expect(records[0]).toMatchObject({ 'memory.indices': ['_all'] })
  })

  test.each<readonly [string, () => Call]>([
    ['a document', () => ({ method: 'DELETE', path: `/${index}/_doc/none` })],
    [
      'a bulk of 200 KB',
      () =>
        bulk(...Array.from({ length: 2_000 }, () => [{ index: { _index: plain } }, { text: 'x'.repeat(80) }]).flat(), {
          delete: { _index: index, _id: 'none' },
        }),
    ],
  ])('%s: the cluster does not have it whole before its intent is in the file', async (_, request) => {
    const hold = proxy.hold(({ method, target }) => method === 'DELETE' || target.startsWith('/_bulk'))
    const asked = recorded(request())
    await hold.arrived
    expect(briefly(recordsOf(`p-${String(count)}`)).map((one) => one.split(' ')[0])).toEqual(['intent'])
    hold.release()
    expect((await asked).records).toHaveLength(2)
  })

  test('an index, by a change of aliases', async () => {
    const history = memories.indexOf('history')
    const passing = `${plain}-passing`
    await memories.putMemory('history', 'h', { owner_id: 'alice' })
    await memories.ask('PUT', `/${passing}`)
    const change = (...actions: readonly unknown[]): Call => ({
      method: 'POST',
      path: '/_aliases',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ actions }),
    })
    const add = { add: { index: plain, alias: `${plain}-alias` } }

    const others = [change(add), change(add, { remove_index: { index: passing } })]
    for (const other of others) expect(await recorded(other)).toEqual({ status: 200, records: [] })
    const missing = await recorded(change({ remove_index: { indices: [plain, memories.indexOf('sessions')] } }))
    expect([missing.status, ...briefly(missing.records)]).toEqual([
      404,
      'intent delete-index unknown',
      'outcome delete-index failure answered',
    ])
    expect(missing.records[0]).toMatchObject({ 'memory.indices': [plain, memories.indexOf('sessions')] })
    const unread = await recorded({ ...change(), body: '{"actions":[],"actions":[]}' })
    expect(unread.records[0]).toMatchObject({ 'event.action': 'delete-index', 'memory.indices': ['_all'] })
    expect(await memories.hasMemory('history', 'h')).toBe(true)

    const { status, records } = await recorded(change(add, { remove_index: { index: history } }))
    expect([status, ...briefly(records)]).toEqual([
      200,
      'intent delete-index unknown',
      'outcome delete-index success deleted',
    ])
    expect(records[0]).toMatchObject({ 'memory.index': history, 'memory.indices': [history], 'url.path': '/_aliases' })
    expect((await memories.ask('GET', `/${history}`)).status).toBe(404)
  })

  test('an index', async () => {
    const { status, records } = await recorded({
      method: 'DELETE',
      path: `/${memories.prefix}-memory-history,${index}`,
    })
    expect([status, ...briefly(records)]).toEqual([
      404,
      'intent delete-index unknown',
      'outcome delete-index failure answered',
    ])
    const gone = await recorded({ method: 'DELETE', path: `/${index}` })
    expect([gone.status, ...briefly(gone.records)]).toEqual([
      200,
      'intent delete-index unknown',
      'outcome delete-index success deleted',
    ])
    expect(gone.records[0]).toMatchObject({ 'memory.index': index, 'memory.indices': [index] })
  })
})

test('a flood of refused callers has so many records a second, and all others are listed: each request once', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  const before = audit.records().length
  const path = '/_plugins/_ml/memory_containers/c/memories/working/x'
  const replies = await Promise.all(
    Array.from({ length: 500 }, (_, n) => {
      const token = n % 2 === 0 ? {} : { token: 'no.to.ken' }
      const asked = n % 10 === 0 ? `/${index}/_doc/x` : path
      return call(gateway.url, { method: 'DELETE', path: asked, agent, ...token })
    }),
  )
  agent.destroy()
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([401]))
  const since = (): readonly AuditRecord[] => audit.records().slice(before)
  const suppressed = (): number => since().reduce((sum, record) => sum + Number(record['memory.suppressed'] ?? 0), 0)
  const own = (): number => since().filter((record) => record['memory.phase'] === 'refusal').length
  await until(() => own() + suppressed() === 500)
  const sums = since().filter((record) => 'memory.suppressed' in record)
  expect(own()).toBeLessThanOrEqual(10 * (sums.length + 1))
  expect(sums[0]).toMatchObject({ 'event.action': 'delete-refused', 'event.outcome': 'failure' })
  const wanted = replies.map(({ headers }) => headers['x-request-id'])
  const told = audit.refused().filter((id) => wanted.includes(String(id)))
  expect([told.length, new Set(told)]).toEqual([500, new Set(wanted)])
  const entries = sums.flatMap((record) => record['memory.refusals'] as readonly AuditRecord[])
  const common = { offset_ms: expect.any(Number), request_id: expect.any(String), client_ip: '127.0.0.1' }
  const asked = { action: 'delete-memory', container_id: 'c', type: 'working', id: 'x', reason: 'missingToken' }
  expect(entries).toContainEqual({ ...common, ...asked })
  expect(entries).toContainEqual({ ...common, ...asked, reason: 'invalidToken' })
  const passed = { action: 'delete-document', method: 'DELETE', path: `/${index}/_doc/x`, indices: [index] }
  expect(entries).toContainEqual({ ...common, ...passed, reason: 'missingToken' })
  const { text } = await call(gateway.opsUrl, { path: '/metrics' })
  expect(text).toContain(`memory_gateway_audit_records_total{result="suppressed"} ${String(suppressed())}\n`)
  expect(await audit.verify({ isRunning: true })).toMatchObject({ intact: true })
})

test('a gateway that is killed while an index is deleted: the next start looks, and says that it is gone', async () => {
  const own = openTestAudit()
  const processes = await openGatewayProcesses(ADMIN)
  try {
    const start = (): Promise<GatewayProcess> =>
      processes.start({
        clusters: { main: { nodes: [proxy.url], service: { kind: 'none' } } },
        memory: { containerIndex: memories.containerIndex },
        audit: own.required,
      })
    const history = memories.indexOf('history')
    await memories.putMemory('history', 'a', { owner_id: 'alice' })
    const first = await start()
    const done = Promise.withResolvers<undefined>()
    proxy.on(
      ({ method, target }) => method === 'DELETE' && target === `/${history}`,
      async ({ ask }) => {
        await ask()
        done.resolve(undefined)
      },
    )
    const asked = call(first.url, { method: 'DELETE', path: `/${history}`, token: processes.token }).catch(() => 'gone')
    await done.promise
    first.child.kill('SIGKILL')
    expect(await asked).toBe('gone')
    await start()
    await until(() => own.deletes().some((record) => record['memory.phase'] === 'settled'))
    expect(own.deletes().at(-1)).toMatchObject({
      'event.action': 'delete-index',
      'memory.outcome': 'settled-gone',
      'memory.index': history,
    })
  } finally {
    await processes.close()
    own.remove()
  }
})
