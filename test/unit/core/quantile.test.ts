import { expect, test } from '@jest/globals'

import { distributionSince, quantile } from '../../../src/core/quantile.ts'

const bounds = [1, 2, 4]

test.each([
  ['the middle of a bucket', 0.5, [0, 10, 10], 10, 1.5],
  ['the first bucket begins at nothing', 0.5, [10, 10, 10], 10, 0.5],
  ['a rank at the end of a bucket', 0.5, [5, 10, 10], 10, 1],
  ['beyond the last bound: the last bound', 0.99, [0, 0, 0], 10, 4],
  ['empty buckets in between', 0.9, [5, 5, 10], 10, 3.6],
])('%s', (_, share, upTo, count, expected) => {
  expect(quantile(share, { bounds, upTo, count })).toBeCloseTo(expected)
})

test('of nothing there is none', () => {
  expect(quantile(0.5, { bounds, upTo: [0, 0, 0], count: 0 })).toBeUndefined()
  expect(quantile(0.5, { bounds: [], upTo: [], count: 0 })).toBeUndefined()
})

test('since an earlier one, only what came after counts', () => {
  const earlier = { bounds, upTo: [8, 8, 8], count: 8 }
  const later = { bounds, upTo: [8, 8, 10], count: 10 }
  expect(distributionSince(later, earlier)).toEqual({ bounds, upTo: [0, 0, 2], count: 2 })
  expect(distributionSince(later, undefined)).toBe(later)
})
