import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'

import { briefly, openTestAudit } from '../support/audit.ts'
import type { AuditRecord } from '../support/audit.ts'
import { call } from '../support/call.ts'
import type { Call } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { explain } from '../support/explain.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'
import { DELETING, KEEPING, standInForScripts } from '../support/script-engine.ts'
import { until } from '../support/until.ts'

const memories = testMemories(plainCluster().url)
const index = memories.indexOf('working')
const plain = `${memories.prefix}-products`
const alias = `${memories.prefix}-alias`
const audit = openTestAudit()
const ADMIN = ['opensearch:admin']
const CALLER = ['opensearch:read', 'opensearch:write']
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
  await memories.putMemory('working', 'first', { owner_id: 'alice' })
  await memories.ask('POST', '/_aliases', { actions: [{ add: { index, alias } }] })
  await memories.ask('PUT', `/${plain}/_doc/1?refresh=true`, {})
})
beforeEach(async () => {
  proxy.reset()
  await standInForScripts(proxy, (method, path, body) => memories.ask(method, path, body))
})
afterAll(async () => {
  await gateway.close()
  await proxy.close()
  await memories.removeAll()
  await memories.ask('DELETE', `/${plain}`)
  audit.remove()
})

const json = (method: string, path: string, body: unknown): Call => ({
  method,
  path,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})
const lines = (...all: readonly unknown[]): Call => ({
  method: 'POST',
  path: '/_bulk?refresh=true',
  headers: { 'content-type': 'application/x-ndjson' },
  body: all.map((line) => `${JSON.stringify(line)}\n`).join(''),
})

let count = 0
const recordsOf = (id: string): readonly AuditRecord[] =>
  audit.deletes().filter((record) => record['http.request.id'] === id)

/** Makes one request; the records of it, once a later one's are there. */
async function recorded(request: Call, scopes: readonly string[] = ADMIN) {
  const id = `s-${String((count += 1))}`
  const token = await gateway.token({ subject: 'root', scopes })
  const reply = await call(gateway.url, { ...request, token, headers: { 'x-request-id': id, ...request.headers } })
  const after = { method: 'DELETE', path: `/${index}/_doc/none`, headers: { 'x-request-id': `after-${id}` } }
  await call(gateway.url, { ...after, token: await gateway.token({ scopes: ADMIN }) })
  await until(() => recordsOf(`after-${id}`).length === 2)
  return { status: reply.status, reply, records: recordsOf(id) }
}
const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('base64url')

