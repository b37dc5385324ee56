import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { searchMember } from '../../../../../src/core/guard/bodies/member-search.ts'

/** Given in pieces of so many bytes. */
function mayHaveScript(body: string | Uint8Array, size = 1_000): boolean {
  const bytes = Buffer.from(body)
  const search = searchMember('script')
  for (let from = 0; from < bytes.length; from += size) search.push(bytes.subarray(from, from + size))
  return search.mayHave()
}

describe('whether an object has a member', () => {
  test.each([
    '{"script":"ctx.op=\'delete\'"}',
    '{"doc":{"a":"}"},"upsert":{},"script" : {"source":"x"}}',
    ' \t{"a":[{"b":"\\""}],"script":{}}',
    '{"s\\u0063ript":{}}',
    '{/* */"script":{}}',
    '{"doc":{}/*"*/,"script":{}}',
    '{script:{}}',
    "{'script':{}}",
    '\ufeff{"script":{}}',
    '[{"script":{}}]',
    '"script"',
    '{"\u017fcript":1}',
  ])('it has, or the server may find one: %s', (body) => {
    expect(mayHaveScript(body)).toBe(true)
    expect(mayHaveScript(body, 1)).toBe(true)
  })

  test.each([
    '',
    '{}',
    '{"doc":{"script":"x","text":"\\u00e9 \\"script\\":"}}',
    '{"doc":{"a":[{"script":{}}]},"doc_as_upsert":true,"detect_noop":false,"if_seq_no":-1.5E+3}',
    '{"scripts":1,"scrip":null,"_source":"script","lang":"\\u0073cript"}',
    '{"doc":{"text":"ünïcödé"}}\r',
    '{"doc":{}} {"script":{}}',
  ])('it has none: %s', (body) => {
    expect(mayHaveScript(body)).toBe(false)
    expect(mayHaveScript(body, 1)).toBe(false)
  })

  test('it has one in other encodings', () => {
    for (const encoding of ['utf16le', 'utf8'] as const) {
      expect(mayHaveScript(Buffer.from('{"script":{}}', encoding))).toBe(true)
    }
    // An overlong spelling of the s.
    expect(mayHaveScript(Buffer.from('7b22c1b3637269707422 3a7b7d7d'.replace(' ', ''), 'hex'))).toBe(true)
  })

  test('as a parser says, wherever it is cut', () => {
    const name = fc.constantFrom('script', 'doc', 'scrip', 'a')
    const value = fc.jsonValue({ maxDepth: 3 })
    fc.assert(
      fc.property(fc.dictionary(name, value), fc.integer({ min: 1, max: 9 }), fc.boolean(), (object, size, isWide) => {
        const text = JSON.stringify(object, null, isWide ? 1 : 0)
        expect(mayHaveScript(text, size)).toBe(Object.hasOwn(object, 'script'))
      }),
    )
  })
})
