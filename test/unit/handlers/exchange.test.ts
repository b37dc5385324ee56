import { EventEmitter } from 'node:events'

import { expect, test } from '@jest/globals'

import { signalOf } from '../../../src/handlers/exchange.ts'
import type { Exchange } from '../../../src/handlers/exchange.ts'

/** A request that arrived so long ago, of which the signal knows no more. */
function arrived(msAgo: number, headers: Readonly<Record<string, string>> = {}): Exchange {
  const response = Object.assign(new EventEmitter(), { destroyed: false, writableFinished: true })
  return { request: { headers }, response, startedAt: performance.now() - msAgo } as unknown as Exchange
}

test('the deadline counts from the arrival of the request: what came before the work is not added to it', () => {
  const signal = signalOf(arrived(1_000), 500)
  expect(signal.aborted).toBe(true)
  expect(signal.reason).toMatchObject({ name: 'TimeoutError' })
  expect(signalOf(arrived(1_000), 60_000).aborted).toBe(false)
})

test.each([{ 'content-length': '12' }, { 'transfer-encoding': 'chunked' }])(
  'the time in which a body arrives is not the cluster’s: %j',
  (headers) => {
    expect(signalOf(arrived(1_000, headers), 500).aborted).toBe(false)
  },
)
