import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { compactVerify, createLocalJWKSet } from 'jose'
import type { JSONWebKeySet } from 'jose'

import { createReceiptKey } from '../../src/auth/receipt-keys.ts'
import { openTestAudit } from '../support/audit.ts'
import type { TestAudit } from '../support/audit.ts'
import { call } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { countIn, erasuresAt, openErasureWorld, OPS_TOKEN, putAll, putMany } from '../support/erasure-world.ts'
import type { ErasureWorld } from '../support/erasure-world.ts'
import { startTestGateway, TEST_ISSUER } from '../support/gateway.ts'
import type { GatewayOverrides, TestGateway } from '../support/gateway.ts'
import { until } from '../support/until.ts'

const folder = mkdtempSync(join(tmpdir(), 'memory-gateway-erasures-'))
const keyFile = join(folder, 'key.json')
let world: ErasureWorld
let audit: TestAudit
let gateway: TestGateway
let ops: ReturnType<typeof erasuresAt>

const start = async (more: Partial<GatewayOverrides> = {}): Promise<TestGateway> => {
  gateway = await startTestGateway({
    cluster: { nodes: [plainCluster().url] },
    ...world.settings,
    audit: { sink: 'file', file: audit.path, writer: 'gateway-1' },
    receipts: { mode: 'on', keys: [`file:${keyFile}`] },
    ...more,
  })
  ops = erasuresAt(gateway.opsUrl)
  return gateway
}

beforeAll(async () => {
  await createReceiptKey(keyFile)
  world = await openErasureWorld()
})
beforeEach(() => {
  audit = openTestAudit()
})
afterEach(async () => {
  await gateway.close()
  audit.remove()
})
afterAll(async () => {
  await world.removeAll()
  rmSync(folder, { recursive: true, force: true })
})

/** As anybody would who has the gateway's keys, and jose. */
async function read(receipt: string | undefined): Promise<unknown> {
  const { body } = await call(gateway.url, { path: '/.well-known/memory-gateway/jwks.json' })
  const { payload, protectedHeader } = await compactVerify(receipt ?? '', createLocalJWKSet(body as JSONWebKeySet))
  expect(protectedHeader.typ).toBe('memory-receipt+jwt')
  return JSON.parse(new TextDecoder().decode(payload))
}

/** Alice's in every container and type, and those of others that look like hers. */
const HERS = [
  ['working', 'by-owner', { memory_container_id: 'c', owner_id: 'alice' }],
  ['working', 'in-d', { memory_container_id: 'd', owner_id: 'alice' }],
  ['working', 'in-no-container-that-is-left', { memory_container_id: 'gone', owner_id: 'alice' }],
  ['sessions', 'session', { memory_container_id: 'c', owner_id: 'alice' }],
  ['long-term', 'by-the-second-field', { memory_container_id: 'c', created_by: 'alice' }],
  ['long-term', 'null-is-absent', { memory_container_id: 'c', owner_id: null, created_by: 'alice' }],
  ['history', 'history', { memory_container_id: 'd', owner_id: 'alice', created_by: 'bob' }],
] as const
const OTHERS = [
  ['space', { memory_container_id: 'c', owner_id: 'alice ' }],
  ['case', { memory_container_id: 'c', owner_id: 'Alice' }],
  ['longer', { memory_container_id: 'c', owner_id: 'alice2' }],
  ['list', { memory_container_id: 'c', owner_id: ['alice'] }],
  ['two', { memory_container_id: 'c', owner_id: ['alice', 'bob'] }],
  ['first-field-of-another', { memory_container_id: 'c', owner_id: 'bob', created_by: 'alice' }],
  ['unowned', { memory_container_id: 'c', text: 'alice' }],
  ['namespace-only', { memory_container_id: 'c', owner_id: 'bob', namespace: { user_id: 'alice' } }],
  ['key-that-looks-like-it', { memory_container_id: 'c', owner_id: 'bob', namespace: { 'user_id=alice': 'x' } }],
  ['namespace-list', { memory_container_id: 'c', owner_id: 'bob', namespace: { user_id: ['alice'] } }],
  ['no-container', { owner_id: 'alice' }],
  ['container-list', { memory_container_id: ['c'], owner_id: 'alice' }],
] as const

