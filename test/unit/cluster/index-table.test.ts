import { describe, expect, test } from '@jest/globals'

import type { ClusterClient } from '../../../src/cluster/client.ts'
import { keepIndexTable } from '../../../src/cluster/index-table.ts'
import { GatewayError } from '../../../src/core/failure.ts'
import type { Reliance } from '../../../src/core/guard/index-table.ts'

const FRESH_FOR_MS = 1_000
const MAX_AGE_MS = 60_000
const BEGIN = 1_000_000

/** A cluster with one index, and a table of it that was read at `BEGIN`. */
async function tableOnceRead() {
  let now = BEGIN
  let isAway = false
  let asked = 0
  const client: ClusterClient = {
    name: 'scripted',
    request() {
      asked += 1
      if (isAway) return Promise.reject(new GatewayError('upstreamUnavailable'))
      return Promise.resolve({
        status: 200,
        body: { indices: [{ name: 'notes' }], aliases: [{ name: 'all-notes', indices: ['notes'] }], data_streams: [] },
      })
    },
    isWell: () => Promise.resolve(true),
    versionHeader: () => undefined,
    close: () => Promise.resolve(),
  }
  const tables = keepIndexTable({
    client,
    protection: { more: [], except: [] },
    freshForMs: FRESH_FOR_MS,
    maxAgeMs: MAX_AGE_MS,
    now: () => now,
  })
  await tables.use(0).isEnough('known')
  return {
    tables,
    asked: () => asked,
    pass: (ms: number, then: 'there' | 'away'): void => {
      now += ms
      isAway = then === 'away'
    },
    now: () => now,
  }
}

test('holds what the cluster names', async () => {
  const { tables, asked } = await tableOnceRead()
  expect(tables.use(0).table?.indices).toEqual(new Set(['notes']))
  expect(tables.use(0).table?.targets).toEqual(new Map([['all-notes', ['notes']]]))
  expect(asked()).toBe(1)
})

// Relied on as, this old in milliseconds: whether the table is believed while the cluster can be asked without asking it, and while it cannot be asked.
const CASES: readonly (readonly [Reliance, number, { readonly unasked: boolean; readonly away: boolean }])[] = [
  ['nothing', MAX_AGE_MS + 1, { unasked: true, away: true }],
  ['known', 0, { unasked: true, away: true }],
  ['known', MAX_AGE_MS, { unasked: true, away: true }],
  ['known', MAX_AGE_MS + 1, { unasked: false, away: false }],
  ['resolved', FRESH_FOR_MS, { unasked: true, away: true }],
  ['resolved', FRESH_FOR_MS + 1, { unasked: false, away: true }],
  ['resolved', MAX_AGE_MS, { unasked: false, away: true }],
  ['resolved', MAX_AGE_MS + 1, { unasked: false, away: false }],
  ['unknown', 1, { unasked: false, away: false }],
]

describe.each(CASES)('a decision that relies on it as %s, %i ms old', (reliance, age, { unasked, away }) => {
  test(unasked ? 'is used as it is' : 'waits for a new one', async () => {
    const { tables, pass, now } = await tableOnceRead()
    pass(age, 'there')
    const answer = tables.use(now()).isEnough(reliance)
    expect(await answer).toBe(unasked)
    expect(answer === true).toBe(unasked)
  })

  test(away ? 'is used while the cluster is away' : 'is refused while the cluster is away', async () => {
    const { tables, pass, now } = await tableOnceRead()
    pass(age, 'away')
    const answer = Promise.resolve(tables.use(now()).isEnough(reliance))
    if (away) expect(await answer).toBe(true)
    else await expect(answer).rejects.toMatchObject({ code: 'indicesUnknown' })
  })
})

test('is read once for all who need it at the same time', async () => {
  const { tables, pass, now, asked } = await tableOnceRead()
  pass(1, 'there')
  await Promise.all(Array.from({ length: 8 }, async () => tables.use(now()).isEnough('unknown')))
  expect(asked()).toBe(2)
})
