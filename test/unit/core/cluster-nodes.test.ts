import { describe, expect, test } from '@jest/globals'

import { openClusterNodes } from '../../../src/core/cluster-nodes.ts'
import type { Attempt, ClusterNodes, ClusterNodesOptions } from '../../../src/core/cluster-nodes.ts'

interface Scene {
  readonly nodes: ClusterNodes
  pass(ms: number): void
}

function scene(more: Partial<ClusterNodesOptions> = {}): Scene {
  let now = 1_000
  const nodes = openClusterNodes({
    nodes: ['a', 'b'],
    failures: 3,
    backoffMs: 1_000,
    maxBackoffMs: 8_000,
    silenceMs: 3_000,
    retries: { percent: 20, perSecond: 100 },
    now: () => now,
    random: () => 1,
    ...more,
  })
  return { nodes, pass: (ms) => void (now += ms) }
}

const NONE: ReadonlySet<string> = new Set()

/** An attempt at this very node. */
function at({ nodes }: Scene, node: string): Attempt {
  const others = new Set(nodes.states().flatMap((state) => (state.node === node ? [] : [state.node])))
  const attempt = nodes.next(others)
  if (attempt?.node !== node) throw new Error(`no attempt at ${node}`)
  return attempt
}

function fail(one: Scene, node: string, times = 3): void {
  for (let time = 0; time < times; time++) {
    const attempt = at(one, node)
    attempt.failed()
    attempt.end()
  }
}

const up = ({ nodes }: Scene): readonly string[] =>
  nodes.states().flatMap(({ node, state }) => (state === 'up' ? [node] : []))

describe('the node for a request', () => {
  test('is the one with the fewest under way, and each in turn where they are even', () => {
    const one = scene({ nodes: ['a', 'b', 'c'] })
    const attempts = Array.from({ length: 6 }, () => one.nodes.first())
    expect(attempts.map(({ node }) => node).toSorted()).toEqual(['a', 'a', 'b', 'b', 'c', 'c'])
    for (const attempt of attempts) if (attempt.node === 'b') attempt.end()
    expect([one.nodes.first().node, one.nodes.first().node]).toEqual(['b', 'b'])
  })

  test('gives its place back once, however often it is ended', () => {
    const { nodes } = scene({ nodes: ['a'] })
    const [first, second] = [nodes.first(), nodes.first()]
    first.end()
    first.end()
    expect(nodes.states()[0]?.outstanding).toBe(1)
    second.end()
    expect(nodes.states()[0]?.outstanding).toBe(0)
  })

  test('for another try is an untried one that is up, else an ejected one, else none', () => {
    const one = scene({ nodes: ['a', 'b', 'c'] })
    fail(one, 'c')
    expect(one.nodes.next(new Set(['a']))?.node).toBe('b')
    expect(one.nodes.next(new Set(['a', 'b']))?.node).toBe('c')
    expect(one.nodes.next(new Set(['a', 'b', 'c']))).toBeUndefined()
    expect(['a', 'b']).toContain(one.nodes.next(new Set(['a', 'b', 'c']), true)?.node)
  })
})

describe('a node is ejected', () => {
  test.each([502, 503, 504])('after three answers of %d in a row', (status) => {
    const one = scene()
    for (const answer of [status, status, 200, status, status]) at(one, 'a').heard(answer)
    expect(up(one)).toEqual(['a', 'b'])
    at(one, 'a').heard(status)
    expect(up(one)).toEqual(['b'])
    expect(one.nodes.counters().ejections).toBe(1)
    expect(Array.from({ length: 5 }, () => one.nodes.first().node)).toEqual(['b', 'b', 'b', 'b', 'b'])
  })

  test.each([200, 400, 401, 404, 429, 500])('not for answers of %d', (status) => {
    const one = scene()
    for (let time = 0; time < 9; time++) at(one, 'a').heard(status)
    expect(up(one)).toEqual(['a', 'b'])
  })

  test('at its first silence, and all that is under way at it is told', () => {
    const one = scene()
    const told: string[] = []
    const others = [at(one, 'a'), at(one, 'b')]
    for (const attempt of others) attempt.onHung(() => told.push(attempt.node))
    const hung = at(one, 'a')
    one.pass(3_000)
    hung.silent()
    expect({ up: up(one), told }).toEqual({ up: ['b'], told: ['a'] })
  })

  test('not for one slow request, while it answers others', () => {
    const one = scene()
    const slow = at(one, 'a')
    one.pass(1_000)
    at(one, 'a').heard(200)
    one.pass(2_000)
    slow.silent()
    expect(up(one)).toEqual(['a', 'b'])
    expect(one.nodes.states()[0]?.failures).toBe(1)
  })

  test('never as the last one', () => {
    const one = scene()
    fail(one, 'a')
    fail(one, 'b', 20)
    at(one, 'b').silent()
    one.nodes.checked('b', false)
    expect(up(one)).toEqual(['b'])
    // And once there is another, its next failure ejects it.
    one.nodes.checked('a', true)
    fail(one, 'b', 1)
    expect(up(one)).toEqual(['a'])
  })

  test('never as the only one', () => {
    const one = scene({ nodes: ['a'] })
    for (let time = 0; time < 9; time++) one.nodes.first().failed()
    one.pass(60_000)
    expect({ up: up(one), toCheck: one.nodes.toCheck() }).toEqual({ up: ['a'], toCheck: [] })
  })
})

