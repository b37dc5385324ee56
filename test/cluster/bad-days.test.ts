import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { startDeafServer } from '../support/deaf-server.ts'
import { deleteIn, DIALECTS, errorBody } from '../support/dialects.ts'
import {
  answerWith,
  anything,
  bulk,
  cutBefore,
  cutInside,
  multiGet,
  neverAnswer,
  stallInside,
  startFaultProxy,
} from '../support/fault-proxy.ts'
import type { Fault, FaultProxy } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { until } from '../support/key-server.ts'
import { testMemories } from '../support/memories.ts'

const memories = testMemories(plainCluster().url)
const OWN = { memory_container_id: 'c', owner_id: 'alice' }
let proxy: FaultProxy

beforeAll(async () => {
  proxy = await startFaultProxy(plainCluster().url)
  await memories.putContainer('c', { owner: { name: 'alice' } })
  await memories.putMemory('working', 'm', OWN)
})
afterAll(async () => {
  await proxy.close()
  await memories.removeAll()
})

function start(nodes: string[] = [proxy.url], limits = { deadline: '800ms' }): Promise<TestGateway> {
  return startTestGateway({
    cluster: { nodes, connectTimeout: '300ms' },
    memory: { containerIndex: memories.containerIndex },
    legacy: { types: ['working'] },
    limits,
  })
}

interface Readiness {
  readonly status: number
  readonly cluster: unknown
}

async function readinessOf(gateway: TestGateway): Promise<Readiness> {
  const { status, body } = await call(gateway.opsUrl, { path: '/readyz' })
  return { status, cluster: (body as { checks: { cluster: unknown } }).checks.cluster }
}

const problemOf = async (gateway: TestGateway): Promise<unknown> =>
  ((await readinessOf(gateway)).cluster as { problem?: string }).problem

const REFUSED = 'The cluster refused the credentials of the gateway'
const UNREACHABLE = 'The cluster cannot be reached'
const INVALID = 'The cluster gave an answer that the gateway does not understand'
const NO_SHARD = 'The shard of this document is not available at the moment'
const LATE = 'The cluster did not answer in time'
const JSON_TYPE = { 'content-type': 'application/json' }
const osError = (status: number, type: string): unknown => ({
  error: { root_cause: [{ type, reason: 'internal-host-7' }], type, reason: 'internal-host-7' },
  status,
})

interface Row {
  readonly cluster: string
  readonly fault: Fault
  readonly status: number
  readonly reason: string
  /** The code that /readyz names. */
  readonly problem: string
}

const ROWS: readonly Row[] = [
  { cluster: 'breaks every connection', fault: cutBefore, status: 502, reason: UNREACHABLE, problem: 'upstreamUnavailable' },
  { cluster: 'breaks inside every answer', fault: cutInside, status: 502, reason: UNREACHABLE, problem: 'upstreamUnavailable' },
  { cluster: 'takes requests and never answers', fault: neverAnswer, status: 504, reason: LATE, problem: 'upstreamTimeout' },
  { cluster: 'stops in the middle of answers', fault: stallInside, status: 504, reason: LATE, problem: 'upstreamTimeout' },
  {
    cluster: 'refuses our credentials',
    fault: answerWith(401, 'Unauthorized', { 'www-authenticate': 'Basic realm="OpenSearch Security"' }),
    status: 502,
    reason: REFUSED,
    problem: 'upstreamRefusedGateway',
  },
  {
    cluster: 'gives our identity no rights',
    fault: answerWith(403, osError(403, 'security_exception')),
    status: 502,
    reason: REFUSED,
    problem: 'upstreamRefusedGateway',
  },
  {
    cluster: 'is busy',
    fault: answerWith(429, osError(429, 'rejected_execution_exception')),
    status: 429,
    reason: 'The cluster rejected the request because it is busy; try again later',
    problem: 'tooManyRequests',
  },
  {
    cluster: 'is not available',
    fault: answerWith(503, osError(503, 'cluster_manager_not_discovered_exception')),
    status: 502,
    reason: UNREACHABLE,
    problem: 'upstreamUnavailable',
  },
  { cluster: 'is a balancer without nodes', fault: answerWith(503, '<h1>503</h1>'), status: 502, reason: UNREACHABLE, problem: 'upstreamUnavailable' },
  { cluster: 'is a balancer that lost its node', fault: answerWith(502, '<h1>502</h1>'), status: 502, reason: UNREACHABLE, problem: 'upstreamUnavailable' },
  { cluster: 'fails inside', fault: answerWith(500, osError(500, 'exception')), status: 502, reason: INVALID, problem: 'upstreamInvalid' },
  { cluster: 'is something else that says hello', fault: answerWith(200, '<html>Hello</html>'), status: 502, reason: INVALID, problem: 'upstreamInvalid' },
  { cluster: 'answers garbage as JSON', fault: answerWith(200, '\u0000\u0001{{', JSON_TYPE), status: 502, reason: INVALID, problem: 'upstreamInvalid' },
  { cluster: 'answers half of its JSON', fault: answerWith(200, '{"docs":[{"_index":"x","_id":"c","fou', JSON_TYPE), status: 502, reason: INVALID, problem: 'upstreamInvalid' },
  { cluster: 'answers other JSON', fault: answerWith(200, { docs: [] }), status: 502, reason: INVALID, problem: 'upstreamInvalid' },
  { cluster: 'answers no object', fault: answerWith(200, [1]), status: 502, reason: INVALID, problem: 'upstreamInvalid' },
  { cluster: 'sends us elsewhere', fault: answerWith(302, '', { location: '/elsewhere' }), status: 502, reason: INVALID, problem: 'upstreamInvalid' },
] // prettier-ignore

