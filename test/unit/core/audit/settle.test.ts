import { expect, test } from '@jest/globals'

import { intendedBy, settledFields } from '../../../../src/core/audit/settle.ts'

const cluster = { 'memory.cluster': 'main' }

test.each([
  ['one memory', { 'memory.index': 'i', 'memory.id': 'a' }, [{ index: 'i', documents: ['a'] }], 0],
  ['a page', { 'memory.index': 'i', 'memory.ids': ['a', 'b'] }, [{ index: 'i', documents: ['a', 'b'] }], 0],
  ['an index', { 'memory.index': 'i' }, [{ index: 'i', documents: undefined }], 0],
  ['nothing that can be looked for', { 'memory.indices': ['x*'] }, [], 1],
  [
    'lines of a bulk, of which one named an alias',
    {
      'memory.items': [
        { index: 'i', id: 'a' },
        { index: 'j', id: 'b' },
        { index: 'i', id: 'c', routing: 'r' },
        { named: 'alias', id: 'd' },
      ],
    },
    [
      { index: 'i', documents: ['a', 'c/r'] },
      { index: 'j', documents: ['b'] },
    ],
    1,
  ],
])('an intent says what it was about to remove: %s', (_, fields, removals, unknown) => {
  const intended = intendedBy({ ...cluster, ...fields })
  const brief = intended.removals.map(({ index, documents }) => ({
    index,
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