async function plant(): Promise<void> {
  await putAll([
    ...HERS.map(([type, id, source]) => [world.indexOf(type), id, source] as const),
    [world.other.indexOf('working'), 'elsewhere', { memory_container_id: 'e', owner_id: 'alice' }],
    ...OTHERS.flatMap(([id, source]) =>
      (['working', 'history'] as const).map((type) => [world.indexOf(type), `other-${id}`, source] as const),
    ),
  ])
}

async function remaining(): Promise<readonly string[]> {
  const left: string[] = []
  for (const [type, id] of HERS) if (await world.hasMemory(type, id)) left.push(id)
  if (await world.other.hasMemory('working', 'elsewhere')) left.push('elsewhere')
  return left
}

async function missing(): Promise<readonly string[]> {
  const gone: string[] = []
  for (const type of ['working', 'history'] as const) {
    for (const [id] of OTHERS) if (!(await world.hasMemory(type, `other-${id}`))) gone.push(`${type} ${id}`)
  }
  return gone
}

describe('an erasure by owner', () => {
  test('is planned, refused with another hash or when it no longer fits, applied, and ends with a receipt; look-alikes stay', async () => {
    await plant()
    await start()
    const planned = await ops.plan({ subject: 'alice' })
    expect(planned).toMatchObject({ subject: 'alice', state: 'planned', total: 8, deleted: 0 })
    const counts = planned.parts.map(({ container, type, total }) => [container, type, total])
    expect(counts.sort()).toEqual([
      ['c', 'long-term', 2],
      ['c', 'sessions', 1],
      ['c', 'working', 1],
      ['d', 'history', 1],
      ['d', 'working', 1],
      ['e', 'working', 1],
      ['gone', 'working', 1],
    ])
    expect((await ops.apply(planned.id, 'another')).status).toBe(409)
    expect(await remaining()).toHaveLength(8)

    await world.putMemory('working', 'written-since', { memory_container_id: 'c', owner_id: 'alice' })
    const late = await ops.apply(planned.id, planned.hash)
    const { error, erasure } = late.body as { error: string; erasure: typeof planned }
    expect([late.status, error, erasure.total]).toEqual([409, expect.stringContaining('no longer fits'), 9])
    expect(await remaining()).toHaveLength(8)

    const applied = await ops.apply(planned.id, erasure.hash)
    expect([applied.status, applied.body]).toEqual([202, expect.objectContaining({ state: 'running' })])
    const done = await ops.ended(planned.id)
    expect(done).toMatchObject({ state: 'done', total: 9, deleted: 9 })
    expect(done.parts.map(({ state }) => state)).toEqual(Array(7).fill('done'))
    expect([await remaining(), await missing()]).toEqual([[], []])
    expect(await world.hasMemory('working', 'written-since')).toBe(false)

    expect(await read(done.receipt)).toMatchObject({
      iss: 'memory-gateway',
      action: 'erase-person',
      erasure_id: planned.id,
      subject: 'alice',
      plan: erasure.hash,
      deleted: 9,
      left: 0,
      searched: { containers: 3, indices: 5 },
      parts: expect.arrayContaining([
        { cluster: 'main', container_id: 'c', type: 'long-term', index: world.indexOf('long-term'), deleted: 2 },
      ]) as unknown,
    })
    const records = () => audit.deletes().filter((record) => record['event.id'] === planned.id)
    await until(() => records().length === 3)
    expect(records()).toMatchObject([
      { 'memory.phase': 'refusal', 'memory.outcome': 'planNoLongerFits' },
      { 'memory.phase': 'intent', 'user.target.id': 'alice', 'memory.total': 9, 'memory.plan_hash': erasure.hash },
      { 'memory.phase': 'outcome', 'event.outcome': 'success', 'memory.deleted': 9 },
    ])
    expect((await ops.apply(planned.id, erasure.hash)).status).toBe(409)
    expect((await ops.cancel(planned.id)).status).toBe(409)
    let text = ''
    await until(async () => {
      ;({ text } = await call(gateway.opsUrl, { path: '/metrics' }))
      return text.includes('memory_gateway_erasures{state="done"} 1\n')
    })
    expect(text).toContain('memory_gateway_memories_erased_total{cluster="main"} 9\n')
  })

  test('of nobody is done with nothing deleted, and says so', async () => {
    await start()
    const planned = await ops.plan({ subject: 'nobody-at-all' })
    expect([planned.total, planned.parts]).toEqual([0, []])
    await ops.apply(planned.id, planned.hash)
    expect(await read((await ops.ended(planned.id)).receipt)).toMatchObject({ deleted: 0, left: 0, parts: [] })
  })
})

