import { describe, expect, test } from '@jest/globals'

import { parseIdempotencyKey } from '../../../src/core/idempotency.ts'

const LONGEST = 'k'.repeat(255)

describe('an Idempotency-Key', () => {
  test.each([
    [[], undefined],
    [['8e03978e-40d5-43dd-bc93-6894a57f9324'], '8e03978e-40d5-43dd-bc93-6894a57f9324'],
    [['"8e03978e-40d5-43dd-bc93-6894a57f9324"'], '8e03978e-40d5-43dd-bc93-6894a57f9324'],
    [['"a \\"quoted\\" \\\\ key"'], 'a "quoted" \\ key'],
    [['a key'], 'a key'],
    [[LONGEST], LONGEST],
    [[`"${LONGEST}"`], LONGEST],
  ])('of %j is %j', (fields, key) => {
    expect(parseIdempotencyKey(fields)).toBe(key)
  })

  test.each([
    [[''], 'printable ASCII'],
    [['""'], 'printable ASCII'],
    [['"unclosed'], 'printable ASCII'],
    [['"a";p=1'], 'printable ASCII'],
    [['"a\\b"'], 'printable ASCII'],
    [['tab\there'], 'printable ASCII'],
    [['caf\u00e9'], 'printable ASCII'],
    [[`${LONGEST}k`], 'longer than 255'],
    [['one', 'two'], 'exactly one'],
  ])('of %j is refused', (fields, why) => {
    expect(() => parseIdempotencyKey(fields)).toThrow(why)
  })
})
