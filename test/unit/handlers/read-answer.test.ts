import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'

import { expect, test } from '@jest/globals'

import { openAnswerReader } from '../../../src/handlers/read-answer.ts'

const ANSWER = { took: 1, errors: false, items: Array.from({ length: 500 }, (_, id) => ({ delete: { _id: String(id) } })) } // prettier-ignore
const JSON_TYPE = 'application/json; charset=UTF-8'
const plain = Buffer.from(JSON.stringify(ANSWER))

/** Reads an answer that comes in pieces of some size. */
async function read(bytes: Uint8Array, encoding: string | undefined, type = JSON_TYPE, status = 200, isOver = true) {
  let text = ''
  const answer = openAnswerReader((piece) => (text += Buffer.from(piece).toString('latin1')))
  answer.watch.begun(status, ['content-type', type, ...(encoding === undefined ? [] : ['Content-Encoding', encoding])])
  for (let from = 0; from < bytes.length; from += 97) answer.watch.take(bytes.slice(from, from + 97))
  if (isOver) answer.watch.ended()
  return { unread: await answer.end(), text }
}

test.each<readonly [string | undefined, (bytes: Uint8Array) => Uint8Array]>([
  [undefined, (bytes) => bytes],
  ['identity', (bytes) => bytes],
  ['gzip', gzipSync],
  ['GZIP', gzipSync],
  ['deflate', deflateSync],
  ['zstd', zstdCompressSync],
])('an answer with the content coding %s is read', async (encoding, compress) => {
  expect(await read(compress(plain), encoding)).toEqual({ unread: undefined, text: plain.toString() })
})

test.each([
  ['with another content coding', brotliCompressSync(plain), 'br', JSON_TYPE],
  ['of another type', plain, undefined, 'application/yaml'],
  ['that is not compressed as it says', plain, 'gzip', JSON_TYPE],
])('an answer %s says so', async (_, bytes, encoding, type) => {
  expect((await read(bytes, encoding, type)).unread).toBe('answerUnreadable')
})

test('an answer that breaks off is read up to there', async () => {
  for (const [bytes, encoding] of [
    [plain, undefined],
    [gzipSync(plain, { level: 0 }), 'gzip'],
  ] as const) {
    // prettier-ignore
    const { unread, text } = await read(bytes.subarray(0, bytes.length / 2), encoding, JSON_TYPE, 200, false)
    expect(unread).toBe('answerCutOff')
    expect(text.length).toBeGreaterThan(plain.length / 3)
    expect(plain.toString().startsWith(text)).toBe(true)
  }
})

test('of an answer with a status of 500 nothing is read', async () => {
  expect(await read(plain, undefined, JSON_TYPE, 503)).toEqual({ unread: undefined, text: '' })
})
