import { describe, expect, test } from '@jest/globals'

import { openLane } from '../../../src/cluster/lane.ts'
import type { LaneOptions } from '../../../src/cluster/lane.ts'
import { GatewayError } from '../../../src/core/failure.ts'
import { mayHaveRun } from '../../../src/core/never-sent.ts'

interface Sent {
  readonly items: readonly string[]
  readonly signal: AbortSignal
  answer(replies?: readonly string[]): void
  break(error: Error): void
}

const LIMITS: LaneOptions = {
  maxBatches: 1,
  worthwhileItems: 1,
  patienceMs: 3_600_000,
  maxItems: 3,
  maxBytes: 100,
  maxWaiting: 10,
}
const ALIVE = new AbortController().signal

/** A queue whose batches stay on their way until the test answers them. */
function openTestLane(limits: Partial<LaneOptions> = {}) {
  const lane = openLane({ ...LIMITS, ...limits })
  const sent: Sent[] = []
  const queue = () =>
    lane.queue<string, string>({
      bytesOf: (item) => item.length,
      send: (items, signal) =>
        new Promise((resolve, reject) => {
          const answer = (replies: readonly string[] = items.map((item) => `${item}!`)): void => resolve(replies)
          sent.push({ items, signal, answer, break: reject })
        }),
    })
  return { lane, sent, queue, enqueue: queue() }
}

