import { Agent } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { startOpenSearch } from '../../src/local-cluster/start-opensearch.ts'
import type { RunningOpenSearch } from '../../src/local-cluster/start-opensearch.ts'
import { call } from '../support/call.ts'
import { pathOf } from '../support/dialects.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { until } from '../support/key-server.ts'
import { testMemories } from '../support/memories.ts'

// A real cluster of two nodes, one of which is killed under load and comes back: no answer may say what is not so.
// Two servers of its own take about a minute: TEST_LONG=1 runs it.

const CALLERS = 16
const MEMORIES = 20_000
const READABLE = 50
/** Turns of the callers before the kill, without the node, and after its return. */
const TURNS = 300
const DEADLINE_MS = 5_000
/** Longest time out, until the next check, and that check. */
const BACK_WITHIN_MS = 4_000 + 250 + 3_000
/** Callers, gateway and two servers share the machine's cores: a bound of life, not of speed. */
const SLACK_MS = 3_000

interface Answer {
  readonly id: string
  readonly isOwn: boolean
  readonly status: number
  /** The answer leaves open whether the memory was deleted. */
  readonly isUnknown: boolean
  readonly isRecovered: boolean
}

interface Read {
  /** `undefined` where the answer was cut off. */
  readonly status: number | undefined
  readonly isRight: boolean
}

const long = process.env['TEST_LONG'] === '1' ? describe : describe.skip

