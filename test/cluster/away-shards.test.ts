import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'

import { makeSplitIndex } from '../support/away-shards.ts'
import type { SplitIndex } from '../support/away-shards.ts'
import { call } from '../support/call.ts'
import type { Reply } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { collectDocuments } from '../support/collected.ts'
import { erasuresAt, OPS_TOKEN } from '../support/erasure-world.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'
import type { TestMemories } from '../support/memories.ts'

/** The server lets a refresh wait for a minute for a shard. */
const LONG_MS = 150_000
const longTest = process.env['TEST_LONG'] === undefined ? test.skip : test

// Of a shard that is assigned to no node a search says neither that it failed nor why: `total` is 2, `successful` 1, `failed` 0.

const KEYWORD = { type: 'keyword' }
const MAPPINGS = { properties: { memory_container_id: KEYWORD, owner_id: KEYWORD, namespace: { type: 'flat_object' } } }
const HERS = { memory_container_id: 'mine', owner_id: 'alice' }

let memories: TestMemories
let gateway: TestGateway

beforeAll(() => {
  memories = testMemories(plainCluster().url)
})
beforeEach(async () => {
  gateway = await startTestGateway({
    cluster: { nodes: [plainCluster().url] },
    memory: { containerIndex: memories.containerIndex },
    ops: { port: 0, token: OPS_TOKEN },
    erasures: { cluster: 'main', index: `${memories.prefix}-erasures`, interval: '100ms' },
  })
})
afterEach(async () => {
  await gateway.close()
  await memories.removeAll()
})
afterAll(async () => {
  await collectDocuments(`${memories.prefix}-erasures`, (method, path) => memories.ask(method, path))
  await memories.ask('DELETE', `/${memories.prefix}-erasures`)
})

async function ask(method: string, path: string, scope: string): Promise<Reply> {
  const query = { headers: { 'content-type': 'application/json' }, body: '{"query":{"match_all":{}}}' }
  return call(gateway.url, {
    method,
    path: `/_plugins/_ml/memory_containers/${path}`,
    token: await gateway.token({ scopes: [scope] }),
    ...(method === 'POST' ? query : {}),
  })
}

async function left(ids: readonly string[]): Promise<readonly string[]> {
  const there = await Promise.all(ids.map((id) => memories.hasMemory('working', id)))
  return ids.filter((_, at) => there[at])
}

describe('while a shard of the memories is assigned to no node', () => {
  let ids: SplitIndex['ids']
  let bringBack: SplitIndex['bringBack']

  beforeEach(async () => {
    await memories.putContainer('mine', { owner: { name: 'alice' } })
    ;({ ids, bringBack } = await makeSplitIndex(memories, memories.indexOf('working'), MAPPINGS))
    for (const id of ids.there) await memories.putMemory('working', id, HERS)
  })

  test('a memory that would be in it is not said to be absent, and one in the other is deleted', async () => {
    const [away = '', there = ''] = [ids.away[0], ids.there[0]]
    expect((await ask('DELETE', `mine/memories/working/${away}`, 'memory:delete')).status).toBe(502)
    expect((await ask('DELETE', `mine/memories/working/${there}`, 'memory:delete')).status).toBe(200)
    expect(await left(ids.there)).toEqual(ids.there.slice(1))
    await bringBack()
    expect((await ask('DELETE', `mine/memories/working/${away}`, 'memory:delete')).status).toBe(404)
  })

  test('a delete by query says that it did not search all of it, and is whole when the shard is back', async () => {
    const byQuery = (): Promise<Reply> => ask('POST', 'mine/memories/working/_delete_by_query', 'memory:delete')
    const { status, body } = await byQuery()
    const type = 'no_shard_available_action_exception'
    expect(status).toBe(503)
    expect(body).toMatchObject({
      deleted: ids.there.length - (await left(ids.there)).length,
      failures: [{ index: memories.indexOf('working'), status: 503, reason: { type } }],
    })
    await bringBack()
    expect(await byQuery()).toMatchObject({ status: 200, body: { failures: [] } })
    expect(await left(ids.there)).toEqual([])
  })

  longTest(
    'an erasure is not planned, and is whole when the shard is back',
    async () => {
      const ops = erasuresAt(gateway.opsUrl)
      expect((await ops.ask('POST', '', { subject: 'alice' })).status).toBe(502)
      await bringBack()
      const { id, hash, total } = await ops.plan({ subject: 'alice' })
      expect(total).toBe(ids.there.length)
      expect((await ops.apply(id, hash)).status).toBe(202)
      expect(await ops.ended(id)).toMatchObject({ state: 'done', deleted: total })
      expect(await left(ids.there)).toEqual([])
    },
    LONG_MS,
  )
})

longTest(
  'while a shard of the containers is assigned to no node, none is deleted with its memories: one in that shard may have the same indices',
  async () => {
    const { ids, bringBack } = await makeSplitIndex(memories, memories.containerIndex, {})
    const [mine = '', sharing = ''] = [ids.there[0], ids.away[0]]
    await memories.putContainer(mine, { owner: { name: 'alice' } })
    await memories.putMemory('working', 'm', { ...HERS, memory_container_id: mine })
    const erase = (): Promise<Reply> => ask('DELETE', `${mine}?delete_all_memories=true`, 'memory:delete:container')
    expect((await erase()).status).toBe(502)
    expect(await left(['m'])).toEqual(['m'])
    await bringBack()
    await memories.putContainer(sharing, { owner: { name: 'alice' } })
    expect((await erase()).status).toBe(409)
    expect(await left(['m'])).toEqual(['m'])
    await memories.ask('DELETE', `/${memories.containerIndex}/_doc/${sharing}?refresh=true`)
    expect((await erase()).status).toBe(200)
    expect(await left(['m'])).toEqual([])
  },
  LONG_MS,
)
