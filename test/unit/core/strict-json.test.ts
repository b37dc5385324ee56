import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { hasDuplicateMember } from '../../../src/core/strict-json.ts'

test.each([
  ['{"a":1,"a":2}', true],
  ['{"a":1,"\\u0061":2}', true],
  ['{"\\n":1,"\\u000a":2}', true],
  ['[{"b":{"a":1,"c":[],"a":{}}}]', true],
  ['{"a":{"a":1},"a":1}', true],
  ['{"" :1 ,"": 2}', true],
  ['{"\\"":1,"\\u0022":2}', true],
  ['{"a":1,"A":2}', false],
  ['{"a":{"a":{"a":1}}}', false],
  ['[{"a":1},{"a":1}]', false],
  ['{"a":"a","b":["a","a","b"]}', false],
  ['{"a":"{\\"a\\":1,\\"a\\":2}"}', false],
  ['{"a\\\\":1,"a":2}', false],
  ['{"__proto__":1,"constructor":2}', false],
  ['"a"', false],
])('%s', (text, expected) => {
  expect(hasDuplicateMember(text)).toBe(expected)
})

test('no JSON that JSON.stringify writes has a duplicate, and one with a member repeated has', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue(), { minKeys: 1 }),
      fc.nat(),
      (object, index) => {
        const text = JSON.stringify(object)
        const names = Object.keys(object)
        const again = JSON.stringify(names[index % names.length])
        expect(hasDuplicateMember(text)).toBe(false)
        expect(hasDuplicateMember(`${text.slice(0, -1)},${again}:1}`)).toBe(true)
        expect(hasDuplicateMember(`[{"x":{${again}:1,${text.slice(1)}}]`)).toBe(true)
      },
    ),
  )
})
