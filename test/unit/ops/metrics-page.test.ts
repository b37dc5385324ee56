import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, test } from '@jest/globals'

import { exposedMetrics } from '../../support/exposed-metrics.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/operators.md'), 'utf8')

test('docs/operators.md lists every metric, in the words of its help', async () => {
  const rows = [...PAGE.matchAll(/^\| `(memory_gateway_\w+)` +\| (.*?) +\|$/gm)]
  const exposed = (await exposedMetrics()).filter(({ name }) => name.startsWith('memory_gateway_'))
  expect(rows.map(([, name, help]) => `${name ?? ''}: ${help ?? ''}`)).toEqual(
    exposed.map(({ name, help }) => `${name}: ${help}`).sort(),
  )
})
