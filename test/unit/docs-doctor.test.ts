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

test('the table of provocations has every finding, on some real cluster at least', () => {
  expect(Object.keys(PROVOKED)).toEqual([...FINDING_IDS])
  const nowhere = Object.entries(PROVOKED).filter(([, { plain, secured }]) => 'never' in plain && 'never' in secured)
  expect(nowhere).toEqual([])
})
