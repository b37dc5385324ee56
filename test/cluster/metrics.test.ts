import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'

import { createReceiptKey } from '../../src/auth/receipt-keys.ts'
import { call } from '../support/call.ts'
import type { Reply } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { anything, multiGet, startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { until } from '../support/key-server.ts'
import { testMemories } from '../support/memories.ts'

/** Metrics that another suite shows to move. */
const MOVED_ELSEWHERE: Readonly<Record<string, string>> = {
  memory_gateway_config_info: 'reload.test.ts',
  memory_gateway_config_last_reload_success_timestamp_seconds: 'reload.test.ts',
  memory_gateway_config_last_reload_successful: 'reload.test.ts',
  memory_gateway_config_reloads_total: 'reload.test.ts',
  memory_gateway_config_restart_needed: 'reload.test.ts',
  memory_gateway_erasures: 'cluster/erasures.test.ts',
  memory_gateway_memories_erased_total: 'cluster/erasures.test.ts',
  memory_gateway_revocation_age_seconds: 'cluster/revocation-index.test.ts',
  memory_gateway_revocation_entries: 'auth/revocation.test.ts',
  memory_gateway_revocation_reachable: 'auth/revocation.test.ts',
  memory_gateway_upgraded_connections: 'upgrade.test.ts',
}

const NOBODY = 'http://127.0.0.1:9'
const memories = testMemories(plainCluster().url)
/** The names of all metrics that a test saw moving. */
const moved = new Set<string>()
let proxy: FaultProxy
let gateway: TestGateway

beforeAll(async () => {
  await memories.putContainer('c', { owner: { name: 'alice' } })
  proxy = await startFaultProxy(plainCluster().url)
  gateway = await startTestGateway({
    cluster: { nodes: [proxy.url], circuit: { failures: 1 } },
    memory: { containerIndex: memories.containerIndex },
    legacy: { container: 'c', types: ['working'] },
    moreIssuers: [
      { issuer: 'https://dead.test', audience: 'x', jwks: { uri: `${NOBODY}/jwks.json` }, namePrefix: 'd:' },
    ],
  })
})
afterEach(() => proxy.reset())
afterAll(async () => {
  await gateway.close()
  await proxy.close()
  await memories.removeAll()
})

type Samples = ReadonlyMap<string, number>

/** Every sample of the gateway's own metrics, by its name and labels as they are written. */
async function scrape(of: TestGateway = gateway): Promise<Samples> {
  const { status, text, headers } = await call(of.opsUrl, { path: '/metrics' })
  expect({ status, type: headers['content-type'] }).toEqual({
    status: 200,
    type: 'text/plain; version=0.0.4; charset=utf-8',
  })
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

/** By how much samples moved between two scrapes; those that did not are left out. */
function movesBetween(before: Samples, after: Samples): ReadonlyMap<string, number> {
  const moves = [...after].flatMap(([sample, value]): (readonly [string, number])[] => {
    const by = value - (before.get(sample) ?? 0)
    return by === 0 ? [] : [[sample, by]]
  })
  for (const [sample] of moves) moved.add(sample.replace(/\{.*/, '').replace(/_(?:sum|count|bucket)$/, ''))
  return new Map(moves)
}

/** By how much each of the samples moves while the work is done. */
async function movesOf(samples: readonly string[], work: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = await scrape()
  await work()
  const moves = movesBetween(before, await scrape())
  return Object.fromEntries(samples.map((sample) => [sample, moves.get(sample) ?? 0]))
}

const pathOf = (type: string, id: string): string => `/_plugins/_ml/memory_containers/c/memories/${type}/${id}`

async function send(method: string, path: string, body?: unknown, scopes = ['memory:delete']): Promise<Reply> {
  return call(gateway.url, {
    method,
    path,
    token: await gateway.token({ scopes }),
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
}

const remove = async (type: string, id: string): Promise<number> => (await send('DELETE', pathOf(type, id))).status

const putMemory = (id: string, owner = 'alice'): Promise<void> =>
  memories.putMemory('working', id, { memory_container_id: 'c', owner_id: owner })

test('a delete is counted by its outcome and type, its round trips apart from the whole', async () => {
  await putMemory('one')
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

test('deletes of several are counted memory by memory, and replayed answers not again', async () => {
  for (const id of ['b1', 'b2', 'q1', 'q2', 'once']) await putMemory(id)
  await putMemory('bobs', 'bob')
  const deleted = 'memory_gateway_deletes_total{outcome="deleted",type="working"}'
  const denied = 'memory_gateway_deletes_total{outcome="denied",type="unknown"}'
  const missing = 'memory_gateway_deletes_total{outcome="memoryNotFound",type="unknown"}'
  const bulk = await movesOf([deleted, denied, missing], async () => {
    const { body } = await send('POST', '/api/memories/bulk-delete', { memoryIds: ['b1', 'b2', 'bobs', 'none'] })
    expect(body).toEqual({ deleted: 2, failed: 2 })
  })
  expect(bulk).toEqual({ [deleted]: 2, [denied]: 1, [missing]: 1 })
  const byQuery = await movesOf([deleted], async () => {
    const { body } = await send('POST', pathOf('working', '_delete_by_query'), {
      query: { ids: { values: ['q1', 'q2'] } },
    })
    expect(body).toMatchObject({ deleted: 2 })
  })
  expect(byQuery).toEqual({ [deleted]: 2 })
  const replayed = await movesOf([deleted], async () => {
    const token = await gateway.token()
    for (let turn = 0; turn < 2; turn++) {
      const headers = { 'idempotency-key': 'metrics-once' }
      expect(
        (await call(gateway.url, { method: 'DELETE', path: pathOf('working', 'once'), token, headers })).status,
      ).toBe(200)
    }
  })
  expect(replayed).toEqual({ [deleted]: 1 })
})

test('a refused read is no delete', async () => {
  const before = await scrape()
  expect((await send('GET', pathOf('working', 'bobs'), undefined, ['memory:read'])).status).toBe(403)
  expect([...movesBetween(before, await scrape()).keys()].filter((name) => name.includes('deletes'))).toEqual([])
})

test('time in the gateway and time in the cluster are told apart', async () => {
  await putMemory('slow')
  const whole = 'memory_gateway_request_duration_seconds_sum{route="deleteMemory"}'
  const own = 'memory_gateway_own_duration_seconds_sum{route="deleteMemory"}'
  const held = proxy.hold(multiGet)
  let heldSeconds = 0
  const moves = await movesOf([whole, own], async () => {
    const deleting = remove('working', 'slow')
    await held.arrived
    const arrivedAt = performance.now()
    // As long as it takes: an answer of the cluster's own.
    await memories.ask('GET', '/_cluster/health')
    heldSeconds = (performance.now() - arrivedAt) / 1000
    held.release()
    expect(await deleting).toBe(200)
  })
  expect(moves[own]).toBeGreaterThan(0)
  expect((moves[whole] ?? 0) - (moves[own] ?? 0)).toBeGreaterThanOrEqual(heldSeconds)
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

test('what the guard lets through is counted, and what it refuses, with the code of the failure', async () => {
  const allowed = 'memory_gateway_guard_decisions_total{outcome="allowed",cause="",class="read"}'
  const refused = 'memory_gateway_guard_decisions_total{outcome="refused",cause="missingScope",class="write"}'
  const failed = 'memory_gateway_failures_total{code="insufficientScope",source="caller"}'
  const moves = await movesOf([allowed, refused, failed], async () => {
    const path = `/${memories.prefix}-other/_search`
    await send('GET', path, undefined, ['opensearch:read'])
    expect((await send('PUT', `/${memories.prefix}-other/_doc/1`, {}, ['opensearch:read'])).status).toBe(403)
  })
  expect(moves).toEqual({ [allowed]: 1, [refused]: 1, [failed]: 1 })
})

test('key sets: those that are there, and fetches that failed', async () => {
  const samples = await scrape()
  movesBetween(new Map(), samples)
  expect(samples.get('memory_gateway_key_set_keys{issuer="https://issuer.test"}')).toBe(1)
  expect(samples.get('memory_gateway_key_set_age_seconds{issuer="https://issuer.test"}')).toBeGreaterThanOrEqual(0)
  expect(samples.get('memory_gateway_key_set_fetches_total{issuer="https://issuer.test",result="ok"}')).toBe(1)
  expect(samples.get('memory_gateway_key_set_fetches_total{issuer="https://dead.test",result="failed"}')).toBe(1)
  expect(samples.get('memory_gateway_ready{check="keys"}')).toBe(0)
  expect(samples.get('memory_gateway_ready{check="cluster"}')).toBe(1)
})

test('the process, and the delay of its event loop', async () => {
  const samples = await scrape()
  expect(samples.has('nodejs_eventloop_lag_p99_seconds')).toBe(true)
  expect(samples.get('process_cpu_seconds_total')).toBeGreaterThan(0)
})

test('the queue, while its batches are all under way, and what is under way at the node', async () => {
  const queue = 'memory_gateway_queue_items{cluster="main"}'
  const underWay = `memory_gateway_node_requests{cluster="main",node="${proxy.url}"}`
  const before = await scrape()
  const held = proxy.hold(multiGet)
  const removals: Promise<number>[] = []
  try {
    // Two batches may be under way; each of these leaves before the next one comes.
    for (let count = 1; count <= 3; count++) {
      removals.push(remove('working', `queued-${String(count)}`))
      if (count < 3) await sent(count)
    }
    await until(async () => (await scrape()).get(queue) === 1)
    const during = await scrape()
    movesBetween(before, during)
    expect([during.get(queue), during.get(underWay)]).toEqual([1, 2])
  } finally {
    held.release()
  }
  expect(await Promise.all(removals)).toEqual([404, 404, 404])
  expect((await scrape()).get(queue)).toBe(0)
})

const sent = (looks: number): Promise<void> => until(() => proxy.requests.filter(multiGet).length === looks)

test('the circuit: it opens, turns requests away, and is not ready', async () => {
  const opened = 'memory_gateway_circuit_openings_total{cluster="main"}'
  const refused = 'memory_gateway_circuit_refusals_total{cluster="main"}'
  const isOpen = 'memory_gateway_circuit_open{cluster="main"}'
  const failed = 'memory_gateway_upstream_duration_seconds_count{cluster="main",operation="look",result="failed"}'
  const code = 'memory_gateway_failures_total{code="circuitOpen",source="upstream"}'
  const silent = proxy.on(anything, ({ cut }) => cut())
  const moves = await movesOf(
    [opened, refused, isOpen, failed, code, 'memory_gateway_ready{check="circuit"}'],
    async () => {
      expect([await remove('working', 'x'), await remove('working', 'x')]).toEqual([502, 503])
    },
  )
  expect(moves).toMatchObject({
    [opened]: 1,
    [refused]: 1,
    [isOpen]: 1,
    [failed]: 1,
    [code]: 1,
    'memory_gateway_ready{check="circuit"}': -1,
  })
  silent.remove()
})

test('nodes and retries: a node that refuses connections is passed over, counted and ejected', async () => {
  const two = await startTestGateway({
    cluster: { nodes: [NOBODY, plainCluster().url], ejection: { failures: 1 } },
    memory: { containerIndex: memories.containerIndex },
  })
  try {
    const token = await two.token({ scopes: ['opensearch:admin'] })
    for (let turn = 0; turn < 4; turn++) {
      expect((await call(two.url, { path: '/_cluster/health', token })).status).toBe(200)
    }
    const samples = await scrape(two)
    movesBetween(new Map(), samples)
    expect(samples.get(`memory_gateway_node_up{cluster="main",node="${NOBODY}"}`)).toBe(0)
    expect(samples.get(`memory_gateway_node_up{cluster="main",node="${plainCluster().url}"}`)).toBe(1)
    expect(samples.get('memory_gateway_node_ejections_total{cluster="main"}')).toBeGreaterThan(0)
    expect(samples.get('memory_gateway_retries_total{cluster="main",result="sent"}')).toBeGreaterThan(0)
    expect(samples.get('memory_gateway_circuit_open{cluster="main"}')).toBe(0)
  } finally {
    await two.close()
  }
})

test('receipts; and the audit: records that are written, that wait, and that are lost while none can be written', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'memory-gateway-metrics-'))
  const file = join(folder, 'audit.log')
  const key = join(folder, 'receipts.json')
  await createReceiptKey(key)
  const audited = await startTestGateway({
    cluster: { nodes: [plainCluster().url] },
    memory: { containerIndex: memories.containerIndex },
    audit: { sink: 'file', file, maxWaiting: 1 },
    receipts: { mode: 'on', keys: [`file:${key}`] },
  })
  try {
    const written = 'memory_gateway_audit_records_total{result="written"}'
    const lost = 'memory_gateway_audit_records_total{result="lost"}'
    const token = await audited.token()
    const deleteOne = (): Promise<Reply> => call(audited.url, { method: 'DELETE', path: pathOf('working', 'x'), token })
    const before = await scrape(audited)
    await putMemory('x')
    await deleteOne()
    await until(async () => ((await scrape(audited)).get(written) ?? 0) > (before.get(written) ?? 0))
    await rename(file, `${file}.1`)
    // Nobody can write into a folder.
    await mkdir(file)
    // The very reading that shows a loss: a later one may have another try of the write.
    let after = before
    await until(async () => {
      await deleteOne()
      after = await scrape(audited)
      return (after.get(lost) ?? 0) > 0
    })
    const moves = movesBetween(before, after)
    expect(moves.get('memory_gateway_receipts_total{result="signed"}')).toBe(1)
    expect(moves.get('memory_gateway_audit_failures_total')).toBe(1)
    expect(moves.get('memory_gateway_audit_waiting_records')).toBe(1)
  } finally {
    await audited.close()
    await rm(folder, { recursive: true, force: true })
  }
})

test('every metric moved when its cause did: none is left that these tests, or those named above, did not move', async () => {
  const { text } = await call(gateway.opsUrl, { path: '/metrics' })
  const names = [...text.matchAll(/^# TYPE (memory_gateway_\w+) /gm)].map(([, name]) => name ?? '')
  expect(names.filter((name) => !moved.has(name) && !(name in MOVED_ELSEWHERE))).toEqual([])
})
