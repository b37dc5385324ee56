import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, test } from '@jest/globals'

import { FINDING_IDS } from '../../src/core/doctor/finding.ts'
import { PROVOKED } from '../vectors/doctor-findings.ts'

test('docs/operators.md lists every finding of the doctor', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/operators.md'), 'utf8')
  const rows = [...page.matchAll(/^\| `([a-z-]+)` +\| (?:error|warning|error or warning) +\|/gm)].map(([, id]) => id)
  expect(rows).toEqual([...FINDING_IDS])
})

test('every finding is provoked on a real cluster', () => {
  expect([...PROVOKED.withoutSecurity, ...PROVOKED.withSecurity].sort()).toEqual([...FINDING_IDS].sort())
})