describe('an update by a script', () => {
  const update = (path: string, body: unknown): Call => json('POST', path, body)

  test('that deletes a memory has an intent that names it, and the outcome that the cluster tells', async () => {
    for (const [id, name] of [['a', index], ['b', alias]] as const) {
      await memories.putMemory('working', id, { owner_id: 'alice' })
      const { status, records } = await recorded(update(`/${name}/_update/${id}?refresh=true`, { script: DELETING }))
      expect([status, ...briefly(records)]).toEqual([
        200,
        'intent update-document unknown',
        'outcome update-document success deleted',
      ])
      expect(records[0]).toMatchObject({
        'memory.indices': [name],
        'memory.id': id,
        'url.path': `/${name}/_update/${id}`,
        'rule.name': 'opensearch:admin',
      })
      expect(records[1]).toMatchObject({ 'memory.version': 2, 'memory.seq_no': expect.any(Number) })
      expect(records[1]?.['event.id']).toBe(records[0]?.['event.id'])
      expect(await memories.hasMemory('working', id)).toBe(false)
    }
  }) // prettier-ignore

  test('that changes it says so; one that fails, too', async () => {
    await memories.putMemory('working', 'k', { owner_id: 'alice' })
    const kept = await recorded(update(`/${index}/_update/k`, { script: KEEPING }))
    expect(briefly(kept.records).at(-1)).toBe('outcome update-document success updated')
    const missing = await recorded(update(`/${index}/_update/nobody`, { script: { id: 'no-such-script' } }))
    expect(briefly(missing.records).at(-1)).toBe('outcome update-document failure answered')
  })

  test('has its record whatever the body is coded in; one of another kind, or of another index, has none', async () => {
    const body = gzipSync(JSON.stringify({ script: { id: 'no-such-script' } }))
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
    const coded = await recorded({ method: 'POST', path: `/${index}/_update/k`, headers, body })
    expect(briefly(coded.records)).toHaveLength(2)
    const yaml = await recorded({
      method: 'POST',
      path: `/${index}/_update/k`,
      headers: { 'content-type': 'application/yaml' },
      body: 'doc: {"a": 2}\n',
    })
    // Nor can the answer be read: nothing is claimed of it.
    expect([yaml.status, briefly(yaml.records).at(-1)]).toEqual([200, 'outcome update-document unknown answered'])
    const others = [
      update(`/${index}/_update/k`, { doc: { text: '"script":{}', script: 'x'.repeat(200_000) } }),
      update(`/${plain}/_update/1`, { script: { id: 'no-such-script' } }),
    ]
    for (const other of others) expect((await recorded(other)).records).toEqual([])
  })

  test('of an administrator alone: a caller who may not has a refusal', async () => {
    const byId = await recorded(update(`/${index}/_update/k`, { script: DELETING }), CALLER)
    expect([byId.status, ...briefly(byId.records)]).toEqual([403, 'refusal update-document failure insufficientScope'])
    const byQuery = await recorded(json('POST', `/${alias}/_update_by_query`, { script: DELETING }), CALLER)
    expect([byQuery.status, ...briefly(byQuery.records)]).toEqual([
      403,
      'refusal update-documents failure insufficientScope',
    ])
    const bulk = await recorded(lines({ update: { _index: index, _id: 'k' } }, { script: DELETING }), CALLER)
    expect([bulk.status, ...briefly(bulk.records)]).toEqual([403, 'refusal delete-documents failure insufficientScope'])
    const anew = { source: { index: plain }, dest: { index }, script: DELETING }
    const reindex = await recorded(json('POST', '/_reindex', anew), CALLER)
    expect([reindex.status, ...briefly(reindex.records)]).toEqual([
      403,
      'refusal reindex-documents failure insufficientScope',
    ])
    expect(await memories.hasMemory('working', 'k')).toBe(true)
  })
})