test('by a field of the namespace the memories of others go that it names, and only they', async () => {
  await plant()
  await start()
  const planned = await ops.plan({ subject: 'nobody', issuer: TEST_ISSUER, namespace: { user_id: 'alice' } })
  expect(planned).toMatchObject({ issuer: TEST_ISSUER, namespace: { user_id: 'alice' }, total: 2 })
  await ops.apply(planned.id, planned.hash)
  expect(await ops.ended(planned.id)).toMatchObject({ state: 'done', deleted: 2 })
  expect(await missing()).toEqual(['working namespace-only', 'history namespace-only'])
  expect(await remaining()).toHaveLength(8)
})

test('where the first field is below a flat object, whoever it names has the memory: the second one is not asked', async () => {
  const own = { memory_container_id: 'c', owner_id: 'agent' }
  await putAll([
    [world.indexOf('working'), 'bobs', { ...own, namespace: { user_id: 'bob' } }],
    [world.indexOf('working'), 'the-agents', { ...own, namespace: { 'user_id=agent': 'x' } }],
    [world.indexOf('working'), 'by-namespace', { ...own, owner_id: 'bob', namespace: { user_id: 'agent' } }],
  ])
  const ownership = { fields: ['namespace.user_id', 'owner_id'] }
  await start({ memory: { ...world.settings.memory, ownership } })
  const planned = await ops.plan({ subject: 'agent' })
  expect(planned.total).toBe(2)
  await ops.apply(planned.id, planned.hash)
  expect(await ops.ended(planned.id)).toMatchObject({ state: 'done', deleted: 2 })
  const left = await Promise.all(['bobs', 'the-agents', 'by-namespace'].map((id) => world.hasMemory('working', id)))
  expect(left).toEqual([true, false, false])
})

test('where it could not be told that all is gone nothing is planned, and the operator reads why', async () => {
  await start()
  const index = world.other.indexOf('history')
  const properties = { memory_container_id: { type: 'keyword' }, owner_id: { type: 'text' } }
  await world.ask('PUT', `/${index}`, { mappings: { properties } })
  const unmapped = await ops.ask('POST', '', { subject: 'alice' })
  expect([unmapped.status, unmapped.text]).toEqual([409, expect.stringContaining(`[${index}]`)])
  expect(unmapped.text).toContain('reindex')
  await world.ask('DELETE', `/${index}`)

  await world.putContainer('broken', { configuration: { index_prefix: '*' } })
  const unusable = await ops.ask('POST', '', { subject: 'alice' })
  expect([unusable.status, unusable.text]).toEqual([502, expect.stringContaining('[broken]')])
  await world.ask('DELETE', `/${world.containerIndex}/_doc/broken?refresh=true`)
})

