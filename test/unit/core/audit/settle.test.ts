import { expect, test } from '@jest/globals'

import { findBehind, intendedBy, settledFields } from '../../../../src/core/audit/settle.ts'

const cluster = { 'memory.cluster': 'main' }

test.each([
  ['one memory', { 'memory.index': 'i', 'memory.id': 'a' }, [{ index: 'i', documents: ['a'] }], 0],
  ['a document by an alias', { 'memory.indices': ['x'], 'memory.id': 'a' }, [{ alias: 'x', documents: ['a'] }], 0],
  ['a page', { 'memory.index': 'i', 'memory.ids': ['a', 'b'] }, [{ index: 'i', documents: ['a', 'b'] }], 0],
  ['an index', { 'memory.index': 'i' }, [{ index: 'i', documents: undefined }], 0],
  ['what a query found by an alias', { 'memory.indices': ['x'] }, [], 1],
  ['by a pattern', { 'memory.indices': ['x*'], 'memory.id': 'a' }, [], 1],
  ['by one of two', { 'memory.indices': ['x', 'y'], 'memory.id': 'a' }, [], 1],
  [
    'lines of a bulk, of which some did not name an index',
    {
      'memory.items': [
        { index: 'i', id: 'a' },
        { index: 'j', id: 'b' },
        { index: 'i', id: 'c', routing: 'r' },
        { named: 'i', id: 'd' },
        { named: '<i-{now/d}>', id: 'e' },
        { named: '_all', id: 'f' },
      ],
    },
    [
      { index: 'i', documents: ['a', 'c/r'] },
      { index: 'j', documents: ['b'] },
      { alias: 'i', documents: ['d'] },
    ],
    2,
  ],
])('an intent says what it was about to remove: %s', (_, fields, removals, unknown) => {
  const intended = intendedBy({ ...cluster, ...fields })
  const brief = intended.removals.map(({ index, isAlias, documents }) => ({
    ...(isAlias ? { alias: index } : { index }),
    documents: documents?.map(({ id, routing }) => (routing === undefined ? id : `${id}/${routing}`)),
  }))
  expect([brief, intended.unknown]).toEqual([removals, unknown])
})

test('what was found of the lines of a bulk is told of each', () => {
  const items = [
    { index: 'i', id: 'a', isThere: false },
    { index: 'i', id: 'b', isThere: true },
  ]
  const settled = settledFields([{ ...cluster, 'event.id': 'e' }], { gone: 1, present: 1, unknown: 0, items }, 0)
  expect(settled).toMatchObject({
    'event.id': 'e',
    'memory.outcome': 'settled-partly',
    'memory.items': [
      { index: 'i', id: 'a', result: 'gone' },
      { index: 'i', id: 'b', result: 'present' },
    ],
  })
})

const written = { index: 'new', isWritten: true }
const read = { index: 'old', isWritten: false }

test.each([
  ['is there where it would be written', [{ ...written, isThere: true }, { ...read, isThere: true }], 'new', true],
  ['is in none', [{ ...read, isThere: false }, { ...written, isThere: false }], 'new', false],
  ['is only where it would not be written: it may be another', [{ ...written, isThere: false }, { ...read, isThere: true }], 'new', undefined],
  ['is in one of which none is written', [{ ...read, isThere: true }], undefined, undefined],
  ['was named by what leads nowhere', [], undefined, undefined],
])('a document that was named by an alias %s', (_, behind, index, isThere) => {
  expect(findBehind(behind)).toEqual({ index, isThere })
}) // prettier-ignore
