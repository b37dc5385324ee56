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
import { watchNodeOnPage } from '../support/node-on-page.ts'
import type { NodeOnPage } from '../support/node-on-page.ts'

// A real cluster of two nodes, one of which is killed under load and comes back: no answer may say what is not so. Two gateways, one with each
// engine, are before it at the same time. Two servers of its own take about a minute: TEST_LONG=1 runs it.

const ENGINES = ['undici', 'http-proxy-middleware'] as const
/** Of each gateway. */
const CALLERS = 8
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

/** One of the gateways, and what its callers were told. */
interface Side {
  readonly engine: (typeof ENGINES)[number]
  readonly ids: readonly string[]
  /** Those that nobody has asked for yet. */
  readonly todo: string[]
  readonly gateway: TestGateway
  /** That may delete memories, and that may read all else. */
  readonly tokens: { readonly alice: string; readonly admin: string }
  readonly agent: Agent
  readonly answers: Answer[]
  readonly reads: Read[]
  turns: number
  slowestMs: number
  backAfterMs: number
}

const long = process.env['TEST_LONG'] === '1' ? describe : describe.skip

long('two nodes, one of them killed under load and started again (TEST_LONG=1)', () => {
  const ids = Array.from({ length: MEMORIES }, (_, number) => `m-${String(number)}`)
  const isOwn = (id: string): boolean => !id.endsWith('3')
  const nodes: RunningOpenSearch[] = []
  const failures: unknown[] = []
  const sides: Side[] = []
  const left = new Set<string>()
  let memories: ReturnType<typeof testMemories>
  let watched: NodeOnPage | undefined

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
    for (const [position, engine] of ENGINES.entries()) {
      sides.push(
        await openSide(
          engine,
          ids.filter((_, number) => Math.floor(number / 10) % ENGINES.length === position),
        ),
      )
    }
    watched = await watchNodeOnPage(sides[0]?.gateway.opsUrl ?? '', second.url)
  }, 240_000)
  afterAll(async () => {
    await watched?.close()
    for (const { gateway, agent } of sides) {
      agent.destroy()
      await gateway.close()
    }
    for (const node of nodes.toReversed()) await node.stop()
  })

  async function openSide(engine: Side['engine'], own: readonly string[]): Promise<Side> {
    const gateway = await startTestGateway({
      cluster: {
        nodes: nodes.map(({ url }) => url),
        passThrough: { engine },
        silenceTimeout: `${String(DEADLINE_MS)}ms`,
        ejection: { failures: 3, backoff: '500ms', maxBackoff: '4s', checkInterval: '250ms' },
      },
      memory: { containerIndex: memories.containerIndex },
      limits: { deadline: `${String(DEADLINE_MS)}ms` },
      log: { level: 'silent' },
    })
    const tokens = { alice: await gateway.token(), admin: await gateway.token({ scopes: ['opensearch:admin'] }) }
    const agent = new Agent({ keepAlive: true, maxSockets: CALLERS })
    const told = { answers: [], reads: [], turns: 0, slowestMs: 0, backAfterMs: Infinity }
    return { engine, ids: own, todo: own.toReversed(), gateway, tokens, agent, ...told }
  }

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

  async function remove(side: Side, id: string): Promise<void> {
    const { gateway, tokens, agent } = side
    const startedAt = performance.now()
    const path = pathOf('opensearch', 'c', 'working', id)
    const { status, headers, text } = await call(gateway.url, { method: 'DELETE', path, token: tokens.alice, agent })
    side.slowestMs = Math.max(side.slowestMs, performance.now() - startedAt)
    side.answers.push({
      id,
      isOwn: isOwn(id),
      status,
      isUnknown: status === 504 && text.includes('whether the memory was deleted is unknown'),
      isRecovered: headers['x-memory-recovered'] === 'true',
    })
  }

  async function read(side: Side, number: number): Promise<void> {
    const { gateway, tokens, agent } = side
    const startedAt = performance.now()
    const path = `/${readable()}/_doc/${String(number)}`
    const reply = await call(gateway.url, { path, token: tokens.admin, agent }).catch(() => undefined)
    side.slowestMs = Math.max(side.slowestMs, performance.now() - startedAt)
    const isRight =
      reply?.status === 200 && (reply.body as { _source?: { number?: number } })._source?.number === number
    side.reads.push({ status: reply?.status, isRight })
  }

  /** The name of the node that a passed-through request comes to. */
  async function nodeReached({ gateway, tokens }: Side): Promise<unknown> {
    const { status, body } = await call(gateway.url, { path: '/', token: tokens.admin })
    return status === 200 ? (body as { name?: unknown }).name : undefined
  }

  async function stateOf({ gateway }: Side, node: RunningOpenSearch): Promise<string | undefined> {
    const { body } = await call(gateway.opsUrl, { path: '/readyz' })
    const { states } = (body as { checks: { nodes: { states: { node: string; state: string }[] } } }).checks.nodes
    return states.find((one) => one.node === node.url)?.state
  }

  const onEach = (work: (side: Side) => Promise<unknown>): Promise<unknown> => Promise.all(sides.map(work))

  test(`${String(CALLERS)} callers of each engine delete and read meanwhile, the ops page shows the node out and back, and it gets requests again`, async () => {
    const [, killed] = nodes
    if (killed === undefined) throw new Error('there are two nodes')
    let isOver = false
    async function caller(side: Side): Promise<void> {
      while (!isOver) {
        const id = side.todo.pop()
        if (id !== undefined) await remove(side, id)
        await read(side, side.turns++ % READABLE)
        // The memories are to last until the node is back.
        await pause(40)
      }
    }
    const moreTurns = (): Promise<unknown> =>
      onEach((side) => {
        const from = side.turns
        return until(() => failures.length > 0 || side.turns >= from + TURNS)
      })
    const callers = sides.flatMap((side) =>
      Array.from({ length: CALLERS }, () => caller(side).catch((error: unknown) => failures.push(error))),
    )
    try {
      await moreTurns()
      process.kill(killed.pid, 'SIGKILL')
      await onEach((side) => until(async () => (await stateOf(side, killed)) === 'ejected'))
      await watched?.becomes('ejected')
      await moreTurns()
      await killed.restart()
      const wellSince = performance.now()
      await onEach(async (side) => {
        await until(async () => (await stateOf(side, killed)) === 'up')
        await until(async () => (await nodeReached(side)) === 'second')
        side.backAfterMs = performance.now() - wellSince
      })
      await watched?.becomes('up')
      await moreTurns()
    } finally {
      isOver = true
      await Promise.all(callers)
    }
    await findLeft()
    for (const side of sides) process.stdout.write(`two nodes: ${JSON.stringify(report(side))}\n`)
    expect(failures).toEqual([])
    // Some memories were deleted after the return too.
    for (const { todo } of sides) expect(todo.length).toBeGreaterThan(0)
  }, 240_000)

  test('the ops page showed both, with nothing to complain of', () => {
    expect(watched?.complaints ?? []).toEqual([])
  })

  describe.each(ENGINES)('with the engine %s', (engine) => {
    const sideOf = (): Side => {
      const side = sides.find((one) => one.engine === engine)
      if (side === undefined) throw new Error(`no gateway with ${engine}`)
      return side
    }

    test('each 200 is gone, and whatever is gone, its caller was told so, or that it may be', () => {
      const { answers, ids: own } = sideOf()
      expect(answers.filter(({ id, status }) => status === 200 && left.has(id))).toEqual([])
      const told = new Set(answers.filter(({ status, isUnknown }) => status === 200 || isUnknown).map(({ id }) => id))
      expect(own.filter((id) => !left.has(id) && !told.has(id))).toEqual([])
    })

    test('nobody else’s memory is touched, and no answer is wrong', () => {
      const { answers, ids: own } = sideOf()
      expect(own.filter((id) => !isOwn(id) && !left.has(id))).toEqual([])
      const refusals = answers.filter((one) => one.status < 429 && one.status !== (one.isOwn ? 200 : 403))
      expect(refusals).toEqual([])
    })

    test('a read is right, or has failed and says so; most are right', () => {
      const { reads } = sideOf()
      const wrong = reads.filter(({ status, isRight }) => !isRight && status !== undefined && status < 429)
      expect(wrong).toEqual([])
      expect(reads.filter(({ isRight }) => isRight).length).toBeGreaterThan(reads.length / 2)
    })

    test('nothing waits beyond the timeout, and the node is back within the configured time', () => {
      const { slowestMs, backAfterMs } = sideOf()
      expect(slowestMs).toBeLessThan(DEADLINE_MS + SLACK_MS)
      expect(backAfterMs).toBeLessThan(BACK_WITHIN_MS + SLACK_MS)
    })
  })
})

function report({
  engine,
  turns,
  todo,
  answers,
  reads,
  slowestMs,
  backAfterMs,
}: Side): Readonly<Record<string, unknown>> {
  const failed = reads.filter(({ isRight }) => !isRight)
  return {
    engine,
    turns,
    untouched: todo.length,
    deletes: tally(answers.map((one) => `${String(one.status)}${one.isRecovered ? ' recovered' : ''}`)),
    reads: tally(reads.map(({ status }) => String(status ?? 'cut'))),
    failedReadsPercent: Number(((100 * failed.length) / reads.length).toFixed(3)),
    slowestMs: Math.round(slowestMs),
    backAfterMs: Math.round(backAfterMs),
  }
}

function tally(keys: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const key of keys) counts[key] = (counts[key] ?? 0) + 1
  return counts
}