describe('a cluster that', () => {
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = await start()
  })
  afterEach(() => proxy.reset())
  afterAll(() => gateway.close())

  test.each(ROWS)('$cluster: $status', async ({ fault, status, reason, problem }) => {
    proxy.on(anything, fault)
    for (const dialect of DIALECTS) {
      const answer = await deleteIn(dialect, gateway, { container: 'c', type: 'working', id: 'm' })
      const { type, legacy = reason } = TYPES[status] ?? { type: 'missing in this test' }
      expect({ status: answer.status, body: answer.body }).toEqual({
        status,
        body: errorBody(dialect, status, { type, reason, legacy }),
      })
      expect(answer.headers['www-authenticate']).toBeUndefined()
      expect(answer.headers['retry-after']).toBe(status === 429 ? '1' : undefined)
    }
    await until(async () => (await problemOf(gateway)) === problem)
    expect((await readinessOf(gateway)).status).toBe(503)
    expect((await call(gateway.opsUrl, { path: '/livez' })).status).toBe(200)
    expect(proxy.requests.filter(({ target }) => target === '/elsewhere')).toEqual([])
    expect(await memories.hasMemory('working', 'm')).toBe(true)

    // And as soon as it is well again, so are we.
    proxy.reset()
    await proxy.refuse()
    await proxy.accept()
    await memories.putMemory('working', 'well', OWN)
    expect((await deleteIn('opensearch', gateway, { container: 'c', type: 'working', id: 'well' })).status).toBe(200)
    await until(async () => (await readinessOf(gateway)).status === 200)
    expect((await readinessOf(gateway)).cluster).toEqual({ ok: true, reachable: true, version: plainCluster().version })
  })

  const TYPES: Readonly<Record<number, { type: string; legacy?: string }>> = {
    429: { type: 'rejected_execution_exception', legacy: 'Too many requests' },
    502: { type: 'bad_gateway_exception' },
    504: { type: 'gateway_timeout_exception' },
  }

  const item = (more: Readonly<Record<string, unknown>>): unknown => ({
    _index: memories.indexOf('working'),
    _id: 'm',
    ...more,
  })
  const bulkItem = (status: number, error: unknown): Fault =>
    answerWith(200, { took: 1, errors: true, items: [{ delete: item({ status, error }) }] })

  test.each([
    ['no rights to delete', 403, 'security_exception', 502, REFUSED],
    [
      'too many deletes',
      429,
      'rejected_execution_exception',
      429,
      'The cluster rejected the request because it is busy; try again later',
    ],
    ['no primary shard', 503, 'unavailable_shards_exception', 502, NO_SHARD],
    ['a refusal of the line', 400, 'illegal_argument_exception', 502, INVALID],
  ])('answers the delete alone with %s: says so, and the memory stays', async (_, itemStatus, type, status, reason) => {
    proxy.on(bulk, bulkItem(itemStatus, { type, reason: 'internal-host-7' }))
    const answer = await deleteIn('opensearch', gateway, { container: 'c', type: 'working', id: 'm' })
    expect(answer.body).toEqual(errorBody('opensearch', status, { type: TYPES[status]?.type ?? '', reason }))
    // A busy cluster is asked again until the deadline; any other refusal is final.
    if (itemStatus === 429) expect(proxy.requests.filter(bulk).length).toBeGreaterThan(1)
    else expect(proxy.requests.filter(bulk)).toHaveLength(1)
    expect(await memories.hasMemory('working', 'm')).toBe(true)
  })

  test.each([
    ['the container', 0],
    ['the memory', 1],
  ])('cannot read %s at the moment: 502, and never 404', async (_, position) => {
    proxy.on(multiGet, async ({ ask, answer }) => {
      const { rawHeaders, body } = await ask()
      const { docs } = JSON.parse(body.toString()) as { docs: { _index: string; _id: string }[] }
      const error = { type: 'no_shard_available_action_exception', reason: 'No shard available for [get]' }
      const changed = docs.map(({ _index, _id, ...doc }, at) =>
        at === position ? { _index, _id, error } : { _index, _id, ...doc },
      )
      const text = Buffer.from(JSON.stringify({ docs: changed }))
      const headers = rawHeaders.map((value, at) =>
        rawHeaders[at - 1]?.toLowerCase() === 'content-length' ? String(text.length) : value,
      )
      await answer({ status: 200, rawHeaders: headers, body: text })
    })
    for (const dialect of DIALECTS) {
      const answer = await deleteIn(dialect, gateway, { container: 'c', type: 'working', id: 'm' })
      expect({ status: answer.status, body: answer.body }).toEqual({
        status: 502,
        body: errorBody(dialect, 502, { type: 'bad_gateway_exception', reason: NO_SHARD }),
      })
    }
    expect(await memories.hasMemory('working', 'm')).toBe(true)
  })

  test('blocks writes to the index: 502 that says so, and the memory stays', async () => {
    const settings = `/${memories.indexOf('working')}/_settings`
    await memories.ask('PUT', settings, { index: { blocks: { write: true } } })
    const { body } = await deleteIn('opensearch', gateway, { container: 'c', type: 'working', id: 'm' })
    await memories.ask('PUT', settings, { index: { blocks: { write: false } } })
    const reason = 'The cluster blocks writes to this index at the moment'
    expect(body).toEqual(errorBody('opensearch', 502, { type: 'bad_gateway_exception', reason }))
    expect(await memories.hasMemory('working', 'm')).toBe(true)
  })

  test('closes the connection that was kept for the look: nobody notices', async () => {
    await memories.putMemory('working', 'kept', OWN)
    proxy.on(multiGet, cutBefore, 1)
    expect((await deleteIn('opensearch', gateway, { container: 'c', type: 'working', id: 'kept' })).status).toBe(200)
  })

  test('tells too much in its errors: none of it reaches the caller', async () => {
    proxy.on(anything, answerWith(500, osError(500, 'exception')))
    for (const dialect of DIALECTS) {
      const { text } = await deleteIn(dialect, gateway, { container: 'c', type: 'working', id: 'm' })
      expect(text).not.toContain('internal-host-7')
      expect(text).not.toContain('127.0.0.1')
    }
  })
})

