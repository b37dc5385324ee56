import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { decodeJwt } from 'jose'

import { createReceiptKey } from '../../src/auth/receipt-keys.ts'
import { startOpenSearch } from '../../src/local-cluster/start-opensearch.ts'
import type { RunningOpenSearch } from '../../src/local-cluster/start-opensearch.ts'
import { erasuresAt, OPS_TOKEN } from '../support/erasure-world.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'
import { until } from '../support/until.ts'

// A task of the cluster's is lost with the node that coordinates it. Two servers of its own: TEST_LONG=1 runs it.

const long = process.env['TEST_LONG'] === '1' ? describe : describe.skip
const HERS = 300
const OTHERS = 40

long('two nodes, one of them killed while it coordinates an erasure (TEST_LONG=1)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'memory-gateway-lost-task-'))
  const nodes: RunningOpenSearch[] = []
  let memories: ReturnType<typeof testMemories>
  let gateway: TestGateway
  const erasureIndex = (): string => `${memories.prefix}-erasures`

  beforeAll(async () => {
    await createReceiptKey(join(folder, 'key.json'))
    const manager = await startOpenSearch({ heapMegabytes: 400, membership: 'first', isShortLived: true })
    nodes.push(manager)
    const membership = { name: 'second', joins: manager.transport }
    const second = await startOpenSearch({ heapMegabytes: 400, membership, isShortLived: true })
    nodes.push(second)
    memories = testMemories(manager.url)
    const settings = { number_of_shards: 2, number_of_replicas: 1 }
    const properties = { memory_container_id: { type: 'keyword' }, owner_id: { type: 'keyword' } }
    await memories.ask('PUT', `/${memories.containerIndex}`, { settings })
    await memories.ask('PUT', `/${memories.indexOf('working')}`, { settings, mappings: { properties } })
    await memories.putContainer('c')
    await store()
    const health = await memories.ask('GET', '/_cluster/health?wait_for_status=green&wait_for_nodes=2&timeout=60s')
    expect(health.body).toMatchObject({ status: 'green', number_of_nodes: 2, timed_out: false })
    gateway = await startTestGateway({
      cluster: {
        nodes: nodes.map(({ url }) => url),
        ejection: { failures: 3, backoff: '500ms', maxBackoff: '4s', checkInterval: '250ms' },
      },
      memory: { containerIndex: memories.containerIndex, ownership: { fields: ['owner_id'] } },
      ops: { port: 0, token: OPS_TOKEN },
      erasures: { cluster: 'main', index: erasureIndex(), interval: '200ms', requestsPerSecond: 10 },
      receipts: { mode: 'on', keys: [`file:${join(folder, 'key.json')}`] },
    })
  }, 240_000)
  afterAll(async () => {
    await gateway.close()
    for (const node of nodes.toReversed()) await node.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  async function store(): Promise<void> {
    const lines = Array.from({ length: HERS + OTHERS }, (_, number) => {
      const source = { memory_container_id: 'c', owner_id: number < HERS ? 'alice' : ['alice'] }
      return `{"index":{"_index":"${memories.indexOf('working')}"}}\n${JSON.stringify(source)}\n`
    })
    const headers = { 'content-type': 'application/x-ndjson' }
    const init = { method: 'POST', headers, body: lines.join('') }
    const response = await fetch(`${nodes[0]?.url ?? ''}/_bulk?refresh=true`, init)
    expect(await response.json()).toMatchObject({ errors: false })
  }

  /** The tasks that are kept of an erasure, by shard. */
  async function tasksOf(id: string): Promise<readonly string[]> {
    const { body } = await memories.ask('GET', `/${erasureIndex()}/_doc/${id}`)
    const { record } = (body as { _source: { record: { parts: { tasks: { task?: string }[] }[] } } })._source
    return record.parts.flatMap(({ tasks }) => tasks.map(({ task }) => task ?? ''))
  }

  async function nodeNamed(name: string): Promise<string> {
    const { body } = await memories.ask('GET', `/_nodes/${name}/_none`)
    const [id] = Object.keys((body as { nodes: object }).nodes)
    if (id === undefined) throw new Error(`there is no node ${name}`)
    return id
  }

  test('its tasks are lost with it; others are started, and all that was planned goes, with a true receipt', async () => {
    const [manager, killed] = nodes
    if (manager === undefined || killed === undefined) throw new Error('there are two nodes')
    const lost = await nodeNamed('second')
    const ops = erasuresAt(gateway.opsUrl)
    const planned = await ops.plan({ subject: 'alice' })
    expect(planned.total).toBe(HERS)
    await ops.apply(planned.id, planned.hash)
    await until(async () => (await ops.read(planned.id)).deleted > 20)
    // Requests take turns at the nodes: of two tasks it has one at least.
    const before = await tasksOf(planned.id)
    const onLost = before.filter((task) => task.startsWith(`${lost}:`))
    expect([before.length, onLost.length > 0]).toEqual([2, true])
    process.kill(killed.pid, 'SIGKILL')

    let last = await ops.read(planned.id)
    await until(async () => {
      last = await ops.read(planned.id)
      return !['running', 'verifying'].includes(last.state)
    }, 120_000)
    expect(last).toMatchObject({ state: 'done', total: HERS, deleted: HERS })
    const after = await tasksOf(planned.id)
    expect(after.filter((task) => task.startsWith(`${lost}:`))).toEqual([])
    expect(after).not.toEqual(before)
    await memories.ask('POST', `/${memories.indexOf('working')}/_refresh`)
    const { body } = await memories.ask('GET', `/${memories.indexOf('working')}/_count`)
    expect(body).toMatchObject({ count: OTHERS })
    expect(decodeJwt(last.receipt ?? '')).toMatchObject({ erasure_id: planned.id, deleted: HERS, left: 0 })
  }, 240_000)
})
