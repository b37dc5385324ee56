import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { parseDeleteParameters, parseQuery, presentationOf } from '../../../src/core/parameters.ts'
import { parseTarget } from '../../../src/core/target.ts'

// What the server makes of a query is compared with the server itself, in test/contract/common-parameters.test.ts.

describe('a query is cut into names and values', () => {
  test.each([
    ['nothing', undefined, {}],
    ['an empty query', '', {}],
    ['names and values', 'a=1&b=2', { a: '1', b: '2' }],
    ['a semicolon separates too', 'a=1;b=2', { a: '1', b: '2' }],
    ['a name without a value', 'a&b=', { a: '', b: '' }],
    ['an equals sign in a value', 'a=b=c', { a: 'b=c' }],
    ['an equals sign without a name', '=a&==b=c', { a: '', b: 'c' }],
    ['a plus is a space, encoded it is none', 'a+b=c%2Bd', { 'a b': 'c+d' }],
    ['a name that every object has', '__proto__=1&constructor=2', { ['__proto__']: '1', constructor: '2' }],
  ])('%s: %s', (_, query, expected) => {
    expect([...parseQuery(query)]).toEqual(Object.entries(expected))
  })

  test.each(['a=1&a=2', 'a&%61', 'a;a', '%zz', 'a=%', 'a=%ff', '%ed%a0%80'])('%s is refused', (query) => {
    expect(() => parseQuery(query)).toThrow(expect.objectContaining({ code: 'ambiguousTarget' }))
  })

  test('any names and values come back from their encoding', () => {
    const word = fc.string({ unit: 'binary', minLength: 1 })
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(word, word), { selector: ([name]) => name }), (pairs) => {
        const query = pairs.map((pair) => pair.map(encodeURIComponent).join('=')).join('&')
        expect([...parseQuery(query)]).toEqual(pairs)
      }),
    )
  })

  test('100,000 parameters are read at once', () => {
    const query = Array.from({ length: 100_000 }, (_, position) => `p${String(position)}`).join('&')
    expect(parseQuery(query).size).toBe(100_000)
  })
})

describe('how to answer can always be told', () => {
  const plain = { pretty: false, format: 'json', filterPaths: { includes: [], excludes: [] } }
  test.each([
    ['no target', undefined, undefined, plain],
    ['nothing asked', '/x', undefined, plain],
    [
      'everything asked',
      '/x?pretty&format=yaml&filter_path=a,-b',
      undefined,
      { pretty: true, format: 'yaml', filterPaths: { includes: ['a'], excludes: ['b'] } },
    ],
    ['a query that cannot be read', '/x?pretty&%zz', 'application/yaml', { ...plain, format: 'yaml' }],
    ['a name twice', '/x?pretty&format=yaml&a&a', undefined, plain],
    ['a boolean that is none', '/x?pretty&human=x', undefined, plain],
    ['Accept where the format is unknown', '/x?format=xml', 'application/yaml', { ...plain, format: 'yaml' }],
    ['the format before Accept', '/x?format=json', 'application/yaml', plain],
    ['an Accept of 16,000 semicolons', '/x', `application/yaml${';'.repeat(16_000)}x`, plain],
  ])('%s', (_, raw, accept, expected) => {
    const target = raw === undefined ? undefined : parseTarget(raw)
    expect(presentationOf(target, accept)).toEqual(expected)
  })
})

describe('the parameters of a delete', () => {
  test.each([
    ['', 'false'],
    ['?refresh', 'true'],
    ['?refresh=true', 'true'],
    ['?refresh=false', 'false'],
    ['?refresh=wait_for', 'wait_for'],
    ['?pretty&human&error_trace&format=json&filter_path=x', 'false'],
  ])('%s: refresh is %s', (query, refresh) => {
    expect(parseDeleteParameters(parseTarget(`/x${query}`))).toEqual({ refresh })
  })

  test.each([
    ['?foo', 'request [/x y] contains unrecognized parameter: [foo]'],
    ['?prety', 'request [/x y] contains unrecognized parameter: [prety] -> did you mean [pretty]?'],
    ['?b&a', 'request [/x y] contains unrecognized parameters: [a], [b]'],
    ['?memory_id=other', 'request [/x y] contains unrecognized parameter: [memory_id]'],
    ['?refresh=yes', 'Unknown value for refresh: [yes].'],
    ['?human=1', 'Failed to parse value [1] as only [true] or [false] are allowed.'],
    ['?filter_path=-', 'filters cannot be null or empty'],
  ])('%s: %s', (query, reason) => {
    expect(() => parseDeleteParameters(parseTarget(`/x%20y${query}`))).toThrow(
      expect.objectContaining({ code: 'unrecognizedParameter', status: 400, message: reason }),
    )
  })

  test('names that are alike are told for each of a thousand unknown ones', () => {
    const query = Array.from({ length: 1_000 }, (_, position) => `filter_pat${String(position)}`).join('&')
    expect(() => parseDeleteParameters(parseTarget(`/x?${query}`))).toThrow(
      /\[filter_pat0\] -> did you mean \[filter_path\]\?/,
    )
  })
})
