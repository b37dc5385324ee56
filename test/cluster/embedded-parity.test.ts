import { randomBytes } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { startEmbeddedStore } from '../../src/embedded/server.ts'
import { plainCluster } from '../support/clusters.ts'
import { PARITY_CASES } from '../vectors/embedded-parity.ts'
import { call } from '../vectors/embedded-parity/shape.ts'
import { closeConnections, run, send } from './embedded-parity-requests.ts'

let embedded: { url: string; close(): Promise<void> }

beforeAll(async () => {
  embedded = await startEmbeddedStore({ version: plainCluster().version })
})

afterAll(async () => {
  closeConnections()
  await embedded.close()
})

// The store models 3.4; other versions word some of this differently.
const describeHere = plainCluster().version.startsWith('3.4.') ? describe : describe.skip

describeHere.each(Object.entries(PARITY_CASES))('%s', (_, cases) => {
  test.each(cases.map((each) => [each.name.slice(0, 120), each] as const))('%s', async (_name, each) => {
    const index = `parity-${randomBytes(6).toString('hex')}`
    const real = await run(plainCluster().url, each.requests, index)
    expect(await run(embedded.url, each.requests, index)).toEqual(real)
  })
})

describeHere('the server without a body', () => {
  test('HEAD / tells the length of what GET / shows', async () => {
    for (const url of [plainCluster().url, embedded.url]) {
      const full = await send(url, call('GET /'), '')
      const head = await send(url, call('HEAD /'), '')
      expect({ ...head, headers: [...head.headers] }).toEqual({ status: 200, headers: full.headers, body: '' })
    }
  })
})
