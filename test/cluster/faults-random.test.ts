import { Agent } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { startOpenSearch } from '../../src/local-cluster/start-opensearch.ts'
import type { RunningOpenSearch } from '../../src/local-cluster/start-opensearch.ts'
import { call } from '../support/call.ts'
import type { Reply } from '../support/call.ts'
import { pathOf } from '../support/dialects.ts'
import { openGatewayProcesses } from '../support/gateway-process.ts'
import type { GatewayProcess, GatewayProcesses } from '../support/gateway-process.ts'
import { testMemories } from '../support/memories.ts'
import { randomNumbers, startRandomTcpProxy } from '../support/random-tcp-proxy.ts'
import type { RandomTcpProxy } from '../support/random-tcp-proxy.ts'
import { seedOfThisRun } from '../vectors/odd-texts.ts'

// Whatever breaks between the gateway and the cluster, no answer may say what is not so.

const IS_LONG = process.env['TEST_LONG'] === '1'
const MEMORIES = 20_000
const CALLERS = 64
const FIRST_SEED = seedOfThisRun()
const SEEDS = Array.from({ length: IS_LONG ? 10 : 1 }, (_, number) => FIRST_SEED + number)

type Kind = 'own' | 'bobs' | 'elsewhere' | 'absent'

interface Answer {
  readonly id: string
  readonly hasKey: boolean
  readonly status: number
  /** The answer leaves open whether the memory was deleted, or never came. */
  readonly isUnknown: boolean
  readonly isRecovered: boolean
  readonly startedAt: number
  readonly endedAt: number
}

let cluster: RunningOpenSearch

beforeAll(async () => {
  // Compiled less well, it is up again in half the time.
  cluster = await startOpenSearch({ heapMegabytes: 512, isShortLived: true })
}, 120_000)
afterAll(() => cluster.stop())

/** No answer: the gateway closed an idle connection just as it was used again, as any server does. A client asks again. */
const UNHEARD = 599

function unheard(error: unknown): Pick<Reply, 'status' | 'headers' | 'text'> {
  const { code, reusedSocket } = error as { code?: unknown; reusedSocket?: unknown }
  if (code !== 'ECONNRESET' || reusedSocket !== true) throw error
  return { status: UNHEARD, headers: {}, text: '' }
}

/** Most are the caller's own; the others must not be touched. */
function kindOf(number: number): Kind {
  if (number % 10 === 3) return 'bobs'
  if (number % 20 === 7) return 'elsewhere'
  return number % 20 === 9 ? 'absent' : 'own'
}

