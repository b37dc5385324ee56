import { expect, test } from '@jest/globals'

import { exitCodeOf, wordExplanation, wordRule } from '../../../src/core/explain.ts'

test('a rule in words', () => {
  expect(wordRule({ methods: ['GET'], indices: ['logs-*'], scopes: ['a', 'b'] })).toBe(
    'methods GET; indices logs-*: needs a or b',
  )
  expect(wordRule({ scopes: [] })).toBe('every request: closed to everybody')
})

test('an explanation in lines, of which none steers a terminal', () => {
  const explanation = {
    decision: 'refused',
    by: 'scope',
    why: 'It lacks one',
    answer: { status: 403, reason: 'No' },
    principal: { subject: 'al\u001b[2Jice', issuer: 'i', scopes: [] },
  } as const
  expect(wordExplanation(explanation)).toBe(
    'decision   refused (scope)\nwhy        It lacks one\nanswer     403: No\ncaller     al?[2Jice of i, with no scopes\n',
  )
  expect(exitCodeOf(explanation)).toBe(3)
})
