import { randomBytes } from 'node:crypto'

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { Client, errors } from '@opensearch-project/opensearch'

import { startEmbeddedStore } from '../../src/embedded/server.ts'
import { plainCluster } from '../support/clusters.ts'
import { BODY_NORMALISATIONS } from '../vectors/embedded-parity.ts'

type Call = (client: Client, index: string) => Promise<unknown>

const seed: Call = (client, index) =>
  client.index({ index, id: '1', body: { owner_id: 'alice', memory: 'likes tea', n: 1 }, refresh: true })

/** What the official client is asked to do; each on an index of its own that is seeded with one document. */
const CALLS: Readonly<Record<string, Call>> = {
  ping: (client) => client.ping(),
  'index a document': (client, index) => client.index({ index, id: 'a/b é', body: { n: 2 }, refresh: 'wait_for' }),
  'create a document that exists': (client, index) => client.create({ index, id: '1', body: {} }),
  get: (client, index) => client.get({ index, id: '1' }),
  'get a part': (client, index) => client.get({ index, id: '1', _source_includes: ['owner_id'] }),
  'get what is not there': (client, index) => client.get({ index, id: 'none' }),
  'get from an index that is not there': (client, index) => client.get({ index: `${index}-none`, id: '1' }),
  exists: (client, index) => client.exists({ index, id: '1' }),
  'exists not': (client, index) => client.exists({ index, id: 'none' }),
  mget: (client, index) =>
    client.mget({
      body: {
        docs: [
          { _index: index, _id: '1', _source: ['owner_id'] },
          { _index: `${index}-none`, _id: '1' },
        ],
      },
    }),
  delete: (client, index) => client.delete({ index, id: '1', refresh: true }),
  'delete under an old condition': (client, index) =>
    client.delete({ index, id: '1', if_seq_no: 7, if_primary_term: 1 }),
  'delete what is not there': (client, index) => client.delete({ index, id: 'none' }),
  'delete with half a condition': (client, index) => client.delete({ index, id: '1', if_seq_no: 7 }),
  bulk: (client, index) =>
    client.bulk({
      body: [
        { index: { _index: index, _id: '2' } },
        { n: 2 },
        { delete: { _index: index, _id: '1', if_seq_no: 0, if_primary_term: 1 } },
        { delete: { _index: index, _id: '1', if_seq_no: 0, if_primary_term: 1 } },
        { update: { _index: index, _id: '2' } },
        { doc: { m: [1] } },
      ],
    }),
  'bulk with an empty id': (client, index) => client.bulk({ body: [{ delete: { _index: index, _id: '' } }] }),
  search: (client, index) =>
    client.search({ index, body: { query: { bool: { filter: [{ term: { 'owner_id.keyword': 'alice' } }] } } } }),
  'search with a query that is none': (client, index) =>
    client.transport.request({ method: 'POST', path: `/${index}/_search`, body: { query: { bogus: {} } } }),
  count: (client, index) => client.count({ index }),
  'create an index': (client, index) => client.indices.create({ index: `${index}-new`, body: { settings: {} } }),
  'create an index that exists': (client, index) => client.indices.create({ index }),
  'create an index with a bad name': (client, index) => client.indices.create({ index: `${index}-A` }),
  'refresh an index': (client, index) => client.indices.refresh({ index }),
  'stats of an index': (client, index) => client.indices.stats({ index, metric: 'docs' }),
  'delete an index': (client, index) => client.indices.delete({ index }),
}

let embedded: { url: string; close(): Promise<void> }
const index = `parity-client-${randomBytes(6).toString('hex')}`

// The store models 3.4; other versions word some of this differently.
const describeHere = plainCluster().version.startsWith('3.4.') ? describe : describe.skip

beforeAll(async () => {
  embedded = await startEmbeddedStore({ version: plainCluster().version })
})

afterAll(async () => {
  await embedded.close()
})

afterEach(async () => {
  await withClient(plainCluster().url, (client) => client.indices.delete({ index: `${index}*` }))
  await withClient(embedded.url, (client) => client.indices.delete({ index: `${index}*` }))
})

async function withClient<T>(url: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ node: url, maxRetries: 0 })
  try {
    return await use(client)
  } finally {
    await client.close()
  }
}

/** What a caller of the client sees: an answer, or the class, status and body of an error. */
async function observe(url: string, call: Call): Promise<unknown> {
  return await withClient(url, async (client) => {
    await seed(client, index)
    try {
      const { statusCode, body } = (await call(client, index)) as { statusCode: number; body: unknown }
      return { statusCode, body: normalised(body) }
    } catch (error) {
      if (!(error instanceof errors.ResponseError)) throw error
      const { name, message, statusCode, body } = error
      return { name, message: normalised(message), statusCode, body: normalised(body) }
    }
  })
}

function normalised(body: unknown): string {
  return BODY_NORMALISATIONS.reduce(
    (text, { pattern, replacement }) =>
      typeof replacement === 'string' ? text.replace(pattern, replacement) : text.replace(pattern, replacement),
    JSON.stringify(body),
  )
}

describeHere('the official client sees no difference', () => {
  test.each(Object.entries(CALLS))('%s', async (_, call) => {
    const real = await observe(plainCluster().url, call)
    expect(await observe(embedded.url, call)).toEqual(real)
  })

  test('a write becomes visible to searches without a refresh', async () => {
    for (const url of [plainCluster().url, embedded.url]) {
      await withClient(url, async (client) => {
        await client.index({ index, id: 'late', body: { n: 1 } })
        expect((await client.get({ index, id: 'late' })).body.found).toBe(true)
        let count = 0
        // Ends with the condition; the test's own time limit ends it otherwise.
        while (count === 0) count = (await client.count({ index })).body.count
        expect(count).toBe(1)
      })
    }
  })
})
