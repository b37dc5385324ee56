import { afterAll, beforeAll, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'

const memories = testMemories(plainCluster().url)
let gateway: TestGateway

beforeAll(async () => {
  await memories.putContainer('c', { owner: { name: 'alice' } })
  gateway = await startTestGateway({
    cluster: { nodes: [plainCluster().url] },
    memory: { containerIndex: memories.containerIndex },
  })
})
afterAll(async () => {
  await gateway.close()
  await memories.removeAll()
})

/** Every sample of the gateway's own metrics, by its name and labels as they are written. */
async function scrape(): Promise<ReadonlyMap<string, number>> {
  const { status, text, headers } = await call(gateway.opsUrl, { path: '/metrics' })
  expect({ status, type: headers['content-type'] }).toEqual({
    status: 200,
    type: 'text/plain; version=0.0.4; charset=utf-8',
  })
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

/** By how much each of the samples moves while the work is done. */
async function movesOf(samples: readonly string[], work: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = await scrape()
  await work()
  const after = await scrape()
  return Object.fromEntries(samples.map((sample) => [sample, (after.get(sample) ?? 0) - (before.get(sample) ?? 0)]))
}

const remove = async (type: string, id: string): Promise<number> => {
  const path = `/_plugins/_ml/memory_containers/c/memories/${type}/${id}`
  const { status } = await call(gateway.url, { method: 'DELETE', path, token: await gateway.token() })
  return status
}

test('a delete is counted by its outcome and type, its round trips apart from the whole', async () => {
  await memories.putMemory('working', 'one', { memory_container_id: 'c', owner_id: 'alice' })
  const moves = await movesOf(
    [
      'memory_gateway_requests_total{route="deleteMemory",dialect="opensearch",status="200"}',
      'memory_gateway_requests_total{route="deleteMemory",dialect="opensearch",status="404"}',
      'memory_gateway_request_duration_seconds_count{route="deleteMemory"}',
      'memory_gateway_deletes_total{outcome="deleted",type="working"}',
      'memory_gateway_deletes_total{outcome="memoryNotFound",type="working"}',
      'memory_gateway_upstream_duration_seconds_count{cluster="main",operation="remove",result="answered"}',
      'memory_gateway_batch_items_sum{cluster="main",operation="remove"}',
    ],
    async () => expect([await remove('working', 'one'), await remove('working', 'one')]).toEqual([200, 404]),
  )
  expect(moves).toEqual({
    'memory_gateway_requests_total{route="deleteMemory",dialect="opensearch",status="200"}': 1,
    'memory_gateway_requests_total{route="deleteMemory",dialect="opensearch",status="404"}': 1,
    'memory_gateway_request_duration_seconds_count{route="deleteMemory"}': 2,
    'memory_gateway_deletes_total{outcome="deleted",type="working"}': 1,
    'memory_gateway_deletes_total{outcome="memoryNotFound",type="working"}': 1,
    'memory_gateway_upstream_duration_seconds_count{cluster="main",operation="remove",result="answered"}': 1,
    'memory_gateway_batch_items_sum{cluster="main",operation="remove"}': 1,
  })
})

test('a memory type that a caller made up is no label', async () => {
  expect(await remove('nonsense', 'x')).toBe(400)
  expect([...(await scrape()).keys()].join('\n')).not.toContain('nonsense')
})

test('tokens: verified once, remembered then, and refused with their reason', async () => {
  const token = await gateway.token({ scopes: ['opensearch:admin'] })
  const verified = 'memory_gateway_token_verifications_total{result="verified"}'
  const remembered = 'memory_gateway_token_verifications_total{result="remembered"}'
  const refused = 'memory_gateway_token_refusals_total{result="missingToken"}'
  const forwarded =
    'memory_gateway_upstream_duration_seconds_count{cluster="main",operation="forward",result="answered"}'
  const moves = await movesOf([verified, remembered, refused, forwarded], async () => {
    for (let turn = 0; turn < 3; turn++) await call(gateway.url, { path: '/_cluster/health', token })
    expect((await call(gateway.url, { path: '/_cluster/health' })).status).toBe(401)
  })
  expect(moves).toEqual({ [verified]: 1, [remembered]: 2, [refused]: 1, [forwarded]: 3 })
})

test('what is read when it is asked for: key sets, checks, the queue, the process', async () => {
  const samples = await scrape()
  expect(samples.get('memory_gateway_key_set_keys{issuer="https://issuer.test"}')).toBe(1)
  expect(samples.get('memory_gateway_key_set_age_seconds{issuer="https://issuer.test"}')).toBeGreaterThanOrEqual(0)
  expect(samples.get('memory_gateway_ready{check="cluster"}')).toBe(1)
  expect(samples.get('memory_gateway_queue_items{cluster="main"}')).toBe(0)
  expect(samples.has('nodejs_eventloop_lag_seconds')).toBe(true)
  expect(samples.get('process_cpu_seconds_total')).toBeGreaterThan(0)
})

test('nodes, retries and the circuit: a node that refuses connections is passed over, counted and ejected', async () => {
  const nobody = 'http://127.0.0.1:9'
  const two = await startTestGateway({
    cluster: { nodes: [nobody, plainCluster().url], ejection: { failures: 1 } },
    memory: { containerIndex: memories.containerIndex },
  })
  try {
    const token = await two.token({ scopes: ['opensearch:admin'] })
    for (let turn = 0; turn < 4; turn++) {
      expect((await call(two.url, { path: '/_cluster/health', token })).status).toBe(200)
    }
    const { text } = await call(two.opsUrl, { path: '/metrics' })
    expect(text).toContain(`memory_gateway_node_up{cluster="main",node="${nobody}"} 0`)
    expect(text).toContain(`memory_gateway_node_up{cluster="main",node="${plainCluster().url}"} 1`)
    expect(text).toMatch(/memory_gateway_node_ejections_total\{cluster="main"\} [1-9]/)
    expect(text).toMatch(/memory_gateway_retries_total\{cluster="main",result="sent"\} [1-9]/)
    expect(text).toContain('memory_gateway_circuit_open{cluster="main"} 0\n')
  } finally {
    await two.close()
  }
})
