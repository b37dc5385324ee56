import { constants, deflateRawSync, deflateSync, gunzipSync, gzipSync } from 'node:zlib'

import { describe, expect, test } from '@jest/globals'

import { createInflater, formatOf } from '../../../src/forward/inflate-body.ts'

const text = Buffer.from('{"index":{"_index":"a"}}\n{"x":"y"}\n'.repeat(100))

async function inflate(encoding: string, body: Uint8Array, size = body.length, maxBytes = Infinity): Promise<Buffer> {
  const format = formatOf(encoding)
  if (format === undefined) throw new Error('no such encoding')
  const inflater = createInflater(format, maxBytes)
  const parts: Buffer[] = []
  try {
    for (let at = 0; at < body.length; at += size) {
      await inflater.push(body.subarray(at, at + size), (part) => {
        parts.push(Buffer.from(part))
        return Promise.resolve()
      })
    }
    inflater.end()
  } finally {
    inflater.close()
  }
  return Buffer.concat(parts)
}

const withFlags = (flags: number, more: Uint8Array): Buffer => {
  const plain = gzipSync(text)
  const head = Buffer.from(plain.subarray(0, 10))
  head[3] = flags
  return Buffer.concat([head, more, plain.subarray(10)])
}

describe('bodies that are read', () => {
  const bodies: readonly (readonly [says: string, encoding: string, body: Buffer])[] = [
    ['gzip', 'gzip', gzipSync(text)],
    ['its other name, in other letters', 'X-GZip', gzipSync(text)],
    ['several members, an empty one among them', 'gzip', Buffer.concat([gzipSync(text.subarray(0, 99)), gzipSync(''), gzipSync(text.subarray(99))])],
    ['a file name, as the program gzip writes it', 'gzip', withFlags(8, Buffer.from('body.json\0'))],
    ['stored and not compressed', 'gzip', gzipSync(text, { level: 0 })],
    ['deflate, which is zlib', 'deflate', deflateSync(text)],
  ] // prettier-ignore

  test.each(bodies)('%s', async (_says, encoding, body) => {
    expect(await inflate(encoding, body)).toEqual(text)
    for (const size of [1, 7, 8_191]) expect(await inflate(encoding, body, size)).toEqual(text)
  })
})

describe('bodies that are refused', () => {
  // The server's decoder reads the extra field as compressed data: this body says one thing to it, and another to all others.
  const hidden = deflateRawSync('{"index":{"_index":"b"}}\n', { finishFlush: constants.Z_SYNC_FLUSH })
  const extra = Buffer.concat([Buffer.from([hidden.length + 5, 0]), hidden, Buffer.from([0, 255, 255, 0, 0])])
  const bodies: readonly (readonly [says: string, encoding: string, body: Buffer, reason: RegExp])[] = [
    ['an extra field in the header', 'gzip', withFlags(4, extra), /more in it than a file name/],
    ['a comment in the header', 'gzip', withFlags(16, Buffer.from('x\0')), /more in it than a file name/],
    ['a sum of the header', 'gzip', withFlags(2, Buffer.alloc(2)), /more in it than a file name/],
    ['reserved flags', 'gzip', withFlags(32, Buffer.alloc(0)), /more in it than a file name/],
    ['a file name without an end', 'gzip', withFlags(8, Buffer.alloc(2_000, 'x')), /too long a file name/],
    ['no gzip', 'gzip', text, /not in the gzip format/],
    ['deflate that is called gzip', 'gzip', deflateSync(text), /not in the gzip format/],
    ['broken off in a header', 'gzip', gzipSync(text).subarray(0, 9), /breaks off/],
    ['broken off in the data', 'gzip', gzipSync(text).subarray(0, 60), /breaks off/],
    ['broken off in the sums', 'gzip', gzipSync(text).subarray(0, -1), /breaks off/],
    ['broken off in a second member', 'gzip', Buffer.concat([gzipSync(text), gzipSync(text).subarray(0, 3)]), /breaks off/],
    ['something else after a member', 'gzip', Buffer.concat([gzipSync(text), text]), /not in the gzip format/],
    ['zeros after a member', 'gzip', Buffer.concat([gzipSync(text), Buffer.alloc(16)]), /not in the gzip format/],
    ['data that is not deflate', 'gzip', Buffer.concat([gzipSync(text).subarray(0, 10), Buffer.alloc(99, 0xff)]), /not compressed/],
    ['deflate without zlib around it', 'deflate', deflateRawSync(text), /not in the zlib format/],
    ['gzip that is called deflate', 'deflate', gzipSync(text), /not in the zlib format/],
    ['a dictionary', 'deflate', deflateSync(text, { dictionary: Buffer.from('index') }), /not in the zlib format/],
    ['something after deflate', 'deflate', Buffer.concat([deflateSync(text), Buffer.from('x')]), /goes on after/],
  ] // prettier-ignore

  test.each(bodies)('%s', async (_says, encoding, body, reason) => {
    for (const size of [body.length, 1]) {
      await expect(inflate(encoding, body, size)).rejects.toMatchObject({
        code: 'invalidBody',
        message: expect.stringMatching(reason) as unknown,
      })
    }
  })

  test('the extra field is no fault to others', () => {
    expect(gunzipSync(withFlags(4, extra))).toEqual(text)
  })

  test('what would come to more than the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(20_000_000))
    expect(bomb.length).toBeLessThan(20_000)
    await expect(inflate('gzip', bomb, bomb.length, 1_000_000)).rejects.toMatchObject({ code: 'bodyTooLarge' })
  })
})

test('encodings that have no format', () => {
  for (const encoding of ['zstd', 'br', 'snappy', 'compress', 'gzip, gzip', 'identity', '']) {
    expect(formatOf(encoding)).toBeUndefined()
  }
})
