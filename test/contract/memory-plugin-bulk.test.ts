import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import request from 'supertest'

import { plainCluster } from '../support/clusters.ts'
import { bulk, cutAfter, startFaultProxy } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'
import { requireDescribed } from './described.ts'

const memories = testMemories(plainCluster().url)
const PATH = '/api/memories/bulk-delete'
let gateway: TestGateway
let token: string

beforeAll(async () => {
  await memories.putContainer('c')
  gateway = await startTestGateway({
    cluster: { nodes: [plainCluster().url] },
    memory: { containerIndex: memories.containerIndex },
    legacy: { container: 'c' },
  })
  token = await gateway.token()
})
afterAll(async () => {
  await gateway.close()
  await memories.removeAll()
})

async function send(body: string | Uint8Array<ArrayBuffer>, headers: Readonly<Record<string, string>> = {}) {
  const answer = await fetch(gateway.url + PATH, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    body,
  })
  const text = await answer.text()
  const answered = { status: answer.status, headers: Object.fromEntries(answer.headers), text }
  requireDescribed({ method: 'POST', target: PATH }, answered)
  return { status: answer.status, body: JSON.parse(text) as unknown, type: answer.headers.get('content-type') }
}
const JSON_TYPE = 'application/json; charset=UTF-8'

describe('a bulk delete', () => {
  test('deletes each memory by its own check, and counts the rest as failed', async () => {
    await memories.putMemory('working', 'w1', { memory_container_id: 'c', owner_id: 'alice' })
    await memories.putMemory('long-term', 'l1', { memory_container_id: 'c', owner_id: 'alice' })
    await memories.putMemory('working', 'bobs', { memory_container_id: 'c', owner_id: 'bob' })
    await memories.putMemory('working', 'foreign', { memory_container_id: 'other', owner_id: 'alice' })
    const memoryIds = ['w1', 'l1', 'bobs', 'foreign', 'nowhere', 'w1']

    const answer = await send(JSON.stringify({ memoryIds, note: 'ignored' }))

    expect(answer).toEqual({ status: 200, body: { deleted: 2, failed: 3 }, type: JSON_TYPE })
    expect(await memories.hasMemory('working', 'w1')).toBe(false)
    expect(await memories.hasMemory('long-term', 'l1')).toBe(false)
    expect(await memories.hasMemory('working', 'bobs')).toBe(true)
    expect(await memories.hasMemory('working', 'foreign')).toBe(true)
  })

  test('takes 1,000 ids at once, and none', async () => {
    const memoryIds = Array.from({ length: 1000 }, (_, position) => `many-${String(position)}`)
    const lines = memoryIds.flatMap((_id) => [
      JSON.stringify({ index: { _index: memories.indexOf('working'), _id } }),
      JSON.stringify({ memory_container_id: 'c', owner_id: 'alice' }),
    ])
    const seeded = await fetch(`${plainCluster().url}/_bulk?refresh=true`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: `${lines.join('\n')}\n`,
    })
    expect(await seeded.json()).toMatchObject({ errors: false })
    expect(await send(JSON.stringify({ memoryIds }))).toMatchObject({ status: 200, body: { deleted: 1000, failed: 0 } })
    expect(await memories.hasMemory('working', 'many-999')).toBe(false)
    expect(await send('{"memoryIds":[]}')).toMatchObject({ status: 200, body: { deleted: 0, failed: 0 } })
  })

  const TOO_MANY = JSON.stringify({ memoryIds: Array.from({ length: 1001 }, (_, position) => String(position)) })
  test.each([
    ['no body', '', 'The body must be JSON'],
    ['broken JSON', '{"memoryIds":["a"', 'The body must be JSON'],
    ['a list', '["a"]', 'The body must be a JSON object that names each member once'],
    ['null', 'null', 'The body must be a JSON object that names each member once'],
    [
      'a member twice',
      '{"memoryIds":["a"],"memoryI\\u0064s":["b"]}',
      'The body must be a JSON object that names each member once',
    ],
    ['no ids', '{"ids":["a"]}', 'memoryIds must be a list of memory IDs'],
    ['an id that is no list', '{"memoryIds":"a"}', 'memoryIds must be a list of memory IDs'],
    ['a number', '{"memoryIds":["a",1]}', 'memoryIds[1] must be a memory ID'],
    ['a blank id', '{"memoryIds":[" "]}', 'memoryIds[0] must be a memory ID'],
    ['a lone surrogate', '{"memoryIds":["\\ud800"]}', 'memoryIds[0] must be no longer than 512 bytes of UTF-8'],
    [
      '513 bytes',
      JSON.stringify({ memoryIds: ['i'.repeat(513)] }),
      'memoryIds[0] must be no longer than 512 bytes of UTF-8',
    ],
    ['1,001 ids', TOO_MANY, 'memoryIds must not hold more than 1000 memory IDs'],
  ])('refuses %s, and says why', async (_, body, error) => {
    expect(await send(body)).toEqual({ status: 400, body: { error }, type: JSON_TYPE })
  })

  test('refuses what is not UTF-8, what is encoded and what is too large', async () => {
    const notUtf8 = new Uint8Array([
      ...new TextEncoder().encode('{"memoryIds":["'),
      0xff,
      ...new TextEncoder().encode('"]}'),
    ])
    expect(await send(notUtf8)).toMatchObject({ status: 400, body: { error: 'The body is not UTF-8, or broke off' } })
    const zipped = new Uint8Array(gzipSync('{"memoryIds":["a"]}'))
    const encoded = 'The body must be sent without a content encoding'
    expect(await send(zipped, { 'content-encoding': 'gzip' })).toMatchObject({ status: 400, body: { error: encoded } })
    const large = JSON.stringify({ memoryIds: [], padding: 'x'.repeat(1_048_576) })
    expect(await send(large)).toMatchObject({ status: 413, body: { error: 'Payload too large' } })
  })

  test('needs a token with the scope, and POST', async () => {
    const without = await request(gateway.url)
      .post(PATH)
      .send({ memoryIds: ['a'] })
    expect({ status: without.status, body: without.body as unknown }).toEqual({
      status: 401,
      body: { error: 'Unauthorized' },
    })
    const other = await gateway.token({ scopes: ['memory:read'] })
    const forbidden = await request(gateway.url)
      .post(PATH)
      .auth(other, { type: 'bearer' })
      .send({ memoryIds: ['a'] })
    expect({ status: forbidden.status, body: forbidden.body as unknown }).toEqual({
      status: 403,
      body: { error: 'Forbidden' },
    })
    const got = await request(gateway.url).get(PATH).auth(token, { type: 'bearer' })
    expect({ status: got.status, allow: got.headers['allow'] }).toEqual({ status: 405, allow: 'DELETE,POST' })
  })

  test('counts what is gone after a lost answer as deleted, each of them', async () => {
    const memoryIds = Array.from({ length: 20 }, (_, position) => `lost-${String(position)}`)
    for (const id of memoryIds) await memories.putMemory('working', id, { memory_container_id: 'c', owner_id: 'alice' })
    const proxy = await startFaultProxy(plainCluster().url)
    const behind = await startTestGateway({
      cluster: { nodes: [proxy.url] },
      memory: { containerIndex: memories.containerIndex },
      legacy: { container: 'c', types: ['working'] },
    })
    try {
      proxy.on(bulk, cutAfter, 1)
      const answer = await request(behind.url)
        .post(PATH)
        .auth(await behind.token(), { type: 'bearer' })
        .send({ memoryIds })
      expect(answer.body as unknown).toEqual({ deleted: 20, failed: 0 })
    } finally {
      await behind.close()
      await proxy.close()
    }
  })

  test('is a failure, not a count, where nothing could be decided', async () => {
    const away = await startTestGateway({
      cluster: { nodes: ['http://127.0.0.1:1'] },
      legacy: { container: 'c' },
    })
    try {
      const answer = await request(away.url)
        .post(PATH)
        .auth(await away.token(), { type: 'bearer' })
        .send({ memoryIds: ['a', 'b'] })
      expect({ status: answer.status, body: answer.body as unknown }).toEqual({
        status: 502,
        body: { error: 'The cluster cannot be reached' },
      })
    } finally {
      await away.close()
    }
  })
})
