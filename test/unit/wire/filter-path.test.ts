import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { applyFilterPath } from '../../../src/wire/filter-path.ts'

// Every form over a delete's answer is compared with the server itself, in test/contract/common-parameters.test.ts.

const BODY = {
  _id: 'm',
  _shards: { total: 1, failures: [{ shard: 0, reason: 'x' }, { shard: 1 }] },
  a: { b: { c: { d: 1 } } },
}

function filtered(...paths: readonly string[]): unknown {
  return applyFilterPath(BODY, {
    includes: paths.filter((path) => !path.startsWith('-')),
    excludes: paths.filter((path) => path.startsWith('-')).map((path) => path.slice(1)),
  })
}

describe('what is kept', () => {
  test.each([
    ['everything, where nothing is named', [], BODY],
    ['one field', ['_id'], { _id: 'm' }],
    ['a whole object', ['_shards'], { _shards: BODY._shards }],
    ['a path into a list', ['_shards.failures.shard'], { _shards: { failures: [{ shard: 0 }, { shard: 1 }] } }],
    [
      'a path into a list that only one item has',
      ['_shards.failures.reason'],
      { _shards: { failures: [{ reason: 'x' }] } },
    ],
    ['one star for one level', ['a.*.c'], { a: { b: { c: { d: 1 } } } }],
    ['one star for no more than one', ['a.*.d'], {}],
    ['two stars for one level or more', ['**.d'], { a: { b: { c: { d: 1 } } } }],
    ['two stars not for none', ['**._id'], {}],
    ['stars within a name', ['*h*d*'], { _shards: BODY._shards }],
    ['a field that is not there', ['b'], {}],
    ['more than there is', ['_id.x'], {}],
    ['all but one', ['-a', '-_shards'], { _id: 'm' }],
    ['all but what is deep inside', ['-a.b.c.d', '-_shards'], { _id: 'm' }],
    ['both', ['_shards', '-**.failures'], { _shards: { total: 1 } }],
  ])('%s', (_, paths, expected) => {
    expect(filtered(...paths)).toEqual(expected)
  })
})

test('what has no fields stays in a list that something is left out of, and is not kept by a path into it', () => {
  const body = { a: [1, { b: 2 }, { c: 3 }] }
  expect(applyFilterPath(body, { includes: [], excludes: ['a.b'] })).toEqual({ a: [1, { c: 3 }] })
  expect(applyFilterPath(body, { includes: ['a.b'], excludes: [] })).toEqual({ a: [{ b: 2 }] })
})

const segment = fc.constantFrom('*', '**', '_id', 'a', 'b', '_sh*', 'total', '', 'x', '\\', '*s')
const path = fc.array(segment, { minLength: 1, maxLength: 5 }).map((segments) => segments.join('.'))

test('a filter only ever takes away, and one that has filtered filters no more', () => {
  fc.assert(
    fc.property(fc.array(path, { maxLength: 3 }), fc.array(path, { maxLength: 3 }), (includes, excludes) => {
      const once = applyFilterPath(BODY, { includes, excludes })
      expect(BODY).toMatchObject(once as object)
      expect(applyFilterPath(once, { includes, excludes })).toEqual(once)
    }),
    { numRuns: 500 },
  )
})

test('a filter of 8,000 paths, and one of a thousand levels, is done at once', () => {
  expect(filtered(...Array.from({ length: 8_000 }, (_, position) => `x${String(position)}.*`), '_id')).toEqual({
    _id: 'm',
  })
  expect(filtered(Array.from({ length: 1_000 }, () => '**').join('.'))).toEqual({})
  expect(filtered('*a'.repeat(8_000))).toEqual({})
})
