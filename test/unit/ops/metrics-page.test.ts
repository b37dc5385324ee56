import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, test } from '@jest/globals'

import { createMetrics } from '../../../src/ops/metrics.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/operators.md'), 'utf8')

/** Name and help of every metric of the gateway's own. */
async function exposed(): Promise<readonly string[]> {
  const metrics = createMetrics()
  metrics.watch({
    keySets: () => [],
    clusters: () => [],
    checks: () => ({}),
    tokens: () => ({ remembered: 0, verified: 0 }),
  })
  const { text } = await metrics.expose()
  return [...text.matchAll(/^# HELP (memory_gateway_\w+) (.*)$/gm)].map(
    ([, name, help]) => `${name ?? ''}: ${help ?? ''}`,
  )
}

test('docs/operators.md lists every metric, in the words of its help', async () => {
  const rows = [...PAGE.matchAll(/^\| `(memory_gateway_\w+)` +\| (.*?) +\|$/gm)]
  expect(rows.map(([, name, help]) => `${name ?? ''}: ${help ?? ''}`)).toEqual([...(await exposed())].sort())
})
