import { Agent } from 'node:http'

import { afterAll, beforeAll, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { DIALECTS, pathOf } from '../support/dialects.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'

const memories = testMemories(plainCluster().url)
const agent = new Agent({ keepAlive: true, maxSockets: 64 })
let gateway: TestGateway
let token: string

beforeAll(async () => {
  await memories.putContainer('c', { owner: { name: 'alice' } })
  gateway = await startTestGateway({
    cluster: { nodes: [plainCluster().url] },
    memory: { containerIndex: memories.containerIndex },
    legacy: { types: ['working'] },
  })
  token = await gateway.token({ extra: { memory_container: 'c' } })
})
afterAll(async () => {
  agent.destroy()
  await gateway.close()
  await memories.removeAll()
})

/** Asks for the same delete many times at once, and counts the answers by what they say. */
async function race(count: number, path: string): Promise<Readonly<Record<string, number>>> {
  const answers = await Promise.all(
    Array.from({ length: count }, () => call(gateway.url, { method: 'DELETE', path, token, agent })),
  )
  const tally: Record<string, number> = {}
  for (const { status, text, headers } of answers) {
    const said = status === 200 ? '' : text
    const recovered = headers['x-memory-recovered'] === undefined ? '' : ' recovered'
    const key = `${String(status)}${recovered}${said}`
    tally[key] = (tally[key] ?? 0) + 1
  }
  return tally
}

const NOT_FOUND = {
  opensearch:
    '404{"error":{"root_cause":[{"type":"status_exception","reason":"Memory not found"}],' +
    '"type":"status_exception","reason":"Memory not found"},"status":404}',
  memoryPlugin: '404{"error":"Memory not found"}',
}

test.each(DIALECTS)(
  'of 1,000 deletes of one memory at once exactly one is told that it did it (%s)',
  async (dialect) => {
    await memories.putMemory('working', dialect, { memory_container_id: 'c', owner_id: 'alice' })
    expect(await race(1_000, pathOf(dialect, 'c', 'working', dialect))).toEqual({ '200': 1, [NOT_FOUND[dialect]]: 999 })
    expect(await memories.hasMemory('working', dialect)).toBe(false)
  },
)

async function searchFinds(id: string): Promise<boolean> {
  const query = { query: { ids: { values: [id] } } }
  const { body } = await memories.ask('POST', `/${memories.indexOf('working')}/_search`, query)
  return (body as { hits: { hits: unknown[] } }).hits.hits.length > 0
}

test.each([
  ['true', true],
  ['wait_for', undefined],
])(
  'after a delete with refresh=%s a search right after does not find it, however many raced',
  async (refresh, forced) => {
    const id = `refresh-${refresh}`
    await memories.putMemory('working', id, { memory_container_id: 'c', owner_id: 'alice' })
    expect(await searchFinds(id)).toBe(true)

    const path = `${pathOf('opensearch', 'c', 'working', id)}?refresh=${refresh}`
    const asked = Array.from({ length: 32 }, async () => {
      const answer = await call(gateway.url, { method: 'DELETE', path, token, agent })
      return { ...answer, body: answer.body, found: answer.status === 200 && (await searchFinds(id)) }
    })
    const answers = await Promise.all(asked)
    const winners = answers.filter(({ status }) => status === 200)
    expect(winners).toHaveLength(1)
    expect(winners[0]?.found).toBe(false)
    expect((winners[0]?.body as { forced_refresh?: boolean }).forced_refresh).toBe(forced)
    expect(answers.filter(({ status }) => status === 404)).toHaveLength(31)
  },
)

test('without refresh the delete is done at once and a search may lag: nothing is refreshed on the quiet', async () => {
  const id = 'lags'
  await memories.putMemory('working', id, { memory_container_id: 'c', owner_id: 'alice' })
  await memories.ask('PUT', `/${memories.indexOf('working')}/_settings`, { index: { refresh_interval: '-1' } })
  const { status } = await call(gateway.url, {
    method: 'DELETE',
    path: pathOf('opensearch', 'c', 'working', id),
    token,
  })
  expect({ status, there: await memories.hasMemory('working', id), found: await searchFinds(id) }).toEqual({
    status: 200,
    there: false,
    found: true,
  })
})