describe('a gateway whose cluster', () => {
  const opened: { close(): Promise<void> }[] = []
  const closedAfter = <Opened extends { close(): Promise<void> }>(one: Opened): Opened => {
    opened.push(one)
    return one
  }
  const startOne = async (...args: Parameters<typeof start>): Promise<TestGateway> => closedAfter(await start(...args))
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close()
  })

  test('is down at its start starts, says so, and works as soon as the cluster does', async () => {
    await proxy.refuse()
    const gateway = await startOne()
    expect(await readinessOf(gateway)).toEqual({
      status: 503,
      cluster: { ok: false, reachable: false, problem: 'upstreamUnavailable' },
    })
    for (const dialect of DIALECTS) {
      const answer = await deleteIn(dialect, gateway, { container: 'c', type: 'working', id: 'm' })
      expect({ status: answer.status, body: answer.body }).toEqual({
        status: 502,
        body: errorBody(dialect, 502, { type: 'bad_gateway_exception', reason: UNREACHABLE }),
      })
    }
    await proxy.accept()
    await until(async () => (await readinessOf(gateway)).status === 200)
    await memories.putMemory('working', 'after', OWN)
    expect((await deleteIn('opensearch', gateway, { container: 'c', type: 'working', id: 'after' })).status).toBe(200)
  })

  test('drops its packets answers 502 after the connect timeout, not 504 at the deadline', async () => {
    const deaf = closedAfter(await startDeafServer())
    const gateway = await startOne([deaf.url], { deadline: '25s' })
    for (const dialect of DIALECTS) {
      const answer = await deleteIn(dialect, gateway, { container: 'c', type: 'working', id: 'm' })
      expect({ status: answer.status, body: answer.body }).toEqual({
        status: 502,
        body: errorBody(dialect, 502, { type: 'bad_gateway_exception', reason: UNREACHABLE }),
      })
    }
  })

  test('loses a node goes to another one, for looks and deletes', async () => {
    const down = closedAfter(await startFaultProxy(plainCluster().url))
    const gateway = await startOne([down.url, proxy.url])
    await until(async () => (await readinessOf(gateway)).status === 200)
    await down.refuse()
    for (const id of ['n1', 'n2', 'n3', 'n4']) {
      await memories.putMemory('working', id, OWN)
      expect((await deleteIn('opensearch', gateway, { container: 'c', type: 'working', id })).status).toBe(200)
    }
  })
})
