import { randomBytes } from 'node:crypto'
import {
  constants,
  deflateRawSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib'

import { describe, expect, test } from '@jest/globals'

import { inflaterFor } from '../../../src/forward/inflate-body.ts'

const text = Buffer.from('{"index":{"_index":"a"}}\n{"x":"y"}\n'.repeat(100))

async function inflate(encoding: string, body: Uint8Array, size = body.length, maxBytes = Infinity): Promise<Buffer> {
  const open = inflaterFor(encoding)
  if (open === undefined) throw new Error('no such encoding')
  const inflater = open(maxBytes)
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

const zstd = (content: Uint8Array, params: Record<number, number> = {}): Buffer => zstdCompressSync(content, { params })
const withChecksum = { [constants.ZSTD_c_checksumFlag]: 1 }
/** Of one raw block of zstd, with the length of its content in one byte. */
const zstdFrame = (descriptor: number, more: readonly number[], blocks: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, descriptor, ...more]), blocks])
const rawBlock = (content: string, isLast: boolean): Buffer =>
  Buffer.concat([Buffer.from([(content.length << 3) | (isLast ? 1 : 0), content.length >> 5, 0]), Buffer.from(content)])
const skippable = Buffer.concat([Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0]), Buffer.from('abc')])

describe('bodies that are read', () => {
  const bodies: readonly (readonly [says: string, encoding: string, body: Buffer])[] = [
    ['gzip', 'gzip', gzipSync(text)],
    ['its other name, in other letters', 'X-GZip', gzipSync(text)],
    ['several members, an empty one among them', 'gzip', Buffer.concat([gzipSync(text.subarray(0, 99)), gzipSync(''), gzipSync(text.subarray(99))])],
    ['a file name, as the program gzip writes it', 'gzip', withFlags(8, Buffer.from('body.json\0'))],
    ['stored and not compressed', 'gzip', gzipSync(text, { level: 0 })],
    ['deflate, which is zlib', 'deflate', deflateSync(text)],
    ['zstd', 'zstd', zstd(text)],
    ['zstd with its sum, in other letters', 'ZStd', zstd(text, withChecksum)],
    ['zstd whose size it does not say', 'zstd', zstd(text, { [constants.ZSTD_c_contentSizeFlag]: 0 })],
    ['zstd of the highest level', 'zstd', zstd(text, { [constants.ZSTD_c_compressionLevel]: 22 })],
    ['zstd in many blocks', 'zstd', zstdFrame(0x00, [0x50], Buffer.concat([...text].map((_, at) => rawBlock(text.toString('latin1', at, at + 1), at === text.length - 1))))],
  ] // prettier-ignore

  test.each(bodies)('%s', async (_says, encoding, body) => {
    expect(await inflate(encoding, body)).toEqual(text)
    for (const size of [1, 7, 8_191]) expect(await inflate(encoding, body, size)).toEqual(text)
  })

  test('zstd of every size about which buffers end', async () => {
    for (const size of [0, 1, 16_384, 65_536, 131_071, 131_072, 131_073, 1_000_000]) {
      const content = randomBytes(Math.ceil(size / 2))
        .toString('hex')
        .slice(0, size)
      for (const params of [{}, withChecksum]) {
        const inflated = await inflate('zstd', zstd(Buffer.from(content), params), 65_536)
        expect({ size, same: inflated.toString() === content }).toEqual({ size, same: true })
      }
    }
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
    ['no zstd', 'zstd', text, /not in the zstd format/],
    ['gzip that is called zstd', 'zstd', gzipSync(text), /not in the zstd format/],
    ['a second frame, which some decoders read and some do not', 'zstd', Buffer.concat([zstd(text), zstd(hidden)]), /goes on after/],
    ['something after the frame', 'zstd', Buffer.concat([zstd(text), Buffer.from('x')]), /goes on after/],
    ['a skippable frame before it', 'zstd', Buffer.concat([skippable, zstd(text)]), /not in the zstd format/],
    ['a skippable frame after it', 'zstd', Buffer.concat([zstd(text), skippable]), /goes on after/],
    ['the format of zstd before it was one', 'zstd', Buffer.concat([Buffer.from([0x27]), zstd(text).subarray(1)]), /not in the zstd format/],
    ['broken off in the header of a frame', 'zstd', zstd(text).subarray(0, 5), /breaks off/],
    ['broken off in a block', 'zstd', zstd(text).subarray(0, -1), /breaks off/],
    ['broken off in the sum', 'zstd', zstd(text, withChecksum).subarray(0, -1), /breaks off/],
    ['nothing at all', 'zstd', Buffer.alloc(0), /breaks off/],
    ['a wrong sum', 'zstd', Buffer.concat([zstd(text, withChecksum).subarray(0, -4), Buffer.alloc(4)]), /not compressed/],
    ['a size other than it says', 'zstd', zstdFrame(0x20, [9], rawBlock('short', true)), /not compressed/],
    ['a reserved kind of block', 'zstd', zstdFrame(0x00, [0x50], Buffer.from([7, 0, 0])), /reserved kind/],
    ['reserved bits', 'zstd', zstdFrame(0x08, [0x50], rawBlock('x', true)), /reserved bits/],
    ['a dictionary of zstd', 'zstd', zstdFrame(0x01, [0x50, 1], rawBlock('x', true)), /dictionary/],
    ['a window of 128 MiB', 'zstd', zstdFrame(0x00, [0x88], rawBlock('x', true)), /window of more than 8 MiB/],
    ['a segment of 1 GiB', 'zstd', zstdFrame(0xa0, [0, 0, 0, 0x40], rawBlock('x', true)), /window of more than 8 MiB/],
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

  test('zstd that would come to more, however little of it says so: a GiB in 32 KiB', async () => {
    const repeated = Buffer.from([((131_072 << 3) & 0xff) | 2, (131_072 >> 5) & 0xff, (131_072 >> 13) & 0xff, 0x20])
    const bomb = zstdFrame(0x00, [0x68], Buffer.concat(Array.from({ length: 8_192 }, () => repeated)))
    const before = process.memoryUsage().arrayBuffers
    await expect(inflate('zstd', bomb, bomb.length, 100_000_000)).rejects.toMatchObject({ code: 'bodyTooLarge' })
    // What was given out is held by this test.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(130_000_000)
  })

  test('two frames are two things to two decoders', () => {
    const both = Buffer.concat([zstd(Buffer.from('a')), zstd(Buffer.from('b'))])
    expect(['a', 'ab']).toContain(zstdDecompressSync(both).toString())
  })
})

test('encodings that have no format', () => {
  for (const encoding of ['br', 'x-deflate', 'snappy', 'compress', 'gzip, gzip', 'identity', '']) {
    expect(inflaterFor(encoding)).toBeUndefined()
  }
})