describe('an ejected node', () => {
  test('is asked after its time out, which doubles with each failed check up to a bound', () => {
    const one = scene()
    fail(one, 'a')
    const waits: number[] = []
    for (let round = 0; round < 6; round++) {
      let waited = 0
      for (; one.nodes.toCheck().length === 0; waited += 500) one.pass(500)
      waits.push(waited)
      one.nodes.checked('a', false)
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 8_000, 8_000])
  })

  test('is out for half of that at least, by chance', () => {
    const one = scene({ random: () => 0 })
    fail(one, 'a')
    one.pass(499)
    expect(one.nodes.toCheck()).toEqual([])
    one.pass(1)
    expect(one.nodes.toCheck()).toEqual(['a'])
  })

  test('is in again when a check finds it well; out again at the next failure, and for longer', () => {
    const one = scene()
    fail(one, 'a')
    one.pass(1_000)
    one.nodes.checked('a', true)
    expect(up(one)).toEqual(['a', 'b'])
    fail(one, 'a', 1)
    expect(up(one)).toEqual(['b'])
    one.pass(1_999)
    expect(one.nodes.toCheck()).toEqual([])
    one.pass(1)
    expect(one.nodes.toCheck()).toEqual(['a'])
  })

  test('that was well for long starts anew', () => {
    const one = scene()
    fail(one, 'a')
    one.nodes.checked('a', true)
    at(one, 'a').heard(200)
    one.pass(8_001)
    fail(one, 'a')
    one.pass(1_000)
    expect(one.nodes.toCheck()).toEqual(['a'])
  })
})

describe('a node that was asked and says nothing', () => {
  test('is checked; one that answers is not', () => {
    const one = scene()
    at(one, 'a').end()
    const answered = at(one, 'b')
    one.pass(2_999)
    answered.heard(200)
    expect(one.nodes.toCheck()).toEqual([])
    one.pass(1)
    expect(one.nodes.toCheck()).toEqual(['a'])
    one.nodes.checked('a', true)
    expect(one.nodes.toCheck()).toEqual([])
  })

  test('is checked again as long as anyone waits, whatever it has answered to others meanwhile', () => {
    const one = scene()
    const waits = at(one, 'a')
    for (let round = 0; round < 3; round++) {
      one.pass(2_000)
      at(one, 'a').heard(200)
      one.pass(3_000)
      expect(one.nodes.toCheck()).toEqual(['a'])
      one.nodes.checked('a', true)
      expect(one.nodes.toCheck()).toEqual([])
    }
    waits.heard(200)
    one.pass(60_000)
    expect(one.nodes.toCheck()).toEqual([])
  })

  test('is ejected when the check fails, and what waits for it is told', () => {
    const one = scene()
    let isTold = false
    at(one, 'a').onHung(() => (isTold = true))
    one.nodes.checked('a', false)
    expect({ up: up(one), isTold }).toEqual({ up: ['b'], isTold: true })
  })
})

describe('retries', () => {
  test('are a part of the requests, and counted', () => {
    const one = scene({ retries: { percent: 20, perSecond: 0 } })
    for (let request = 0; request < 50; request++) one.nodes.first()
    const granted = Array.from({ length: 15 }, () => one.nodes.next(NONE) !== undefined)
    expect(granted.filter(Boolean)).toHaveLength(10)
    expect(one.nodes.counters()).toMatchObject({ requests: 50, retries: 10, retriesRefused: 5 })
  })

  test('are so many a second at least', () => {
    const one = scene({ retries: { percent: 20, perSecond: 10 } })
    const tryAll = (): number => Array.from({ length: 40 }, () => one.nodes.next(NONE)).filter(Boolean).length
    expect(tryAll()).toBe(10)
    one.pass(2_000)
    expect(tryAll()).toBe(20)
    one.pass(60_000)
    expect(tryAll() + tryAll() + tryAll()).toBe(100)
  })
})
