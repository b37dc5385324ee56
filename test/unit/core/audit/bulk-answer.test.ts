import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { countItems, readDeletedItem } from '../../../../src/core/audit/bulk-item.ts'
import { cutItems } from '../../../../src/core/audit/cut-items.ts'
import { Marks } from '../../../../src/core/audit/marks.ts'

const utf8 = new TextEncoder()
const text = new TextDecoder()

/** Cuts a text that comes in pieces, and gives the elements as texts. */
function cut(answer: string, sizes: readonly number[] = [Infinity], maxItemBytes = 65_536) {
  const items: (string | undefined)[] = []
  const cutter = cutItems(maxItemBytes, (bytes) => items.push(bytes && text.decode(bytes)))
  const bytes = utf8.encode(answer)
  for (let from = 0, turn = 0; from < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1
    cutter.push(bytes.slice(from, from + size))
    from += size
  }
  return { items, isWhole: cutter.isWhole() }
}

describe('the items of an answer to a bulk', () => {
  const json = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 })
  const answers = fc.record({
    before: fc.dictionary(fc.string().filter((key) => key !== 'items' && !/^\d+$/.test(key)), fc.jsonValue({ maxDepth: 2 })), // prettier-ignore
    items: fc.array(json),
    space: fc.constantFrom(undefined, 2),
    sizes: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }),
  })

  test('are cut out as a parser finds them, however the answer comes in pieces', () => {
    fc.assert(
      fc.property(answers, ({ before, items, space, sizes }) => {
        const found = cut(JSON.stringify({ ...before, items, took: 1 }, undefined, space), sizes)
        expect(found.isWhole).toBe(true)
        expect(found.items.map((item) => JSON.parse(item ?? 'null') as unknown)).toEqual(
          JSON.parse(JSON.stringify(items)),
        )
      }),
      { numRuns: 300 },
    )
  })

  test('are those of the outermost object alone, whatever strings hold', () => {
    const other = { items: [{ no: 1 }] }
    const answer = { a: other, b: ['items', other], c: '"items":[{"no":2}]', items: [{ yes: '}],"{' }], d: [{ no: 3 }] }
    expect(cut(JSON.stringify(answer), [1]).items).toEqual(['{"yes":"}],\\"{"}'])
  })

  test('one that is too long is one that nobody reads; the next is read again', () => {
    const items = [{ a: 'x'.repeat(100) }, { b: 1 }]
    for (const size of [1, 7, 50, Infinity]) {
      expect(cut(JSON.stringify({ items }), [size], 50).items).toEqual([undefined, '{"b":1}'])
    }
  })

  test('an answer that breaks off is not whole', () => {
    expect(cut('{"took":1,"items":[{"delete":{}}')).toEqual({ items: ['{"delete":{}}'], isWhole: false })
    expect(cut('').isWhole).toBe(false)
  })
})

describe('an item', () => {
  const read = (item: unknown) => readDeletedItem(utf8.encode(typeof item === 'string' ? item : JSON.stringify(item)))

  test('says what became of the document, with numbers beyond a double as they stand', () => {
    const item =
      '{"delete":{"_index":"i","_id":"a","_version":9223372036854775807,"result":"deleted","_seq_no":7,"_primary_term":1,"status":200}}'
    expect(read(item)).toEqual({
      index: 'i',
      id: 'a',
      status: 200,
      result: 'deleted',
      seqNo: 7,
      primaryTerm: 1,
      version: 9_223_372_036_854_775_807n,
    })
  })

  test('of a failure has the type of the error, and not its words', () => {
    const error = { type: 'version_conflict_engine_exception', reason: 'secret' }
    const item = read({ delete: { _index: 'i', _id: 'a', status: 409, error } })
    expect(item).toMatchObject({ status: 409, result: 'version_conflict_engine_exception', seqNo: undefined })
    expect(JSON.stringify(item)).not.toContain('secret')
  })

  test.each([
    ['of another action', { index: { _index: 'i', _id: 'a', status: 200 } }],
    ['without its status', { delete: { _index: 'i', _id: 'a' } }],
    ['without its id', { delete: { _index: 'i', status: 200 } }],
    ['that is none', []],
    ['that is no JSON', '{"delete":{'],
  ])('%s is not read', (_, item) => {
    expect(read(item)).toBeUndefined()
  })

  test('is counted by what it came to', () => {
    const items = [
      { status: 200, result: 'deleted' },
      { status: 200, result: 'deleted' },
      { status: 404, result: 'not_found' },
      { status: 409, result: 'version_conflict_engine_exception' },
      { status: 403, result: 'security_exception' },
    ]
    expect(countItems(items)).toEqual({ deleted: 2, conflicts: 1, failures: 1 })
  })
})

test('marks are those that were set, wherever they stand', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(100_000)), (positions) => {
      const marks = new Marks()
      for (const position of positions) marks.add(position)
      const set = new Set(positions)
      for (const position of [...positions, ...positions.map((one) => one + 1), 0, 200_000]) {
        expect(marks.has(position)).toBe(set.has(position))
      }
    }),
  )
})
