import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { startEmbeddedStore } from '../../../src/embedded/server.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

let store: { url: string; close(): Promise<void> }

beforeEach(async () => {
  store = await startEmbeddedStore()
})

afterEach(async () => {
  await store.close()
})

async function call(method: string, path: string, body?: string) {
  const response = await fetch(store.url + path, {
    method,
    ...(body === undefined ? {} : { body, headers: JSON_TYPE }),
  })
  return { status: response.status, headers: response.headers, body: await response.text() }
}

function reasonOf({ body }: { body: string }): string {
  return (JSON.parse(body) as { error: { reason: string } }).error.reason
}

/** What the real server can do and the store cannot: it says so, and never answers something else instead. */
const UNSUPPORTED: readonly (readonly [method: string, path: string, body: string | undefined, what: string])[] = [
  ['POST', '/i/_search', '{"query":{"match":{"a":"b"}}}', 'the query [match]'],
  ['POST', '/i/_search', '{"sort":["a"]}', '[sort] in a search'],
  ['POST', '/i/_search', '{"aggs":{}}', '[aggs] in a search'],
  ['POST', '/i/_search', '{"query":{"bool":{"minimum_should_match":2}}}', '[minimum_should_match] in [bool]'],
  ['POST', '/i/_search', '{"query":{"terms":{"a":{"index":"x","id":"1","path":"y"}}}}', 'a lookup in [terms]'],
  ['GET', '/i/_search?q=a%20b', undefined, 'the query string [a b]'],
  ['GET', '/i/_search?scroll=1m', undefined, 'the parameter [scroll]'],
  ['GET', '/i/_doc/1?stored_fields=a', undefined, 'the parameter [stored_fields]'],
  ['PUT', '/i/_doc/1?pipeline=p', '{}', 'the parameter [pipeline]'],
  ['PUT', '/i/_doc/1?version=1&version_type=external', '{}', 'the parameter [version_type]'],
  ['POST', '/_bulk?pipeline=p', '{"delete":{"_index":"i","_id":"1"}}\n', 'the parameter [pipeline]'],
  ['POST', '/_bulk', '{"update":{"_index":"i","_id":"1"}}\n{"script":"x"}\n', '[script] in an update'],
  ['PUT', '/new', '{"aliases":{"a":{}}}', 'aliases'],
]

describe('what the store cannot do', () => {
  test.each(UNSUPPORTED)('%s %s %s', async (method, path, body, what) => {
    await call('PUT', '/i/_doc/1', '{"a":1}')
    const answer = await call(method, path, body)
    expect({ status: answer.status, reason: reasonOf(answer) }).toEqual({
      status: 400,
      reason: `The embedded store does not support ${what}`,
    })
    expect((await call('GET', '/i/_doc/1')).body).toContain('"_source":{"a":1}')
    expect((await call('HEAD', '/new')).status).toBe(404)
  })

  test('YAML is refused', async () => {
    const answer = await call('GET', '/?format=yaml')
    expect({ status: answer.status, reason: reasonOf(answer) }).toEqual({
      status: 400,
      reason: 'The embedded store answers JSON only, not [yaml]',
    })
  })

  test('more than one shard is refused', async () => {
    const answer = await call('PUT', '/i', '{"settings":{"number_of_shards":2}}')
    expect({ status: answer.status, reason: reasonOf(answer) }).toEqual({
      status: 400,
      reason: 'The embedded store keeps one shard for each index',
    })
  })
})

