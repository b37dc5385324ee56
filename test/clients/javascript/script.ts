// What every client does, in JavaScript: see ../steps.md. Prints one JSON document.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

import { Client, errors } from '@opensearch-project/opensearch'

function connect(url: string, token: string, ca: string | undefined): Client {
  // docs: connect
  const client = new Client({
    node: url,
    headers: { authorization: `Bearer ${token}` },
    compression: 'gzip', // of what is sent
    suggestCompression: true, // of what comes back
    ssl: ca === undefined ? {} : { ca: readFileSync(ca) },
  })
  // docs: end
  return client
}

const { OPENSEARCH_URL = '', OPENSEARCH_TOKEN = '', OPENSEARCH_CA, OPENSEARCH_INDEX: index = '' } = process.env
const client = connect(OPENSEARCH_URL, OPENSEARCH_TOKEN, OPENSEARCH_CA)
const { ids } = JSON.parse(readFileSync(new URL('../ids.json', import.meta.url), 'utf8')) as { ids: string[] }
const results: Record<string, unknown> = {}

const digest = (values: unknown[]): string => createHash('sha256').update(JSON.stringify(values)).digest('hex')

async function failure(work: Promise<unknown>): Promise<unknown> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof errors.ResponseError)) throw new Error(`No answer with an error: ${String(error)}`)
  return { class: error.name, statusCode: error.statusCode, message: error.message, body: error.meta.body as unknown }
}

results['info'] = (await client.info()).body

results['create'] = (
  await client.indices.create({
    index,
    body: {
      settings: { number_of_shards: 1, number_of_replicas: 0 },
      mappings: { properties: { n: { type: 'integer' }, group: { type: 'keyword' }, text: { type: 'text' } } },
    },
  })
).body

interface Note {
  n: number
  group: string
  text: string
}
const notes = Array.from({ length: 10_000 }, (_, n): Note => ({
  n,
  group: `g${n % 10}`,
  text: `note ${n} – über ${n % 7} 🚀`,
}))
const { total, successful, failed, retry } = await client.helpers.bulk<Note>({
  datasource: notes,
  flushBytes: 250_000,
  onDocument: ({ n }) => ({ index: { _index: index, _id: `note-${n}` } }),
  refreshOnCompletion: index,
})
results['bulk'] = { total, successful, failed, retry, count: (await client.count({ index })).body }

results['search'] = (
  await client.search({
    index,
    body: {
      query: { bool: { must: { match: { text: 'über' } }, filter: { range: { n: { gte: 4321 } } } } },
      sort: [{ n: 'desc' }],
      size: 5,
      track_total_hits: true,
      highlight: { fields: { text: {} } },
      aggs: {
        groups: {
          terms: { field: 'group', order: { _key: 'asc' } } as object,
          aggs: { mean: { avg: { field: 'n' } } },
        },
      },
    },
  })
).body

const all = (await client.search({ index, body: { size: 10_000, sort: [{ n: 'asc' }] } })).body.hits.hits
results['largeSearch'] = { length: all.length, digest: digest(all.map(({ _id, _source }) => [_id, _source as Note])) }

const scrolled: unknown[] = []
for await (const { n } of client.helpers.scrollDocuments<Note>({
  index,
  scroll: '1m',
  size: 1_500,
  body: { sort: [{ n: 'asc' }] },
}))
  scrolled.push(n)
results['scroll'] = { length: scrolled.length, digest: digest(scrolled) }

const { pit_id: id } = (await client.createPit({ index: [index], keep_alive: '1m' })).body
const pages: unknown[] = []
let after: number | undefined
for (let page = 0; page < 3; page++) {
  const body = {
    size: 400,
    pit: { id, keep_alive: '1m' },
    sort: [{ n: 'asc' as const }],
    ...(after === undefined ? {} : { search_after: [after] }),
  }
  const { hits } = (await client.search({ body })).body.hits
  pages.push({ length: hits.length, first: hits[0]?._id, last: hits.at(-1)?._id })
  after = Number(hits.at(-1)?.sort?.[0])
}
results['pointInTime'] = {
  pages,
  deleted: (await client.deletePit({ body: { pit_id: [id] } })).body.pits?.map(({ successful: gone }) => gone),
}

results['msearch'] = (
  await client.msearch({
    body: [
      { index },
      { query: { term: { group: 'g1' } }, size: 1, sort: [{ n: 'asc' }] },
      { index: `${index}-missing` },
      { query: { match_all: {} } },
      { index },
      { query: { ids: { values: ['note-7'] } } },
    ],
  })
).body

results['update'] = [
  (await client.update({ index, id: 'note-1', body: { doc: { text: 'changed' } }, _source: true, refresh: true })).body,
  (await client.update({ index, id: 'note-1', body: { doc: { text: 'changed' } } })).body,
  (await client.update({ index, id: 'late', body: { doc: { n: 1 }, doc_as_upsert: true } })).body,
]

results['exists'] = [
  (await client.exists({ index, id: 'note-1' })).body,
  (await client.exists({ index, id: 'nobody' })).body,
  (await client.indices.exists({ index })).body,
  (await client.indices.exists({ index: `${index}-missing` })).body,
]

const steps: unknown[] = []
for (const name of ids) {
  const put = await client.index({ index, id: name, body: { name } })
  const got = await client.get({ index, id: name })
  const there = await client.exists({ index, id: name })
  const gone = await client.delete({ index, id: name })
  steps.push([name, put.statusCode, put.body, got.body, there.body, gone.body])
}
results['ids'] = steps

const removed = await client.deleteByQuery({ index, refresh: true, body: { query: { term: { group: 'g3' } } } })
results['deleteByQuery'] = { body: removed.body, count: (await client.count({ index })).body }

results['errors'] = [
  await failure(client.search({ index: `${index}-missing` })),
  await failure(client.get({ index, id: 'nobody' })),
  await failure(client.create({ index, id: 'note-1', body: { n: 1 } })),
  await failure(client.search({ index, body: { query: { nonsense: {} } as object } })),
  await failure(client.indices.create({ index })),
  await failure(client.index({ index, id: 'bad', body: { n: 'no number' } })),
]

await client.indices.delete({ index })
await client.close()
process.stdout.write(`${JSON.stringify(results)}\n`)
