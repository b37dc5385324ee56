import { describe, expect, test } from '@jest/globals'

import { withBackoff } from '../../../src/cluster/backoff.ts'
import { GatewayError } from '../../../src/core/failure.ts'

const busy = (): GatewayError => new GatewayError('tooManyRequests', { retryAfterSeconds: 1 })
const ALIVE = new AbortController().signal

/** Work that fails with each of the errors in turn, and then succeeds. */
function failing(...errors: readonly Error[]) {
  const left = [...errors]
  const calls = { made: 0 }
  const work = (): Promise<string> => {
    calls.made += 1
    const error = left.shift()
    return error === undefined ? Promise.resolve('done') : Promise.reject(error)
  }
  return { calls, work }
}

describe('backing off', () => {
  test('does the work again until the cluster takes it', async () => {
    const { calls, work } = failing(busy(), busy())
    await expect(withBackoff(work, ALIVE, () => 0)).resolves.toBe('done')
    expect(calls.made).toBe(3)
  })

  test('is for work that was not begun: any other failure is final', async () => {
    const { calls, work } = failing(new GatewayError('upstreamUnavailable'))
    await expect(withBackoff(work, ALIVE)).rejects.toMatchObject({ code: 'upstreamUnavailable' })
    expect(calls.made).toBe(1)
  })

  test('says that the cluster is busy when the time is up', async () => {
    const { calls, work } = failing(busy(), busy(), busy())
    const reply = withBackoff(work, AbortSignal.timeout(20), () => 1)
    await expect(reply).rejects.toMatchObject({ code: 'tooManyRequests', retryAfterSeconds: 1 })
    expect(calls.made).toBe(1)
  })
})