long('two nodes, one of them killed under load and started again (TEST_LONG=1)', () => {
  const ids = Array.from({ length: MEMORIES }, (_, number) => `m-${String(number)}`)
  const isOwn = (id: string): boolean => !id.endsWith('3')
  const nodes: RunningOpenSearch[] = []
  const answers: Answer[] = []
  const reads: Read[] = []
  const failures: unknown[] = []
  const opened: TestGateway[] = []
  const left = new Set<string>()
  let slowestMs = 0
  let backAfterMs = Infinity
  let memories: ReturnType<typeof testMemories>
  let gateway: TestGateway

  beforeAll(async () => {
    const manager = await startOpenSearch({ heapMegabytes: 512, membership: 'first' })
    nodes.push(manager)
    const membership = { name: 'second', joins: manager.transport }
    const second = await startOpenSearch({ heapMegabytes: 512, membership })
    nodes.push(second)
    memories = testMemories(manager.url)
    const settings = { number_of_shards: 2, number_of_replicas: 1 }
    for (const index of [memories.containerIndex, memories.indexOf('working'), readable()]) {
      expect(await memories.ask('PUT', `/${index}`, { settings })).toMatchObject({ status: 200 })
    }
    await memories.putContainer('c', { owner: { name: 'alice' } })
    await storeAll()
    const health = await memories.ask('GET', '/_cluster/health?wait_for_status=green&wait_for_nodes=2&timeout=60s')
    expect(health.body).toMatchObject({ status: 'green', number_of_nodes: 2, timed_out: false })
    gateway = await startTestGateway({
      cluster: {
        nodes: nodes.map(({ url }) => url),
        silenceTimeout: `${String(DEADLINE_MS)}ms`,
        ejection: { failures: 3, backoff: '500ms', maxBackoff: '4s', checkInterval: '250ms' },
      },
      memory: { containerIndex: memories.containerIndex },
      limits: { deadline: `${String(DEADLINE_MS)}ms` },
      log: { level: 'silent' },
    })
    opened.push(gateway)
  }, 240_000)
  afterAll(async () => {
    for (const one of opened.toReversed()) await one.close()
    for (const node of nodes.toReversed()) await node.stop()
  })

  const readable = (): string => `${memories.prefix}-readable`

  async function storeAll(): Promise<void> {
    const line = (index: string, id: string, source: unknown): string =>
      `${JSON.stringify({ index: { _index: index, _id: id } })}\n${JSON.stringify(source)}\n`
    const memory = (id: string) => ({ memory_container_id: 'c', owner_id: isOwn(id) ? 'alice' : 'bob' })
    const lines = [
      ...ids.map((id) => line(memories.indexOf('working'), id, memory(id))),
      ...Array.from({ length: READABLE }, (_, number) => line(readable(), String(number), { number })),
    ]
    const response = await fetch(`${nodes[0]?.url ?? ''}/_bulk?refresh=true`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines.join(''),
    })
    expect(await response.json()).toMatchObject({ errors: false })
  }

  /** Which memories the cluster has, by realtime reads past the gateway. */
  async function findLeft(): Promise<void> {
    for (let from = 0; from < ids.length; from += 1_000) {
      const path = `/${memories.indexOf('working')}/_mget?_source=false`
      const { body } = await memories.ask('POST', path, { ids: ids.slice(from, from + 1_000) })
      for (const { _id, found } of (body as { docs: { _id: string; found: boolean }[] }).docs) if (found) left.add(_id)
    }
  }

  async function remove(id: string, token: string, agent: Agent): Promise<void> {
    const startedAt = performance.now()
    const path = pathOf('opensearch', 'c', 'working', id)
    const { status, headers, text } = await call(gateway.url, { method: 'DELETE', path, token, agent })
    slowestMs = Math.max(slowestMs, performance.now() - startedAt)
    answers.push({
      id,
      isOwn: isOwn(id),
      status,
      isUnknown: status === 504 && text.includes('whether the memory was deleted is unknown'),
      isRecovered: headers['x-memory-recovered'] === 'true',
    })
  }

  async function read(number: number, token: string, agent: Agent): Promise<void> {
    const startedAt = performance.now()
    const path = `/${readable()}/_doc/${String(number)}`
    const reply = await call(gateway.url, { path, token, agent }).catch(() => undefined)
    slowestMs = Math.max(slowestMs, performance.now() - startedAt)
    const isRight =
      reply?.status === 200 && (reply.body as { _source?: { number?: number } })._source?.number === number
    reads.push({ status: reply?.status, isRight })
  }

  /** The name of the node that a passed-through request comes to. */
  async function nodeReached(token: string): Promise<unknown> {
    const { status, body } = await call(gateway.url, { path: '/', token })
    return status === 200 ? (body as { name?: unknown }).name : undefined
  }

  async function stateOf(node: RunningOpenSearch): Promise<string | undefined> {
    const { body } = await call(gateway.opsUrl, { path: '/readyz' })
    const { states } = (body as { checks: { nodes: { states: { node: string; state: string }[] } } }).checks.nodes
    return states.find((one) => one.node === node.url)?.state
  }

  test(`${String(CALLERS)} callers delete and read meanwhile, and the node gets requests again`, async () => {
    const [, killed] = nodes
    if (killed === undefined) throw new Error('there are two nodes')
    const agent = new Agent({ keepAlive: true, maxSockets: CALLERS })
    const token = await gateway.token()
    const admin = await gateway.token({ scopes: ['opensearch:admin'] })
    const todo = ids.toReversed()
    let turns = 0
    let isOver = false
    async function caller(): Promise<void> {
      while (!isOver) {
        const id = todo.pop()
        if (id !== undefined) await remove(id, token, agent)
        await read(turns++ % READABLE, admin, agent)
        // The memories are to last until the node is back.
        await pause(40)
      }
    }
    const moreTurns = (): Promise<void> => {
      const from = turns
      return until(() => failures.length > 0 || turns >= from + TURNS)
    }
    const callers = Array.from({ length: CALLERS }, () => caller().catch((error: unknown) => failures.push(error)))
    try {
      await moreTurns()
      process.kill(killed.pid, 'SIGKILL')
      await until(async () => (await stateOf(killed)) === 'ejected')
      await moreTurns()
      await killed.restart()
      const wellSince = performance.now()
      await until(async () => (await stateOf(killed)) === 'up')
      await until(async () => (await nodeReached(admin)) === 'second')
      backAfterMs = performance.now() - wellSince
      await moreTurns()
    } finally {
      isOver = true
      await Promise.all(callers)
      agent.destroy()
    }
    await findLeft()
    process.stdout.write(`two nodes: ${JSON.stringify(report(turns, todo.length))}\n`)
    expect(failures).toEqual([])
    // Some memories were deleted after the return too.
    expect(todo.length).toBeGreaterThan(0)
  }, 240_000)

  function report(turns: number, untouched: number): Readonly<Record<string, unknown>> {
    const failed = reads.filter(({ isRight }) => !isRight)
    return {
      turns,
      untouched,
      deletes: tally(answers.map((one) => `${String(one.status)}${one.isRecovered ? ' recovered' : ''}`)),
      reads: tally(reads.map(({ status }) => String(status ?? 'cut'))),
      failedReadsPercent: Number(((100 * failed.length) / reads.length).toFixed(3)),
      slowestMs: Math.round(slowestMs),
      backAfterMs: Math.round(backAfterMs),
    }
  }

  test('each 200 is gone, and whatever is gone, its caller was told so, or that it may be', () => {
    expect(answers.filter(({ id, status }) => status === 200 && left.has(id))).toEqual([])
    const told = new Set(answers.filter(({ status, isUnknown }) => status === 200 || isUnknown).map(({ id }) => id))
    expect(ids.filter((id) => !left.has(id) && !told.has(id))).toEqual([])
  })

  test('nobody else’s memory is touched, and no answer is wrong', () => {
    expect(ids.filter((id) => !isOwn(id) && !left.has(id))).toEqual([])
    const refusals = answers.filter((one) => one.status < 429 && one.status !== (one.isOwn ? 200 : 403))
    expect(refusals).toEqual([])
  })

  test('a read is right, or has failed and says so; most are right', () => {
    const wrong = reads.filter(({ status, isRight }) => !isRight && status !== undefined && status < 429)
    expect(wrong).toEqual([])
    expect(reads.filter(({ isRight }) => isRight).length).toBeGreaterThan(reads.length / 2)
  })

  test('nothing waits beyond the timeout, and the node is back within the configured time', () => {
    expect(slowestMs).toBeLessThan(DEADLINE_MS + SLACK_MS)
    expect(backAfterMs).toBeLessThan(BACK_WITHIN_MS + SLACK_MS)
  })
})

function tally(keys: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const key of keys) counts[key] = (counts[key] ?? 0) + 1
  return counts
}
