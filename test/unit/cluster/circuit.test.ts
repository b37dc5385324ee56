import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'

import { openCircuit } from '../../../src/cluster/circuit.ts'
import type { ClusterClient } from '../../../src/cluster/client.ts'
import type { ClusterAnswer, ClusterRequest } from '../../../src/cluster/request.ts'
import { GatewayError } from '../../../src/core/failure.ts'
import { mayHaveRun } from '../../../src/core/never-sent.ts'

const READ: ClusterRequest = { method: 'POST', path: '/_mget' }
const ALIVE = new AbortController().signal
const LATE = AbortSignal.abort(new DOMException('too late', 'TimeoutError'))
const GONE = AbortSignal.abort(new Error('The caller has gone'))

type Reply = ClusterAnswer | GatewayError

/** A circuit of three failures and a second, in front of a client that answers with what is queued, and then with 200. */
function openTestCircuit() {
  const replies: (Reply | Promise<Reply>)[] = []
  const seen: ClusterRequest[] = []
  const client: ClusterClient = {
    name: 'main',
    async request(request) {
      seen.push(request)
      const reply = (await replies.shift()) ?? { status: 200, body: {} }
      if (reply instanceof GatewayError) throw reply
      return reply
    },
    isWell: () => Promise.resolve(true),
    versionHeader: () => undefined,
    close: () => Promise.resolve(),
  }
  const circuit = openCircuit({ failures: 3, cooldownMs: 1_000 })
  const guarded = circuit.guard(client)
  /** The status, or the code of the failure. */
  const ask = async (signal = ALIVE, request = READ): Promise<unknown> => {
    try {
      return (await guarded.request(request, signal)).status
    } catch (error) {
      return (error as GatewayError).code
    }
  }
  async function askAll(count: number, signal = ALIVE, request = READ): Promise<void> {
    for (let asked = 0; asked < count; asked++) await ask(signal, request)
  }
  return { replies, seen, circuit, guarded, ask, askAll }
}

const down = (): GatewayError => new GatewayError('upstreamUnavailable')
const late = (): GatewayError => new GatewayError('upstreamTimeout')

beforeEach(() => void jest.useFakeTimers({ now: 1_000_000 }))
afterEach(() => void jest.useRealTimers())

describe('a circuit', () => {
  test('opens after so many failures in a row, and then refuses at once', async () => {
    const { replies, seen, circuit, guarded, ask } = openTestCircuit()
    replies.push(down(), down(), { status: 200, body: {} }, down(), { status: 503, body: {} }, down())
    const codes = []
    for (let asked = 0; asked < 6; asked++) codes.push(await ask())
    expect(codes).toEqual([
      'upstreamUnavailable',
      'upstreamUnavailable',
      200,
      'upstreamUnavailable',
      503,
      'upstreamUnavailable',
    ])
    expect(circuit.health()).toEqual({ state: 'open', opened: 1, refused: 0 })

    const refusal: unknown = await guarded.request(READ, ALIVE).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'circuitOpen', status: 503, retryAfterSeconds: 1 })
    expect(mayHaveRun((refusal as GatewayError).cause)).toBe(false)
    expect(() => circuit.admit()).toThrow('given a rest')
    expect(seen).toHaveLength(6)
    expect(circuit.health()).toEqual({ state: 'open', opened: 1, refused: 2 })
  })

  test('lets one request try after its cooldown, and closes when it has an answer', async () => {
    const { replies, seen, circuit, ask, askAll } = openTestCircuit()
    replies.push(down(), down(), down())
    await askAll(3)
    jest.advanceTimersByTime(1_000)
    expect(circuit.health().state).toBe('half-open')
    expect(() => circuit.admit()).not.toThrow()

    const trial = Promise.withResolvers<Reply>()
    replies.push(trial.promise)
    const first = ask()
    expect(await Promise.all([ask(), ask()])).toEqual(['circuitOpen', 'circuitOpen'])
    expect(circuit.health().state).toBe('half-open')
    expect(seen).toHaveLength(4)
    trial.resolve({ status: 404, body: {} })
    expect(await first).toBe(404)
    expect(circuit.health().state).toBe('closed')
    expect(await ask()).toBe(200)
  })

  test('stays open when the trial fails, or its callers leave it', async () => {
    const { replies, seen, circuit, ask, askAll } = openTestCircuit()
    replies.push(down(), down(), down(), down(), late())
    await askAll(3)
    for (const signal of [ALIVE, GONE]) {
      jest.advanceTimersByTime(1_000)
      expect(await ask(signal)).not.toBe('circuitOpen')
      expect(await ask()).toBe('circuitOpen')
    }
    expect(seen).toHaveLength(5)
    expect(circuit.health()).toEqual({ state: 'open', opened: 3, refused: 2 })
  })

  test('counts deadlines that came, but not callers that hung up, refreshes that took their time, or refusals', async () => {
    const { replies, circuit, askAll } = openTestCircuit()
    replies.push(...Array.from({ length: 5 }, late))
    await askAll(5, GONE)
    replies.push(...Array.from({ length: 5 }, late))
    await askAll(5, LATE, { ...READ, path: '/_bulk', querystring: { refresh: 'wait_for' } })
    replies.push(...[400, 401, 403, 404, 429, 500].map((status) => ({ status, body: {} })))
    await askAll(6)
    expect(circuit.health().state).toBe('closed')
    replies.push(late(), late(), late())
    await askAll(3, LATE)
    expect(circuit.health().state).toBe('open')
  })
})
