import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { MAX_ID_BYTES } from '../../src/core/memory.ts'
import { call } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { deleteIn, DIALECTS, errorBody } from '../support/dialects.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'

const memories = testMemories(plainCluster().url)
const index = memories.indexOf('working')
const OWN = { memory_container_id: 'c', owner_id: 'alice' }
let gateway: TestGateway

beforeAll(async () => {
  await memories.putContainer('c', { owner: { name: 'alice' } })
  gateway = await startTestGateway({
    cluster: { nodes: [plainCluster().url] },
    memory: { containerIndex: memories.containerIndex },
    legacy: { types: ['working'] },
  })
})
afterAll(async () => {
  await gateway.close()
  await memories.removeAll()
})

const bytes = (id: string): number => Buffer.byteLength(id)

/** Stores memories straight at the cluster, under ids that stand in a body: nothing of ours has encoded them. */
async function store(ids: readonly string[]): Promise<void> {
  const lines = ids.flatMap((id) => [JSON.stringify({ index: { _index: index, _id: id } }), JSON.stringify(OWN)])
  const response = await call(plainCluster().url, {
    method: 'POST',
    path: '/_bulk',
    body: `${lines.join('\n')}\n`,
    headers: { 'content-type': 'application/x-ndjson' },
  })
  expect(response.body).toMatchObject({ errors: false })
}

/** The ids among these that are there, read as they were stored. */
async function stored(ids: readonly string[]): Promise<readonly string[]> {
  const { body } = await memories.ask('POST', `/${index}/_mget?_source=false`, { ids })
  const { docs } = body as { docs: { _id: string; found: boolean }[] }
  return docs.filter(({ found }) => found).map(({ _id }) => _id)
}

const ODD: readonly string[] = [
  'a/b', '/', '//', '/a', 'a/', '...', 'a..b', '../a', 'a/../b', ' ', ' a ', 'a b', '+', 'a+b', '%', '%2F', '%00', '%zz', '%252e',
  '\0', 'a\0b', '\n', 'a\r\nb', '\t', '\u0001', '\u007f', '\u0085', '\u00a0', '\u2028', '\u2029', '\ufeff', '\ufffd', '\uffff',
  '"', "'", '`', '\\', '\\\\', '\\n', '"}}\n{"delete":{"_id":"x"}}', '{"a":1}', '<script>', '<now/d>', '?', '?a=b', '#', '#a', '&', ';',
  'a;b', ':', '*', ',', 'a,b', '|', '^', '~', '!', '@', '$', '(', ')', '[', ']', '{', '}', '=', '-', '_', '_search', '_all', '_doc',
  'é', 'e\u0301', 'ß', 'İ', '漢字', '日本語/メモリ', 'العربية', '😀', '👩‍👩‍👧', '🇩🇪', '\u{10ffff}', '__proto__', 'constructor',
  'null', 'undefined', '0', '-1', '1e3', 'x'.repeat(MAX_ID_BYTES), '漢'.repeat(170), '😀'.repeat(128), '\0'.repeat(MAX_ID_BYTES),
] // prettier-ignore

describe.each(DIALECTS)('in the dialect %s', (dialect) => {
  // White space alone is no id in MemoryPlugin's API; the server's own routes of these names come before ids.
  const isNamed = (id: string): boolean =>
    dialect === 'opensearch' ? !['_search', '_delete_by_query'].includes(id) : id.trim() !== ''

  async function roundTrip(ids: readonly string[]): Promise<void> {
    // Neighbours that a careless reading of the id would hit.
    const near = ids.flatMap((id) => [`${id}x`, id.slice(0, -1), id.trim(), decodeOrSame(id), encodeURIComponent(id)])
    const canaries = [...new Set(near)].filter(
      (id) => !ids.includes(id) && id !== '' && id.isWellFormed() && bytes(id) <= MAX_ID_BYTES,
    )
    await store([...ids, ...canaries])
    const answers = await Promise.all(
      ids.map(async (id) => ({ id, reply: await deleteIn(dialect, gateway, { container: 'c', type: 'working', id }) })),
    )
    for (const { id, reply } of answers) {
      expect({ id, status: reply.status }).toEqual({ id, status: 200 })
      if (dialect === 'opensearch') expect(reply.body).toMatchObject({ _id: id, result: 'deleted' })
    }
    expect(await stored(ids)).toEqual([])
    expect(await stored(canaries)).toEqual(canaries)
  }

  test('an odd id reaches the cluster as the same id', async () => {
    await roundTrip(ODD.filter(isNamed))
  })

  test('so do 200 ids of chance', async () => {
    const id = fc
      .oneof(
        fc.string({ unit: 'binary', minLength: 1, maxLength: 130 }),
        fc.string({ unit: fc.constantFrom('/', '.', '%', '2', 'F', 'e', ' ', '\\', '"', ';', '#', '?'), minLength: 1 }),
      )
      .filter((text) => bytes(text) <= MAX_ID_BYTES && text !== '.' && text !== '..' && isNamed(text))
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(id, { minLength: 50, maxLength: 50 }), (ids) => roundTrip(ids)),
      { numRuns: 4 },
    )
  })

  test.each(['.', '..'])('the id %s is refused in every spelling: many parsers remove it', async (id) => {
    await store([id])
    for (const spelling of [id, id.replaceAll('.', '%2e'), id.replace('.', '%2E')]) {
      const path = dialect === 'opensearch' ? '/_plugins/_ml/memory_containers/c/memories/working/' : '/api/memories/'
      const token = await gateway.token({ extra: { memory_container: 'c' } })
      const { status, body } = await call(gateway.url, { method: 'DELETE', path: path + spelling, token })
      const reason = 'The request target must not hold dot segments'
      expect({ status, body }).toEqual({
        status: 400,
        body: errorBody(dialect, 400, { type: 'illegal_argument_exception', reason }),
      })
    }
    expect(await stored([id])).toEqual([id])
  })

  test.each([
    ['ASCII', 'x'.repeat(513)],
    ['three-byte characters', '漢'.repeat(171)],
    ['four-byte characters', '😀'.repeat(128) + 'x'],
  ])('513 bytes of %s are 400', async (_, id) => {
    expect(bytes(id)).toBe(513)
    const { status, body } = await deleteIn(dialect, gateway, { container: 'c', type: 'working', id })
    const words = {
      type: 'illegal_argument_exception',
      reason: 'id is too long, must be no longer than 512 bytes but was: 513',
      legacy: 'Memory ID is too long',
    }
    expect({ status, body }).toEqual({ status: 400, body: errorBody(dialect, 400, words) })
  })
})

function decodeOrSame(id: string): string {
  try {
    return decodeURIComponent(id)
  } catch {
    return id
  }
}
