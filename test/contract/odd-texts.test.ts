import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { parse as parseYaml } from 'yaml'

import { compactJson, render } from '../../src/wire/render.ts'
import { plainCluster } from '../support/clusters.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'
import { oddBody, oddId, seedOfThisRun } from '../vectors/odd-texts.ts'
import { ask } from './ask.ts'
import { asTheGatewayWrites, writesAsTheGateway } from './server-writing.ts'
import { uncounted } from './uncounted.ts'

const seed = seedOfThisRun()
const memories = testMemories(plainCluster().url)
const index = memories.indexOf('working')
const FORMATS = [
  { name: 'JSON', query: '', parse: (text: string): unknown => JSON.parse(text) },
  { name: 'pretty JSON', query: '?pretty', parse: (text: string): unknown => JSON.parse(text) },
  { name: 'YAML', query: '?format=yaml', parse: (text: string): unknown => parseYaml(text) },
].filter(({ name }) => name !== 'YAML' || writesAsTheGateway)

beforeAll(async () => {
  const settings = { number_of_replicas: 0, refresh_interval: '-1' }
  await memories.ask('PUT', `/${index}`, { settings, mappings: { enabled: false } })
})
afterAll(() => memories.removeAll())

describe(`the ids of seed ${String(seed)}`, () => {
  const ids = [...new Set(fc.sample(oddId, { seed, numRuns: 240 }))]
  let gateway: TestGateway
  let token: string

  beforeAll(async () => {
    await memories.putContainer('c', { owner: { name: 'alice' } })
    gateway = await startTestGateway({
      cluster: { nodes: [plainCluster().url] },
      memory: { containerIndex: memories.containerIndex },
    })
    token = await gateway.token()
  })
  afterAll(() => gateway.close())

  test('are many, and of every kind', () => {
    expect(ids.length).toBeGreaterThan(200)
    for (const kind of [
      /\p{Cc}/u,
      /"/,
      /\\/,
      /\u{85}/u,
      /\u{2028}/u,
      /\u{feff}/u,
      / /,
      /[\u{10000}-\u{10ffff}]/u,
      /.{100}/u,
    ]) {
      expect(ids.filter((id) => kind.test(id)).length).toBeGreaterThan(0)
    }
  })

  test.each(FORMATS)(
    'come back as $name byte for byte as the server prints them, and are the ids that were deleted',
    async ({ query, parse }) => {
      await putMemories(ids)
      const direct = await inTurn(ids, (id) =>
        ask(plainCluster().url, { method: 'DELETE', target: `/${index}/_doc/${encodeURIComponent(id)}${query}` }),
      )
      await putMemories(ids)
      const asked = await inTurn(ids, (id) =>
        ask(gateway.url, {
          method: 'DELETE',
          target: `/_plugins/_ml/memory_containers/c/memories/working/${encodeURIComponent(id)}${query}`,
          headers: { authorization: `Bearer ${token}` },
        }),
      )
      expect(new Set(asked.map(({ status }) => status))).toEqual(new Set([200]))
      expect(differences(direct.map(bodyOf), asked.map(bodyOf))).toEqual([])
      expect(asked.map(({ text }) => (parse(text) as { _id: string })._id)).toEqual(ids)
    },
  )

  async function putMemories(all: readonly string[]): Promise<void> {
    const source = JSON.stringify({ memory_container_id: 'c', owner_id: 'alice' })
    const lines = all.map((id) => `${JSON.stringify({ index: { _index: index, _id: id } })}\n${source}\n`)
    const headers = { 'content-type': 'application/x-ndjson' }
    const { text } = await ask(plainCluster().url, { method: 'POST', target: '/_bulk', headers, body: lines.join('') })
    expect(JSON.parse(text)).toMatchObject({ errors: false })
  }
})

// 3.8.0 copies a document's source as it was stored, pretty or not: nothing to compare with.
const describeCopies = writesAsTheGateway ? describe : describe.skip

describeCopies(`the bodies of seed ${String(seed)}`, () => {
  const bodies = fc.sample(fc.dictionary(fc.stringMatching(/^_[a-z]{1,12}$/), oddBody, { minKeys: 1, maxKeys: 5 }), {
    seed,
    numRuns: 150,
  })

  test.each(FORMATS.slice(1))(
    'are written as $name byte for byte as the server writes them',
    async ({ name, query }) => {
      // The server copies a stored document into another format with the same writers that it makes its answers with.
      const written = await inTurn(bodies, async (body) => {
        const target = `/${index}/_doc/body`
        const headers = { 'content-type': 'application/json' }
        await ask(plainCluster().url, { method: 'PUT', target, headers, body: compactJson(body) })
        return ask(plainCluster().url, { method: 'GET', target: `/${index}/_source/body${query}` })
      })
      const format = name === 'YAML' ? 'yaml' : 'json'
      const ours = bodies.map((body) =>
        render(body, { pretty: true, format, filterPaths: { includes: [], excludes: [] } }),
      )
      expect(differences(written.map(bodyOf), ours.map(bodyOf))).toEqual([])
      expect(new Set(ours.map(({ contentType }) => contentType))).toEqual(
        new Set(written.map(({ headers }) => headers['content-type'])),
      )
    },
  )
})

function bodyOf({ text }: { readonly text: string }): string {
  return asTheGatewayWrites(uncounted(text))
}

/** Only what differs: hundreds of equal texts would hide it. */
function differences(expected: readonly string[], received: readonly string[]): readonly object[] {
  expect(received).toHaveLength(expected.length)
  return expected.flatMap((text, position) =>
    text === received[position] ? [] : [{ expected: text, received: received[position] }],
  )
}

async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const item of items) results.push(await work(item))
  return results
}