describe('by a query', () => {
  test('an update has an intent with the hash of its bytes, and counts what its script deleted', async () => {
    for (const id of ['u1', 'u2']) await memories.putMemory('working', id, { owner_id: 'u' })
    const request = json('POST', `/${alias}/_update_by_query?refresh=true`, {
      query: { ids: { values: ['u1', 'u2'] } },
      script: DELETING,
    })
    const { status, records } = await recorded(request)
    expect([status, ...briefly(records)]).toEqual([
      200,
      'intent update-documents unknown',
      'outcome update-documents success answered',
    ])
    expect(records[0]).toMatchObject({ 'memory.indices': [alias], 'memory.query_hash': sha256(String(request.body)) })
    expect(records[1]).toMatchObject({ 'memory.total': 2, 'memory.deleted': 2, 'memory.failures': 0 })
  })

  test('a delete has its target, its counts, and the hash of its query; nothing of the query itself', async () => {
    for (const id of ['d1', 'd2', 'd3']) await memories.putMemory('working', id, { owner_id: 'QUERIED-TEXT' })
    const query = { query: { term: { 'owner_id.keyword': 'QUERIED-TEXT' } } }
    const path = `/${index}/_delete_by_query?refresh=true`
    const { status, reply, records } = await recorded(json('POST', path, query))
    expect([status, ...briefly(records)]).toEqual([
      200,
      'intent delete-documents unknown',
      'outcome delete-documents success answered',
    ])
    const named = { 'memory.indices': [index], 'memory.query_hash': sha256(JSON.stringify(query)) }
    expect(records).toMatchObject([named, named])
    expect(reply.body).toMatchObject({ deleted: 3 })
    expect(records[1]).toMatchObject({ 'memory.total': 3, 'memory.deleted': 3, 'memory.conflicts': 0 })
    expect(audit.text()).not.toContain('QUERIED-TEXT')

    // The server inflates it, and so does whoever compares hashes.
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
    const coded = { method: 'POST', path, headers, body: gzipSync(JSON.stringify(query)) }
    expect((await recorded(coded)).records[0]).toMatchObject(named)
    const inPath = await recorded({ method: 'POST', path: `${path}&q=_id:nobody` })
    expect([inPath.status, inPath.records[0]?.['memory.query_hash']]).toEqual([200, undefined])
  })

  test('one that goes on behind its answer claims nothing', async () => {
    const path = `/${index}/_delete_by_query?wait_for_completion=false`
    const { records } = await recorded(json('POST', path, { query: { ids: { values: ['nobody'] } } }))
    expect(briefly(records).at(-1)).toBe('outcome delete-documents unknown started')
  })

  test('the cluster does not have it whole before its intent is in the file', async () => {
    const hold = proxy.hold(({ target }) => target.includes('_by_query'))
    const asked = recorded(json('POST', `/${index}/_delete_by_query`, { query: { ids: { values: ['nobody'] } } }))
    await hold.arrived
    expect(briefly(recordsOf(`s-${String(count)}`)).map((one) => one.split(' ')[0])).toEqual(['intent'])
    hold.release()
    expect((await asked).records).toHaveLength(2)
  })
})

test('whose caller leaves in the middle has removed nothing, and a record says so', async () => {
  const { hostname, port } = new URL(gateway.url)
  const token = await gateway.token({ scopes: ADMIN })
  for (const [id, path] of [
    ['left-1', `/${index}/_update/k`],
    ['left-2', `/${index}/_delete_by_query`],
  ] as const) {
    const socket = connect(Number(port), hostname)
    const head = `POST ${path} HTTP/1.1\r\nhost: x\r\nx-request-id: ${id}\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n`
    socket.write(`${head}{"script":{"source":"${'x'.repeat(200_000)}`)
    socket.end()
    await until(() => recordsOf(id).length === 1)
    socket.destroy()
    expect(briefly(recordsOf(id))[0]).toMatch(/^refusal (?:update-document|delete-documents) failure \w+$/)
  }
})

describe('what is indexed anew', () => {
  const anew = (dest: unknown, script?: unknown): Call =>
    json('POST', '/_reindex?refresh=true', {
      source: { index: plain, query: { ids: { values: ['r1'] } } },
      dest,
      script,
    })

  test('into memories, by a script that deletes there, has records; without a script, or elsewhere, none', async () => {
    await memories.putMemory('working', 'r1', { owner_id: 'r' })
    await memories.ask('PUT', `/${plain}/_doc/r1?refresh=true`, { name: 'r' })
    for (const name of [index, alias]) {
      const request = anew({ index: name }, { id: 'no-such-script' })
      const failed = await recorded(request)
      expect(briefly(failed.records)).toEqual([
        'intent reindex-documents unknown',
        'outcome reindex-documents failure answered',
      ])
      expect(failed.records[0]).toMatchObject({
        'memory.indices': [name],
        'memory.query_hash': sha256(String(request.body)),
      })
    }
    const { records } = await recorded(anew({ index }, DELETING))
    expect(briefly(records).at(-1)).toBe('outcome reindex-documents success answered')
    expect(records[1]).toMatchObject({ 'memory.total': 1, 'memory.deleted': 1 })
    expect((await recorded(anew({ index: plain }, { id: 'no-such-script' }))).records).toEqual([])
    expect(await memories.hasMemory('working', 'r1')).toBe(false)
    expect((await recorded(anew({ index }))).records).toEqual([])
  })

  test('by a body that nobody can read may be anywhere', async () => {
    const headers = { 'content-type': 'application/json' }
    const { records } = await recorded({ method: 'POST', path: '/_reindex', headers, body: '{"dest":{},"dest":{}}' })
    expect(records[0]).toMatchObject({ 'event.action': 'reindex-documents', 'memory.indices': ['_all'] })
  })
})

