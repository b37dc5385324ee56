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

test('every part of an explanation has its line', () => {
  const explanation = {
    decision: 'allowed',
    why: 'It is there',
    answer: { status: 200 },
    bodyDecides: 'The ids decide',
    route: 'deleteMemory',
    principal: { subject: 'alice', issuer: 'i', scopes: ['memory:delete'] },
    scopesNeeded: ['memory:delete', 'memory:delete:any'],
    cluster: { name: 'eu', route: 2 },
    nodes: { next: ['http://a', 'http://b'], ejected: ['http://c'] },
    guard: { api: 'get', class: 'read', rule: { position: 1, says: 'methods GET: needs a' }, observed: ['no rule'] },
    upgrade: 'leftOut',
    container: { id: 'c', found: true, admittedBy: 'owner', indices: ['m-working'] },
    quota: [{ limit: 'perMinute', of: 10, left: 3 }],
    idempotencyKey: 'unused',
  } as const
  expect(wordExplanation(explanation).split('\n')).toEqual([
    'decision   allowed',
    'why        It is there',
    'answer     200',
    'body       The ids decide',
    'request    deleteMemory',
    'caller     alice of i, with memory:delete',
    'scope      needs memory:delete or memory:delete:any',
    'cluster    eu, by routes[2]',
    'node       http://a or http://b; out: http://c',
    'guard      get (read): rules[1], methods GET: needs a',
    'observed   no rule',
    'upgrade    is left out: the request goes on without it',
    'container  c admits the caller by being its owner; memories in m-working',
    'limits     perMinute: 3 of 10 left in this minute',
    'key        not used before: the answer to this call would be kept',
    '',
  ])
})