describe('bounds', () => {
  test('a body of 10 MiB is read, one byte more is not', async () => {
    const fits = JSON.stringify({ a: 'x'.repeat(10 * 1024 * 1024 - 8) })
    expect(Buffer.byteLength(fits)).toBe(10 * 1024 * 1024)
    expect((await call('PUT', '/i/_doc/1', fits)).status).toBe(201)
    const answer = await call('PUT', '/i/_doc/2', `${fits} `)
    expect({ status: answer.status, type: answer.headers.get('content-type') }).toEqual({
      status: 413,
      type: 'application/json; charset=UTF-8',
    })
    expect(answer.body).toContain('"type":"content_too_long_exception"')
    expect((await call('HEAD', '/i/_doc/2')).status).toBe(404)
  })

  test('100,000 documents are kept, and not one more', async () => {
    const lines = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => `{"index":{"_index":"i","_id":"${from + i}"}}\n{}\n`).join('')
    for (let from = 0; from < 100_000; from += 25_000) {
      const { body } = await call('POST', '/_bulk?filter_path=errors', lines(from, from + 25_000))
      expect(body).toBe('{"errors":false}')
    }
    const refused = await call('PUT', '/j/_doc/1', '{}')
    expect({ status: refused.status, reason: reasonOf(refused) }).toEqual({
      status: 429,
      reason: 'The embedded store holds at most 100000 documents',
    })
    expect((await call('PUT', '/i/_doc/7', '{"a":1}')).status).toBe(200)
    expect((await call('DELETE', '/i/_doc/7')).status).toBe(200)
    expect((await call('PUT', '/j/_doc/1', '{}')).status).toBe(201)
  })

  test('a body of brackets exhausts nothing', async () => {
    const brackets = '['.repeat(1_000_000)
    const document = await call('PUT', '/i/_doc/1', `{"a":${brackets}`)
    expect(document.status).toBe(400)
    expect((await call('POST', '/_mget', `{"docs":${brackets}`)).status).toBe(400)
    expect((await call('POST', '/_search', `{"query":${'{"bool":{"must":'.repeat(100_000)}`)).status).toBe(400)
    expect((await call('GET', '/')).status).toBe(200)
  })
})

describe('life of a store', () => {
  test('two stores share nothing, and a closed one is gone', async () => {
    const other = await startEmbeddedStore({ version: '3.8.0' })
    try {
      await call('PUT', '/i/_doc/1', '{}')
      const elsewhere = await fetch(`${other.url}/i/_doc/1`)
      expect(elsewhere.status).toBe(404)
      expect(elsewhere.headers.get('x-opensearch-version')).toBe('OpenSearch/3.8.0 (opensearch)')
    } finally {
      await other.close()
    }
    await expect(fetch(other.url)).rejects.toThrow('fetch failed')
  })

  test('closing does not wait for who waits for a refresh', async () => {
    const own = await startEmbeddedStore()
    const headers = JSON_TYPE
    await fetch(`${own.url}/i`, { method: 'PUT', headers, body: '{"settings":{"refresh_interval":"-1"}}' })
    const waiting = fetch(`${own.url}/i/_doc/1?refresh=wait_for`, { method: 'PUT', headers, body: '{}' })
    const written = async () => (await fetch(`${own.url}/i/_doc/1`)).status === 200
    while (!(await written()));
    const [outcome] = await Promise.allSettled([waiting, own.close()])
    expect(['fulfilled', 'rejected']).toContain(outcome.status)
  })

  test('a port that is taken is an error', async () => {
    const port = Number(new URL(store.url).port)
    await expect(startEmbeddedStore({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})

test('any document comes back as it was sent, and means the same when it is indented', async () => {
  await call('PUT', '/i', '{"mappings":{"dynamic":false}}')
  const name = fc.string({ minLength: 1 }).filter((text) => !text.includes('.') && !text.startsWith('_'))
  const document = fc.dictionary(name, fc.jsonValue({ stringUnit: 'grapheme' }), { noNullPrototype: true })
  await fc.assert(
    fc.asyncProperty(document, async (value) => {
      const sent = JSON.stringify(value)
      const written = await call('PUT', '/i/_doc/1', sent)
      expect([200, 201]).toContain(written.status)
      expect((await call('GET', '/i/_source/1')).body).toBe(sent)
      const pretty = await call('GET', '/i/_source/1?pretty')
      expect(JSON.parse(pretty.body)).toEqual(JSON.parse(sent))
    }),
    { numRuns: 200 },
  )
})