/** Everything that was scheduled has run: batches leave at the end of a turn of the event loop. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
const itemsOf = (sent: readonly Sent[]): readonly (readonly string[])[] => sent.map(({ items }) => items)
const failureOf = (reply: Promise<unknown>): Promise<unknown> => reply.catch((thrown: unknown) => thrown)

describe('a lane', () => {
  test('sends a single item at once, by itself', async () => {
    const { sent, enqueue } = openTestLane()
    const reply = enqueue('a', ALIVE)
    await settled()
    expect(itemsOf(sent)).toEqual([['a']])
    sent[0]?.answer()
    await expect(reply).resolves.toBe('a!')
  })

  test('sends along what arrived meanwhile, in order, in batches no larger than allowed', async () => {
    const { sent, enqueue } = openTestLane()
    const first = enqueue('a', ALIVE)
    await settled()
    const others = ['b', 'c', 'd', 'e'].map((item) => enqueue(item, ALIVE))
    await settled()
    expect(itemsOf(sent)).toEqual([['a']])
    for (const position of [0, 1, 2]) {
      sent[position]?.answer()
      await settled()
    }
    expect(itemsOf(sent)).toEqual([['a'], ['b', 'c', 'd'], ['e']])
    await expect(Promise.all([first, ...others])).resolves.toEqual(['a!', 'b!', 'c!', 'd!', 'e!'])
  })

  test('bounds a batch by bytes, and lets a single larger item through', async () => {
    const { sent, enqueue } = openTestLane()
    const replies = ['x'.repeat(60), 'y'.repeat(60), 'z'.repeat(200)].map((item) => enqueue(item, ALIVE))
    for (const position of [0, 1, 2]) {
      await settled()
      sent[position]?.answer()
    }
    await Promise.all(replies)
    expect(itemsOf(sent).map((items) => items.map(({ length }) => length))).toEqual([[60], [60], [200]])
  })

  test('keeps no more batches under way than allowed, and lets the longest queue go first', async () => {
    const { sent, queue } = openTestLane({ maxBatches: 2 })
    const [looks, removes] = [queue(), queue()]
    const replies = [looks('l1', ALIVE), looks('l2', ALIVE), removes('r1', ALIVE)]
    await settled()
    replies.push(removes('r2', ALIVE), looks('l3', ALIVE), looks('l4', ALIVE))
    await settled()
    expect(itemsOf(sent)).toEqual([['l1', 'l2'], ['r1']])
    sent[1]?.answer()
    await settled()
    expect(itemsOf(sent).at(-1)).toEqual(['l3', 'l4'])
    for (const batch of sent) batch.answer()
    await settled()
    sent.at(-1)?.answer()
    await expect(Promise.all(replies)).resolves.toHaveLength(6)
  })

  test('sends a further batch beside one under way as soon as it is worth it', async () => {
    const { sent, enqueue } = openTestLane({ maxBatches: 2, worthwhileItems: 3 })
    const replies = [enqueue('a', ALIVE)]
    await settled()
    replies.push(enqueue('b', ALIVE), enqueue('c', ALIVE))
    await settled()
    expect(itemsOf(sent)).toEqual([['a']])
    replies.push(enqueue('d', ALIVE))
    await settled()
    expect(itemsOf(sent)).toEqual([['a'], ['b', 'c', 'd']])
    for (const batch of sent) batch.answer()
    await expect(Promise.all(replies)).resolves.toHaveLength(4)
  })

  test('sends a small batch as soon as none is under way', async () => {
    const { sent, enqueue } = openTestLane({ maxBatches: 2, worthwhileItems: 3 })
    const replies = [enqueue('a', ALIVE)]
    await settled()
    replies.push(enqueue('b', ALIVE))
    sent[0]?.answer()
    await settled()
    expect(itemsOf(sent)).toEqual([['a'], ['b']])
    sent[1]?.answer()
    await Promise.all(replies)
  })

  test('waits no longer than its patience for a batch that does not come back', async () => {
    const { sent, enqueue } = openTestLane({ maxBatches: 2, worthwhileItems: 3, patienceMs: 1 })
    const replies = [enqueue('a', ALIVE)]
    await settled()
    replies.push(enqueue('b', ALIVE))
    while (sent.length < 2) await settled()
    expect(itemsOf(sent)).toEqual([['a'], ['b']])
    for (const batch of sent) batch.answer()
    await Promise.all(replies)
  })

  test('takes out a caller that has gone before its batch left', async () => {
    const { lane, sent, enqueue } = openTestLane()
    const first = enqueue('a', ALIVE)
    await settled()
    const gone = new AbortController()
    const lost = failureOf(enqueue('b', gone.signal))
    gone.abort()
    const error = await lost
    expect(error).toMatchObject({ code: 'upstreamTimeout' })
    expect(mayHaveRun((error as GatewayError).cause)).toBe(false)
    expect(lane.waiting()).toBe(0)
    sent[0]?.answer()
    await first
    await settled()
    expect(itemsOf(sent)).toEqual([['a']])
  })

  test('tells a caller whose batch had left that it may have run, and stops when nobody is left', async () => {
    const { sent, enqueue } = openTestLane()
    const callers = [new AbortController(), new AbortController()]
    const failures = callers.map((caller, position) => failureOf(enqueue(String(position), caller.signal)))
    await settled()
    callers[0]?.abort()
    expect(sent[0]?.signal.aborted).toBe(false)
    callers[1]?.abort()
    expect(sent[0]?.signal.aborted).toBe(true)
    for (const failure of await Promise.all(failures)) {
      expect(failure).toMatchObject({ code: 'upstreamTimeout' })
      expect(mayHaveRun((failure as GatewayError).cause)).toBe(true)
    }
  })

  test('refuses at once what comes when too many wait', async () => {
    const { sent, enqueue } = openTestLane({ maxWaiting: 2 })
    const first = enqueue('a', ALIVE)
    await settled()
    const waiting = [enqueue('b', ALIVE), enqueue('c', ALIVE)]
    await expect(enqueue('d', ALIVE)).rejects.toMatchObject({ code: 'overloaded', status: 503, retryAfterSeconds: 1 })
    sent[0]?.answer()
    await settled()
    sent[1]?.answer()
    await expect(Promise.all([first, ...waiting])).resolves.toEqual(['a!', 'b!', 'c!'])
  })

  test('gives a failed batch to all its callers, a missing reply to the one it is missing for, and goes on', async () => {
    const { sent, enqueue } = openTestLane()
    const failing = ['a', 'b'].map((item) => failureOf(enqueue(item, ALIVE)))
    await settled()
    sent[0]?.break(new GatewayError('upstreamUnavailable'))
    for (const failure of await Promise.all(failing)) expect(failure).toMatchObject({ code: 'upstreamUnavailable' })

    const answered = enqueue('c', ALIVE)
    const unanswered = failureOf(enqueue('d', ALIVE))
    await settled()
    sent[1]?.answer(['c!'])
    await expect(answered).resolves.toBe('c!')
    await expect(unanswered).resolves.toMatchObject({ code: 'upstreamInvalid' })
  })
})

describe('a queue of groups', () => {
  test('keeps one batch of a group under way, and lets no group wait for another', async () => {
    const lane = openLane({ ...LIMITS, maxBatches: 4 })
    const sent: { items: readonly string[]; answer: () => void }[] = []
    const enqueue = lane.queue<string, string>({
      bytesOf: (item) => item.length,
      groupOf: (item) => item.charAt(0),
      send: (items) => new Promise((resolve) => sent.push({ items, answer: () => resolve(items) })),
    })
    const slow = enqueue('a1', ALIVE)
    await settled()
    const others = ['a2', 'b1', 'a3', 'b2', 'c1'].map((item) => enqueue(item, ALIVE))
    await settled()
    expect(sent.map(({ items }) => items)).toEqual([['a1'], ['b1', 'b2'], ['c1']])
    expect(lane.waiting()).toBe(2)
    sent[0]?.answer()
    await expect(slow).resolves.toBe('a1')
    await settled()
    expect(sent[3]?.items).toEqual(['a2', 'a3'])
    for (const { answer } of sent) answer()
    await Promise.all(others)
    expect(lane.waiting()).toBe(0)
  })
})