test('an erasure that is cancelled midway keeps what is left, and can be planned anew', async () => {
  await putMany(world, 'sessions', 'carol', 60)
  const before = await countIn(world, 'sessions')
  await start({ erasures: { ...world.settings.erasures, requestsPerSecond: 10 } })
  const planned = await ops.plan({ subject: 'carol' })
  await ops.apply(planned.id, planned.hash)
  while ((await ops.read(planned.id)).deleted === 0);
  expect((await ops.cancel(planned.id)).status).toBe(202)
  const ended = await ops.ended(planned.id)
  expect(ended).toMatchObject({ state: 'cancelled', reason: 'It was cancelled' })
  const left = await countIn(world, 'sessions')
  expect(left).toBe(before - ended.deleted)
  expect(ended.deleted).toBeLessThan(60)
  await until(() => audit.deletes().at(-1)?.['memory.phase'] === 'outcome')
  expect(audit.deletes().at(-1)).toMatchObject({ 'event.outcome': 'failure', 'memory.deleted': ended.deleted })
  expect(await ops.plan({ subject: 'carol' })).toMatchObject({ total: 60 - ended.deleted })
})

test('memories written while it runs are found: it has failed, and says why', async () => {
  await putMany(world, 'history', 'dave', 30)
  await start({ erasures: { ...world.settings.erasures, requestsPerSecond: 10 } })
  const planned = await ops.plan({ subject: 'dave' })
  await ops.apply(planned.id, planned.hash)
  await world.putMemory('history', 'since', { memory_container_id: 'c', owner_id: 'dave' })
  const ended = await ops.ended(planned.id)
  expect(ended).toMatchObject({
    state: 'failed',
    reason: expect.stringMatching(/^1 memories are still there/) as unknown,
  })
  expect([ended.receipt, await world.hasMemory('history', 'since')]).toEqual([undefined, true])
})

describe('an erasure is not for everybody', () => {
  test('without the token of the ops port nothing is planned or told', async () => {
    await start()
    const headers = { 'content-type': 'application/json' }
    for (const token of [undefined, `${OPS_TOKEN}x`, await gateway.token()]) {
      const asked = { headers, ...(token === undefined ? {} : { token }) }
      expect((await call(gateway.opsUrl, { path: '/erasures', ...asked })).status).toBe(401)
      const body = '{"subject":"alice"}'
      expect((await call(gateway.opsUrl, { method: 'POST', path: '/erasures', body, ...asked })).status).toBe(401)
    }
  })

  test('what is kept of it is out of the reach of callers', async () => {
    await start()
    await ops.plan({ subject: 'alice' })
    const { index } = world.settings.erasures
    const token = await gateway.token({ scopes: ['opensearch:read', 'opensearch:write'] })
    const headers = { 'content-type': 'application/json' }
    for (const path of [`/${index}/_search`, `/${index.slice(0, 8)}*/_search`, `/${index}/_mapping`]) {
      expect((await call(gateway.url, { path, token })).status).toBe(403)
    }
    const body = `{"index":{"_index":"${index}","_id":"x"}}\n{}\n`
    const bulk = await call(gateway.url, { method: 'POST', path: '/_bulk', token, headers, body })
    expect(bulk.status).toBe(403)
  })

  test('off by default, with what to set; a body that is not one is refused', async () => {
    await start({ erasures: {} })
    const off = await ops.ask('GET', '')
    expect([off.status, off.body]).toEqual([409, { error: expect.stringContaining('erasures.cluster') as unknown }])
    await gateway.close()
    await start()
    for (const body of [{}, { subject: '' }, { subject: 'a', more: 1 }, { subject: 'a', namespace: { x: 1 } }, []]) {
      expect((await ops.ask('POST', '', body)).status).toBe(400)
    }
    expect((await ops.ask('POST', '', { subject: 'a', issuer: 'https://nobody.test' })).status).toBe(400)
    expect((await ops.ask('GET', '/nothing')).status).toBe(404)
    expect((await ops.ask('POST', '/nothing/apply', { hash: 'x' })).status).toBe(404)
  })
})