describe('updates of a bulk', () => {
  test('have a line in the records where they hold a script, with what came of it', async () => {
    for (const id of ['l1', 'l2', 'l3']) await memories.putMemory('working', id, { owner_id: 'alice' })
    const { status, records } = await recorded(
      lines(
        { update: { _index: index, _id: 'l1' } },
        { doc: { text: 'x'.repeat(100_000), script: {} } },
        { update: { _index: index, _id: 'l1' } },
        { script: DELETING },
        { update: { _index: plain, _id: '1' } },
        { script: KEEPING },
        { update: { _index: index, _id: 'l2' } },
        { script: KEEPING },
        { delete: { _index: index, _id: 'l3' } },
      ),
    )
    expect([status, ...briefly(records)]).toEqual([
      200,
      'intent delete-documents unknown',
      'outcome delete-documents success ran',
    ])
    expect(records[0]?.['memory.items']).toEqual([
      { index, id: 'l1', script: true },
      { index, id: 'l2', script: true },
      { index, id: 'l3' },
    ])
    const items = records[1]?.['memory.items'] as readonly AuditRecord[]
    expect(items.map(({ id, result }) => [id, result])).toEqual([['l1', 'deleted'], ['l2', 'updated'], ['l3', 'deleted']]) // prettier-ignore
    expect(records[1]).toMatchObject({ 'memory.deleted': 2, 'memory.conflicts': 0, 'memory.failures': 0 })
  })

  test('that the cluster cannot run, and those without a script', async () => {
    const failed = await recorded(lines({ update: { _index: index, _id: 'k' } }, { script: { id: 'no-such-script' } }))
    expect(briefly(failed.records)).toEqual(['intent delete-documents unknown', 'outcome delete-documents failure ran'])
    expect(failed.records[1]).toMatchObject({ 'memory.deleted': 0, 'memory.failures': 1 })
    const plainUpdate = lines({ update: { _index: index, _id: 'k' } }, { doc: { a: 3 }, doc_as_upsert: true })
    expect((await recorded(plainUpdate)).records).toEqual([])
  })
})

test('a streamed bulk, whose lines the server would run as they come, is refused, and by every path; so it is foreseen', async () => {
  const body = `${JSON.stringify({ delete: { _index: index, _id: 'k' } })}\n`
  const headers = { 'content-type': 'application/x-ndjson' }
  for (const path of ['/_bulk/stream', `/${plain}/_bulk/stream`, '/_bulk/stream/?refresh=true']) {
    for (const method of ['POST', 'PUT']) {
      const { status, reply, records } = await recorded({ method, path, headers, body })
      expect([status, ...briefly(records)]).toEqual([403, 'refusal delete-documents failure guardRefused'])
      expect(JSON.stringify(reply.body)).toContain('send it to [_bulk]')
      expect(records[0]).toMatchObject({ 'memory.indices': ['_all'] })
    }
  }
  const stranger = await recorded({ method: 'POST', path: '/_bulk/stream', headers, body }, CALLER)
  expect(briefly(stranger.records)).toEqual(['refusal delete-documents failure insufficientScope'])
  const token = await gateway.token({ scopes: ADMIN })
  const foreseen = await explain(gateway, { method: 'POST', path: '/_bulk/stream', token })
  expect(JSON.stringify(foreseen)).toContain('send it to [_bulk]')
  expect(await memories.hasMemory('working', 'k')).toBe(true)
})
