import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { readActionLine } from '../../../../../src/core/guard/bodies/action-line.ts'
import { readCommonActionLine } from '../../../../../src/core/guard/bodies/common-action-line.ts'
import { parsePlainJson } from '../../../../../src/core/guard/bodies/plain-json.ts'
import { parseNumbersAsTexts } from '../../../../../src/core/strict-json.ts'

const bytesOf = (line: string): Uint8Array => new TextEncoder().encode(line)

function parsed(line: string): unknown {
  const json = parsePlainJson(bytesOf(line))
  return json.kind === 'value' ? readActionLine(json.value, () => parseNumbersAsTexts(line)) : json
}

const COMMON = [
  '{"index":{}}',
  '{"index":{"_id":"1"}}',
  '{"create":{"_index":"logs-1"}}\r',
  '{"update":{"_index":"a","_id":"b"}}',
  '{"delete":{"_id":"b","_index":"a"}}',
  '{"index": {"_index": "a", "_id": "a b/c:d"}}',
]

const OTHERS = [
  '{"index":{"_id":"1"}} ',
  '{"index":{"_id":"\\u0031"}}',
  '{"index":{"_id":"é"}}',
  '{"index":{"_id":1}}',
  '{"index":{"_index":"a","_index":"b"}}',
  '{"index":{"_id":"1","_index":"a","_id":"2"}}',
  '{"index":{"_id":"1",}}',
  '{"index":{"_id":"1"}}{}',
  '{"index":{"_id":"a"b"}}',
  '{"index":{"_id":"a\tb"}}',
  '{"index":{"pipeline":"p"}}',
  '{"index":{"_id":"1"},"delete":{}}',
  '{"bogus":{}}',
  `{"index":{"_id":"${'x'.repeat(600)}"}}`,
  '',
]

describe('a line of metadata as clients write it', () => {
  test.each(COMMON)('is read without a parser, as the parser reads it: %j', (line) => {
    expect(readCommonActionLine(bytesOf(line))).toEqual(parsed(line))
  })

  test.each(OTHERS)('is left to the parser where it is anything else: %j', (line) => {
    expect(readCommonActionLine(bytesOf(line))).toBeUndefined()
  })

  test.each([
    ['{"delete":{"_index":"a","_id":"b"}}', 'b', undefined],
    ['{"delete":{"_id":"b","_index":"a"}}', 'b', undefined],
    ['{"delete":{"_index":"a","_id":"b","routing":"r"}}', 'b', 'r'],
    // As the server's parser gives the text of a number, and not as a double is worded.
    ['{"delete":{"_index":"a","_id":12345678901234567890,"routing":1.0}}', '12345678901234567890', '1.0'],
    ['{"delete":{"_index":"a","_id":1e3}}', '1e3', undefined],
    ['{"delete":{"_index":"a","_id":true}}', 'true', undefined],
    ['{"delete":{"_index":"a","_id":null}}', undefined, undefined],
  ])('says which document it is about: %s', (line, id, routing) => {
    const action = readCommonActionLine(bytesOf(line)) ?? parsed(line)
    expect(action).toMatchObject({ kind: 'action', hasSource: false, index: 'a', id, routing })
  })

  test('reads alike whatever it is made of', () => {
    const piece = fc.constantFrom(
      ...['{', '}', '"', ':', ',', ' ', '\\', '"index"', '"delete"', '"_index"', '"_id"', '"a"', '"', '\r', 'é', '{"index":{'],
    ) // prettier-ignore
    const near = fc
      .tuple(fc.constantFrom(...COMMON), fc.nat(), fc.nat(3), fc.array(piece, { maxLength: 3 }))
      .map(([line, at, removed, put]) => {
        const from = at % (line.length + 1)
        return line.slice(0, from) + put.join('') + line.slice(from + removed)
      })
    let read = 0
    fc.assert(
      fc.property(near, (line) => {
        const common = readCommonActionLine(bytesOf(line))
        if (common === undefined) return
        read += 1
        expect(common).toEqual(parsed(line))
      }),
      { numRuns: 20_000 },
    )
    expect(read).toBeGreaterThan(100)
  })
})
