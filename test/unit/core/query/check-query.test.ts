import { expect, test } from '@jest/globals'
import fc from 'fast-check'

import { GatewayError } from '../../../../src/core/failure.ts'
import { checkedQuery } from '../../../../src/core/query/check-query.ts'
import { readMembers } from '../../../../src/core/query/read-members.ts'
import { ALLOWED_QUERIES, REFUSED_BODIES } from '../../../vectors/queries.ts'

function check(body: string): string | undefined {
  const query = readMembers(body).get('query')
  return query === undefined ? undefined : checkedQuery(query)
}

function codeAndReason(body: string): readonly [string, string] {
  try {
    check(body)
  } catch (error) {
    if (error instanceof GatewayError) return [error.code, error.message]
    throw error
  }
  return ['allowed', '']
}

test.each(ALLOWED_QUERIES)('allowed, and kept to the byte: %s', (query) => {
  expect(check(`{"size":1, "query" : ${query} ,"sort":[{"query":1}]}`)).toBe(query)
})

test.each(REFUSED_BODIES.map(([body, reason]) => [body.slice(0, 100), reason, body]))(
  'refused: %s',
  (_, reason, body) => {
    const [code, message] = codeAndReason(body)
    expect(['invalidQuery', 'invalidBody']).toContain(code)
    expect(message).toContain(reason)
  },
)

test('numbers keep their text', () => {
  const query = '{"range":{"n":{"gte":1.0,"lt":9007199254740993,"boost":1E+2}}}'
  expect(check(`{"query":${query}}`)).toBe(query)
})

test('a body without a query has none', () => {
  expect([check(''), check('{}'), check(' \n'), check('{"Query":{"match_all":{}}}')]).toEqual(Array(4).fill(undefined))
})

test('every member of any object is read as its own text', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), fc.nat(3), (object, indent) => {
      const members = readMembers(JSON.stringify(object, null, indent))
      expect(members.size).toBe(Object.keys(object).length)
      for (const [name, { raw, value }] of members) {
        expect(JSON.parse(raw)).toEqual(value)
        expect(JSON.stringify(value)).toBe(JSON.stringify(object[name]))
      }
    }),
  )
})