describe.each(SEEDS)(`${String(MEMORIES)} deletes from ${String(CALLERS)} callers (TEST_SEED=%d)`, (seed) => {
  const random = randomNumbers(seed)
  const ids = Array.from({ length: MEMORIES }, (_, number) => `m-${String(number)}`)
  const kinds = new Map(ids.map((id, number) => [id, kindOf(number)]))
  /** Every fourth is asked for with a key of its own. */
  const keyed = new Set(ids.filter((_, number) => number % 4 === 0))
  const refreshes = new Map(
    ids.map((id) => {
      const share = random()
      return [id, share < 0.02 ? '?refresh=wait_for' : share < 0.1 ? '?refresh=true' : '']
    }),
  )
  const answers: Answer[] = []
  const left = new Set<string>()
  let memories: ReturnType<typeof testMemories>
  let proxy: RandomTcpProxy
  let processes: GatewayProcesses
  let gateway: GatewayProcess

  beforeAll(async () => {
    memories = testMemories(cluster.url)
    await memories.putContainer('c', { owner: { name: 'alice' } })
    const settings = { number_of_replicas: 0, refresh_interval: '100ms' }
    await memories.ask('PUT', `/${memories.indexOf('working')}`, { settings })
    await storeAll()
    proxy = await startRandomTcpProxy(cluster.url, seed, { cut: 0.01, truncate: 0.01, stall: 0.003, delay: 0.05 })
    processes = await openGatewayProcesses()
    gateway = await processes.start({
      clusters: {
        main: { nodes: [proxy.url], service: { kind: 'none' }, circuit: { failures: 5, cooldown: '100ms' } },
      },
      memory: { containerIndex: memories.containerIndex },
      limits: { deadline: '1s' },
      log: { level: 'silent' },
    })
  }, 60_000)
  afterAll(async () => {
    await processes.close()
    await proxy.close()
    await memories.removeAll()
  })

  async function storeAll(): Promise<void> {
    const index = memories.indexOf('working')
    const lines = ids.flatMap((id) => {
      const kind = kinds.get(id)
      if (kind === 'absent') return []
      const source = {
        memory_container_id: kind === 'elsewhere' ? 'other' : 'c',
        owner_id: kind === 'bobs' ? 'bob' : 'alice',
      }
      return [JSON.stringify({ index: { _index: index, _id: id } }), JSON.stringify(source)]
    })
    const headers = { 'content-type': 'application/x-ndjson' }
    const response = await fetch(`${cluster.url}/_bulk?refresh=true`, {
      method: 'POST',
      headers,
      body: `${lines.join('\n')}\n`,
    })
    expect(await response.json()).toMatchObject({ errors: false })
  }

  /** Which memories the cluster has, by realtime reads past the gateway. */
  async function findLeft(): Promise<void> {
    for (let from = 0; from < ids.length; from += 1_000) {
      const wanted = ids.slice(from, from + 1_000)
      const { body } = await memories.ask('POST', `/${memories.indexOf('working')}/_mget?_source=false`, {
        ids: wanted,
      })
      for (const { _id, found } of (body as { docs: { _id: string; found: boolean }[] }).docs) if (found) left.add(_id)
    }
  }

  async function deleteOnce(id: string, agent: Agent): Promise<Answer> {
    const startedAt = performance.now()
    const path = `${pathOf('opensearch', 'c', 'working', id)}${refreshes.get(id) ?? ''}`
    const hasKey = keyed.has(id)
    const { status, headers, text } = await call(gateway.url, {
      method: 'DELETE',
      path,
      token: processes.token,
      agent,
      headers: hasKey ? { 'idempotency-key': id } : {},
    }).catch(unheard)
    return {
      id,
      hasKey,
      status,
      isUnknown: status === UNHEARD || (status === 504 && text.includes('whether the memory was deleted is unknown')),
      isRecovered: headers['x-memory-recovered'] === 'true',
      startedAt,
      endedAt: performance.now(),
    }
  }

  test('the node is killed on the way, and every call is answered', async () => {
    // In turn: one that lies idle for seconds while the node is away may be closed just as it is used again.
    const agent = new Agent({ keepAlive: true, maxSockets: CALLERS, scheduling: 'fifo' })
    const todo = ids.toReversed()
    let restarted: Promise<void> | undefined
    async function caller(): Promise<void> {
      for (let id = todo.pop(); id !== undefined; id = todo.pop()) {
        if (todo.length < MEMORIES / 2) restarted ??= cluster.restart()
        restarted?.catch(() => undefined)
        // As clients do: again, until somebody knows.
        for (let attempt = 1; attempt <= 500; attempt++) {
          const answer = await deleteOnce(id, agent)
          answers.push(answer)
          if (answer.status < 429) break
          await pause(250)
        }
        // Some ask twice, as if they had not heard the answer.
        if (random() < 0.02) answers.push(await deleteOnce(id, agent))
      }
    }
    await Promise.all(Array.from({ length: CALLERS }, caller))
    await restarted
    proxy.calm()
    agent.destroy()
    await findLeft()
    const tally: Record<string, number> = {}
    for (const { status, isRecovered, isUnknown } of answers) {
      const key = `${String(status)}${isRecovered ? ' recovered' : ''}${isUnknown ? ' unknown' : ''}`
      tally[key] = (tally[key] ?? 0) + 1
    }
    process.stdout.write(`TEST_SEED=${String(seed)}: ${JSON.stringify({ ...tally, faults: proxy.faults })}\n`)
    expect(new Set(answers.map(({ id }) => id)).size).toBe(MEMORIES)
    // The faults were met: else nothing below would say anything.
    expect(answers.some(({ isRecovered }) => isRecovered)).toBe(true)
    expect(answers.some(({ status }) => status >= 502)).toBe(true)
  }, 600_000)

  test('each 200 is gone', () => {
    expect(answers.filter(({ id, status }) => status === 200 && left.has(id))).toEqual([])
  })

  test('nobody else’s memory is touched, and nobody is told that it was', () => {
    for (const [id, kind] of kinds) {
      if (kind === 'own') continue
      expect({ id, isLeft: left.has(id) }).toEqual({ id, isLeft: kind !== 'absent' })
    }
    const final = { bobs: 403, elsewhere: 404, absent: 404, own: 0 }
    const wrong = answers.filter(({ id, status }) => {
      const kind = kinds.get(id) ?? 'absent'
      return kind !== 'own' && status < 429 && status !== final[kind]
    })
    expect(wrong).toEqual([])
  })

  test('each 404 was absent: another call had deleted it, or may have', () => {
    const mayHaveDeleted = Map.groupBy(
      answers.filter(({ status, isUnknown }) => status === 200 || isUnknown),
      ({ id }) => id,
    )
    const invented = answers.filter(({ id, status, endedAt }) => {
      if (status !== 404 || kinds.get(id) !== 'own') return false
      return left.has(id) || mayHaveDeleted.get(id)?.some(({ startedAt }) => startedAt < endedAt) !== true
    })
    expect(invented).toEqual([])
  })

  test('who asks with a key until somebody knows is told that an own memory is deleted, and never that it is not there', () => {
    const known = answers.filter(({ id, hasKey, status }) => hasKey && kinds.get(id) === 'own' && status < 429)
    expect(known.filter(({ status }) => status !== 200)).toEqual([])
    expect(new Set(known.map(({ id }) => id)).size).toBe(
      ids.filter((id) => keyed.has(id) && kinds.get(id) === 'own').length,
    )
  })

  test('whatever is gone, somebody was told so, or that it may be', () => {
    const told = new Set(answers.filter(({ status, isUnknown }) => status === 200 || isUnknown).map(({ id }) => id))
    const silent = ids.filter((id) => kinds.get(id) === 'own' && !left.has(id) && !told.has(id))
    expect(silent).toEqual([])
  })

  test('an own memory is never said to be somebody else’s', () => {
    expect(answers.filter(({ id, status }) => kinds.get(id) === 'own' && [400, 401, 403].includes(status))).toEqual([])
  })
})
