import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { expect, test } from '@jest/globals'

import { LONGEST } from '../../support/longest-suites.js'

test('every suite that begins first is there', () => {
  const missing = LONGEST.filter((name) => !existsSync(join(import.meta.dirname, '../..', `${name}.test.ts`)))
  expect(missing).toEqual([])
})
