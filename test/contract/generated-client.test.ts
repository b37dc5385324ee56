import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import createClient from 'openapi-fetch'
import type { Client } from 'openapi-fetch'

import { plainCluster } from '../support/clusters.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'
import { undescribed } from './described.ts'
import type { paths } from './openapi.d.ts'

const memories = testMemories(plainCluster().url)
const MEMORY = '/_plugins/_ml/memory_containers/{container}/memories/{type}/{id}'
let gateway: TestGateway
let client: Client<paths>

beforeAll(async () => {
  await memories.putContainer('c', { owner: { name: 'alice' } })
  gateway = await startTestGateway({
    cluster: { nodes: [plainCluster().url] },
    memory: { containerIndex: memories.containerIndex },
    legacy: { container: 'c' },
  })
  client = createClient<paths>({
    baseUrl: gateway.url,
    headers: { authorization: `Bearer ${await gateway.token({ scopes: ['memory:delete', 'memory:read'] })}` },
  })
})
afterAll(async () => {
  await gateway.close()
  await memories.removeAll()
})

const addressed = (id: string) => ({ path: { container: 'c', type: 'working' as const, id } })

describe('a client of the types that openapi-typescript makes', () => {
  test('reads a memory, and deletes it once', async () => {
    await memories.putMemory('working', 'a/b', { memory_container_id: 'c', owner_id: 'alice', tags: { topic: 't' } })
    const read = await client.GET(MEMORY, { params: addressed('a/b') })
    expect(read.data?.tags).toEqual({ topic: 't' })
    const header = { 'Idempotency-Key': 'generated' }
    const removal = () => client.DELETE(MEMORY, { params: { ...addressed('a/b'), query: { refresh: 'true' }, header } })
    const { data, error, response } = await removal()
    expect([data?.result, data?._id, error]).toEqual(['deleted', 'a/b', undefined])
    expect(response.headers.get('idempotent-replayed')).toBeNull()
    expect((await removal()).response.headers.get('idempotent-replayed')).toBe('true')
    expect(await memories.hasMemory('working', 'a/b')).toBe(false)
  })

  test('reads an error by its type', async () => {
    const { data, error, response } = await client.DELETE(MEMORY, { params: addressed('nowhere') })
    expect([response.status, data, error?.error.reason]).toEqual([404, undefined, 'Memory not found'])
  })

  test('deletes several by the small API', async () => {
    await memories.putMemory('working', 'l1', { memory_container_id: 'c', owner_id: 'alice' })
    const { data } = await client.POST('/api/memories/bulk-delete', { body: { memoryIds: ['l1', 'nowhere'] } })
    expect(data).toEqual({ deleted: 1, failed: 1 })
  })

  test('does not compile for a type of memory that there is not, nor without the id', () => {
    const wrong = [
      // @ts-expect-error: there is no such type
      () => client.DELETE(MEMORY, { params: { path: { container: 'c', type: 'session', id: 'x' } } }),
      // @ts-expect-error: the id is missing
      () => client.DELETE(MEMORY, { params: { path: { container: 'c', type: 'working' } } }),
    ]
    expect(wrong).toHaveLength(2)
  })
})

describe('an answer that the description does not say is found out', () => {
  const target = '/_plugins/_ml/memory_containers/c/memories/working/x'
  const question = { method: 'DELETE', target }
  const headers = { 'x-request-id': 'r', 'content-type': 'application/json; charset=UTF-8' }
  const text = '{"error":{"root_cause":[{"type":"t","reason":"r"}],"type":"t","reason":"r"},"status":404}'

  test('a good one is said', () => {
    expect(undescribed(question, { status: 404, headers, text })).toEqual([])
  })

  test.each([
    ['another status', { status: 418, headers, text }, 'the status 418'],
    ['another header', { status: 404, headers: { ...headers, 'x-memory-new': '1' }, text }, 'the header x-memory-new'],
    [
      'no request id',
      { status: 404, headers: { 'content-type': 'application/json' }, text },
      'an answer without x-request-id',
    ],
    [
      'another content type',
      { status: 404, headers: { ...headers, 'content-type': 'text/html' }, text },
      'the content type text/html',
    ],
    [
      'a body that lacks a part',
      { status: 404, headers, text: '{"status":404}' },
      "body must have required property 'error'",
    ],
    [
      'the words of the other dialect',
      { status: 404, headers, text: '{"error":"Memory not found"}' },
      "body must have required property 'status'",
    ],
  ])('%s', (_, answer, problem) => {
    expect(undescribed(question, answer).join()).toContain(problem)
  })
})
