import { afterAll, beforeAll, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { presentationOf } from '../../src/core/parameters.ts'
import { parseTarget } from '../../src/core/target.ts'
import type { Body } from '../../src/wire/body.ts'
import { applyFilterPath } from '../../src/wire/filter-path.ts'
import { compactJson } from '../../src/wire/render.ts'
import { plainCluster } from '../support/clusters.ts'
import { testMemories } from '../support/memories.ts'
import { seedOfThisRun } from '../vectors/odd-texts.ts'
import { ask } from './ask.ts'

const seed = seedOfThisRun()
const memories = testMemories(plainCluster().url)
const index = memories.indexOf('working')
const target = `/${index}/_doc/d`

/** Deeper than any answer of the gateway's, with lists and lists of objects. */
const SOURCE = {
  error: {
    type: 't',
    reason: 'r',
    root_cause: [{ type: 't', reason: 'r' }, { type: 'u' }],
    caused_by: { type: 'v', shards: [1, 2] },
  },
  a: { b: { a: { b: 1, c: [] }, c: {} }, c: [[{ a: 1 }], 'x', { b: { c: null } }] },
  status: 404,
}

beforeAll(async () => {
  await memories.ask('PUT', `/${index}`, { settings: { number_of_replicas: 0 }, mappings: { enabled: false } })
  await memories.ask('PUT', target, SOURCE)
})
afterAll(() => memories.removeAll())

const name = fc.constantFrom(
  ...[
    '*',
    '**',
    'a',
    'b',
    'c',
    '_source',
    '_id',
    '_*',
    '*s*',
    '*e',
    'error',
    'type',
    'root_cause',
    'r*n',
    'shards',
    'x',
    '',
    '\\',
    'a*',
    '***',
    '_source\\',
  ],
)
const path = fc
  .tuple(fc.constantFrom('', '', '-', ' -', '- '), fc.array(name, { minLength: 1, maxLength: 6 }))
  .map(([sign, names]) => sign + names.join('.'))
const filterPath = fc.array(path, { minLength: 1, maxLength: 4 }).map((paths) => paths.join(','))

test(`what a filter of seed ${String(seed)} keeps is what it keeps on the server`, async () => {
  const whole = JSON.parse((await ask(plainCluster().url, { method: 'GET', target })).text) as Body
  const differences: object[] = []
  const filters = new Set(fc.sample(filterPath, { seed, numRuns: 600 }))
  for (const filter of filters) {
    const query = `?filter_path=${encodeURIComponent(filter)}`
    const { status, text } = await ask(plainCluster().url, { method: 'GET', target: target + query })
    // Nothing but a `-` is refused by the gateway before it does anything.
    if (status === 400) continue
    const ours = compactJson(applyFilterPath(whole, presentationOf(parseTarget(`/x${query}`), undefined).filterPaths))
    if (ours !== text) differences.push({ filter, expected: text, received: ours })
  }
  expect(differences).toEqual([])
  expect(filters.size).toBeGreaterThan(400)
})
