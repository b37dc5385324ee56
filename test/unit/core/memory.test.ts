import { expect, test } from '@jest/globals'

import { idBytes, parseMemoryType } from '../../../src/core/memory.ts'

test.each([
  ['sessions', 'sessions'],
  ['WORKING', 'working'],
  ['Long-Term', 'long-term'],
  ['history', 'history'],
  ['session', undefined],
  ['long_term', undefined],
  ['longterm', undefined],
  ['', undefined],
  [' working', undefined],
  ['working/', undefined],
  ['working;x', undefined],
  ['work%69ng', undefined],
  // The Kelvin sign in small letters is a k, in Java as here; the dotless i is no i.
  ['wor\u212aing', 'working'],
  ['work\u0131ng', undefined],
  ['toString', undefined],
])('the type %s is %s', (text, expected) => {
  expect(parseMemoryType(text)).toBe(expected)
})

test.each([
  ['', 0],
  ['abc', 3],
  ['é', 2],
  ['中', 3],
  ['😀', 4],
  ['e\u0301', 3],
  ['\0', 1],
])('the id %j has %d bytes', (id, expected) => {
  expect(idBytes(id)).toBe(expected)
})
