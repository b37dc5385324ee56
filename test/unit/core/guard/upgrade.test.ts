import { expect, test } from '@jest/globals'

import { schema } from '../../../../src/config/schema.ts'
import { wordRule } from '../../../../src/core/explain.ts'
import type { GuardRule } from '../../../../src/core/guard/rules.ts'
import { decideUpgrade } from '../../../../src/core/guard/upgrade.ts'
import { caller } from './guarded-world.ts'

const rule: GuardRule = { paths: ['/live/**'], scopes: ['live'], upgrade: ['websocket'] }
const asking = {
  protocol: 'websocket',
  rule,
  principal: caller('opensearch:admin'),
  isClean: true,
  isService: false,
} as const

test('it passes by the rule that let the request through, for an administrator, as the caller', () => {
  expect(decideUpgrade(asking)).toBe('pass')
})

test('it is left out where the rule says nothing of it, where there is none, or where the guard would refuse the request', () => {
  const { paths, scopes } = rule
  expect(decideUpgrade({ ...asking, rule: { paths, scopes } })).toBe('strip')
  expect(decideUpgrade({ ...asking, rule: undefined })).toBe('strip')
  expect(decideUpgrade({ ...asking, isClean: false })).toBe('strip')
})

test('it is refused to everybody else, and with the gateway’s own identity to everybody', () => {
  expect(decideUpgrade({ ...asking, principal: caller('live') })).toMatchObject({ scope: 'opensearch:admin' })
  expect(decideUpgrade({ ...asking, isService: true })).toMatchObject({ kind: 'refuse', scope: undefined })
})

test('a rule that allows one says so, and must name paths and scopes', () => {
  expect(wordRule(rule)).toBe('paths /live/**: needs live, and may upgrade to websocket')
  const accepts = (one: object): boolean => schema.shape.guard.safeParse({ rules: [one] }).success
  expect(accepts(rule)).toBe(true)
  expect(accepts({ scopes: ['live'], upgrade: ['websocket'] })).toBe(false)
  expect(accepts({ ...rule, scopes: [] })).toBe(false)
  expect(accepts({ ...rule, upgrade: ['h2c'] })).toBe(false)
  expect(accepts({ ...rule, upgrade: [] })).toBe(false)
})
