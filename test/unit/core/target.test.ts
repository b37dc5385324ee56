import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { GatewayError } from '../../../src/core/failure.ts'
import { parseTarget, percentDecode } from '../../../src/core/target.ts'

describe('a target is cut up as the server cuts it up', () => {
  test.each([
    [
      'segments as they arrived, and decoded',
      '/a%2Fb/%63?d',
      { rawSegments: ['a%2Fb', '%63'], segments: ['a/b', 'c'], query: 'd' },
    ],
    ['trailing slashes dropped', '/a/b///', { rawSegments: ['a', 'b'], segments: ['a', 'b'], query: undefined }],
    ['empty segments kept at the start too', '//a', { raw: '//a', rawSegments: ['', 'a'], segments: ['', 'a'] }],
    ['each of them', '///a', { segments: ['', '', 'a'] }],
    ['slashes alone as the root', '//', { rawSegments: [], segments: [] }],
    ['empty segments kept', '/a//b', { rawSegments: ['a', '', 'b'], segments: ['a', '', 'b'] }],
    ['the root without segments', '/', { rawSegments: [], segments: [], query: undefined }],
    ['an empty query', '/a?', { segments: ['a'], query: '' }],
    ['a query up to its end, question marks and all', '/a?b?c', { query: 'b?c' }],
    ['a query up to the number sign', '/a?b#c', { query: 'b' }],
    ['an empty query before the number sign', '/a?#c', { query: '' }],
    ['a query hidden by a number sign in the path', '/a#b?c', { segments: ['a#b'], query: '' }],
    ['slashes behind the question mark left alone', '/a?b/', { segments: ['a'], query: 'b/' }],
    ['the path decoded as a whole', '/a%20b/c%2Fd?%20', { decodedPath: '/a b/c/d', raw: '/a%20b/c%2Fd?%20' }],
  ])('%s: %s', (_, raw, expected) => {
    expect(parseTarget(raw)).toMatchObject(expected)
  })
})

describe('a refusal says what to do', () => {
  test.each([
    ['a/b', 'The request target must start with a slash'],
    ['/é', 'The request target must hold visible ASCII characters only; percent-encode the others'],
    ['/a\\b', 'The request target must not hold a backslash; percent-encode it'],
    ['/a/../b', 'The request target must not hold dot segments'],
    ['/%', 'The request target holds a percent sign that is not followed by valid UTF-8 in hexadecimal'],
  ])('%s', (raw, reason) => {
    expect(() => parseTarget(raw)).toThrow(new GatewayError('ambiguousTarget', { reason }))
  })
})

test('any text comes back from its percent-encoding as one segment', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
      fc.pre(text !== '.' && text !== '..')
      const { segments } = parseTarget(`/${encodeURIComponent(text)}`)
      expect(segments).toEqual([text])
    }),
  )
})

test('any bytes are decoded to what they spell in UTF-8, or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 8 }), (bytes) => {
      const encoded = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
      let spelt: string | undefined
      try {
        spelt = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
      } catch {
        spelt = undefined
      }
      expect(percentDecode(encoded)).toBe(spelt)
    }),
    { numRuns: 500 },
  )
})

test('whatever arrives is parsed or refused, and never fails otherwise', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (tail) => {
      try {
        const { rawSegments, segments } = parseTarget(`/${tail}`)
        expect(segments).toHaveLength(rawSegments.length)
      } catch (error) {
        expect(error).toMatchObject({ name: 'GatewayError', code: 'ambiguousTarget' })
      }
    }),
    { numRuns: 500 },
  )
})
