import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { parse as parseYaml } from 'yaml'

import type { Presentation } from '../../../src/core/parameters.ts'
import { compactJson, render } from '../../../src/wire/render.ts'
import { writeYaml } from '../../../src/wire/yaml.ts'
import { oddBody, oddText } from '../../vectors/odd-texts.ts'

// That the bytes are the server's own is compared with the server itself, in test/contract/odd-texts.test.ts.

const plain: Presentation = { pretty: false, format: 'json', filterPaths: { includes: [], excludes: [] } }

/** `JSON.parse` reads no bigint: they stand for themselves as text. */
function readable(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)))
}

describe('whatever is written can be read back', () => {
  const object = fc.dictionary(fc.stringMatching(/^_[a-z]{1,12}$/), oddBody, { maxKeys: 5 })

  test.each([false, true])('as JSON, pretty: %j', (pretty) => {
    fc.assert(
      fc.property(object, (body) => {
        const { text, contentType } = render(body, { ...plain, pretty })
        expect(JSON.parse(text)).toEqual(readable(body))
        expect(contentType).toBe('application/json; charset=UTF-8')
        expect(text.endsWith('\n')).toBe(pretty)
      }),
      { numRuns: 300 },
    )
  })

  test('as YAML', () => {
    fc.assert(
      fc.property(object, (body) => {
        const { text, contentType } = render(body, { ...plain, format: 'yaml' })
        expect(parseYaml(text)).toEqual(readable(body))
        expect(contentType).toBe('application/yaml')
      }),
      { numRuns: 300 },
    )
  })

  test('one text alone', () => {
    fc.assert(
      fc.property(oddText, (text) => {
        expect(JSON.parse(compactJson(text))).toBe(text)
        expect(parseYaml(writeYaml({ _id: text }))).toEqual({ _id: text })
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('texts as the server writes them', () => {
  test.each([
    ['quotes and backslashes', '"\\', '"\\"\\\\"'],
    ['control characters in capitals', '\x1b\x00\x1f', '"\\u001B\\u0000\\u001F"'],
    ['short escapes', '\b\f\n\r\t', '"\\b\\f\\n\\r\\t"'],
    ['DEL and beyond as they are', '\x7f\x80\u2028\ufeff', '"\x7f\x80\u2028\ufeff"'],
    ['beyond the basic plane in two escapes', '😀', '"\\uD83D\\uDE00"'],
    ['what looks like an escape stays text', '\\u001b\\\\u00ff', '"\\\\u001b\\\\\\\\u00ff"'],
    ['an escape behind a backslash', '\\\x1b', '"\\\\\\u001B"'],
  ])('%s', (_, text, expected) => {
    expect(compactJson(text)).toBe(expected)
  })

  test.each([
    ['nothing', {}, '--- {}\n'],
    ['an empty list and an empty object', { a: [], b: {} }, '---\na: []\nb: {}\n'],
    [
      'lists on the level of their key',
      { a: [1, 'b', { c: 2, d: [3] }] },
      '---\na:\n- 1\n- "b"\n- c: 2\n  d:\n  - 3\n',
    ],
    ['lists in lists', { a: [[1, [2]], []] }, '---\na:\n- - 1\n  - - 2\n- []\n'],
    ['a text that folds at a space', { k: `${'x'.repeat(80)} y z` }, `---\nk: "${'x'.repeat(80)}\\\n  \\ y z"\n`],
    ['named escapes', { k: '\0\x07\x0b\x1b\x85\xa0\u2028\u2029' }, '---\nk: "\\0\\a\\v\\e\\N\\_\\L\\P"\n'],
    ['a long number', { k: 2n ** 63n - 1n }, '---\nk: 9223372036854775807\n'],
  ])('in YAML: %s', (_, body, expected) => {
    expect(writeYaml(body)).toBe(expected)
  })

  test('pretty, with a space on both sides of the colon, and empty ones with one within', () => {
    const body = { a: { b: [1, []] }, c: {} }
    const expected = '{\n  "a" : {\n    "b" : [\n      1,\n      [ ]\n    ]\n  },\n  "c" : { }\n}\n'
    expect(render(body, { ...plain, pretty: true }).text).toBe(expected)
  })
})
