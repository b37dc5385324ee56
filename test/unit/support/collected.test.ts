import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import { connect, createServer as createHttp2Server } from 'node:http2'
import type { Http2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'

import { CHECKPOINT_TYPE, RECEIPT_TYPE } from '../../../src/auth/receipt-keys.ts'
import { KEPT } from '../../support/collected-body.ts'
import { beginCollecting, collect, collectStream, endCollecting, FOLDER, MEMORY_TEXT } from '../../support/collected.ts'
import { collectAnswersOf } from '../../support/collected-answers.ts'
import { plant } from '../../support/planted.ts'
import { scanCollected } from '../../support/scan-collected.ts'

// A run of its own, whatever is collected of the run that this test belongs to.
const ofThisRun = process.env[FOLDER]
const TOKEN = 'eyJhbGciOiJFUzI1NiJ9'
const closing: (() => Promise<unknown>)[] = []

beforeEach(() => {
  endCollecting()
  beginCollecting()
})
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
  endCollecting()
  if (ofThisRun !== undefined) process.env[FOLDER] = ofThisRun
})

async function scan(): Promise<{ readonly found: readonly string[]; readonly lines: unknown }> {
  const { finds, lines } = (await scanCollected()) ?? { finds: ['nothing is collected'], lines: {} }
  return {
    found: finds.map((find) => find.slice(find.indexOf(']') + 2, find.indexOf(' in: '))),
    lines,
  }
}

async function listen(server: Server | Http2Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => new Promise((resolve) => server.close(resolve)))
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
}

/** Quickly. */
function brotli(bytes: string | Buffer): Buffer {
  return brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })
}

/** A server whose answers are collected as those of a gateway, for callers or on the ops port. */
async function serve(listener: RequestListener, as: 'callers' | 'ops' = 'callers') {
  const server = createServer(listener)
  const url = await listen(server)
  const other = 'http://127.0.0.1:1'
  const stop = collectAnswersOf(as === 'ops' ? { url: other, opsUrl: url } : { url, opsUrl: other })
  closing.push(() => {
    stop()
    server.closeAllConnections()
    return Promise.resolve()
  })
  return { url, stop }
}

test('a scan finds planted secrets, tokens and memory texts, and nothing else', async () => {
  const folder = process.env[FOLDER] ?? ''
  plant('pass(word)+of a test')
  plant('short')
  collect('log', '{"msg":"request","path":"/short"}\n')
  collect('log', 'one line\nwith pass(word)+of a test in it\n')
  const stream = new PassThrough()
  collectStream('log', stream)
  stream.write('{"reason":"Bearer eyJhb')
  stream.write('GciOiJFUzI1NiJ9.x.y"}\n')
  stream.end('pass(word)+of a test, without an end of its line')
  await once(stream, 'close')
  collect('log', MEMORY_TEXT)
  for (const typ of [RECEIPT_TYPE, CHECKPOINT_TYPE]) {
    const statement = Buffer.from(JSON.stringify({ alg: 'ES256', kid: 'one', typ })).toString('base64url')
    collect('answer 200 DELETE', `x-memory-receipt: ${statement}.x.y`)
  }
  expect(await scan()).toEqual({
    found: ['pass(word)+of a test', TOKEN, 'pass(word)+of a test', MEMORY_TEXT],
    lines: { log: 6, answer: 2 },
  })
  expect(existsSync(folder)).toBe(false)
})

describe('answers are scanned whoever asks', () => {
  /** Says the header in its head or in its body. */
  const sayBack: RequestListener = ({ url = '', headers }, response) => {
    const said = String(headers['x-said'])
    response.writeHead(url.startsWith('/none') ? 404 : 200, url.endsWith('-head') ? { 'x-said': said } : {})
    response.write('{"said":"')
    response.end(`${url.endsWith('-head') ? '' : said}"}`)
  }
  const ask = async (url: string, method: string, said: string): Promise<void> => {
    await (await fetch(url, { method, headers: { 'x-said': said } })).text()
  }

  test.each([
    ['GET', '/read', MEMORY_TEXT, false],
    ['POST', '/index/_search', MEMORY_TEXT, false],
    ['GET', '/read-head', MEMORY_TEXT, true],
    ['GET', '/none', MEMORY_TEXT, true],
    ['PUT', '/memory', MEMORY_TEXT, true],
    ['DELETE', '/delete', MEMORY_TEXT, true],
    ['POST', '/bulk-delete', MEMORY_TEXT, true],
    ['GET', '/read', TOKEN, true],
    ['GET', '/read-head', TOKEN, true],
  ])('%s %s with %s: a find is %s', async (method, path, said, isFind) => {
    const { url } = await serve(sayBack)
    await ask(url + path, method, said)
    expect((await scan()).found).toEqual(isFind ? [said] : [])
  })

  test('on the ops port nobody is told of memories', async () => {
    const { url } = await serve(sayBack, 'ops')
    await ask(`${url}/config`, 'GET', MEMORY_TEXT)
    expect((await scan()).found).toEqual([MEMORY_TEXT])
  })

  test('one that is broken off, and trailers; nothing of other servers, nor afterwards', async () => {
    const { url, stop } = await serve((request, response) => {
      if (request.url === '/trailers') {
        response.writeHead(200, { trailer: 'x-late' }).write('x')
        response.addTrailers({ 'x-late': `${TOKEN}-late` })
        response.end()
      } else response.write(`${TOKEN}-broken`, () => response.destroy())
    })
    const other = createServer((_, response) => response.end(TOKEN))
    await ask(await listen(other), 'GET', '')
    other.closeAllConnections()
    await ask(`${url}/trailers`, 'GET', '')
    await expect(ask(`${url}/broken`, 'GET', '')).rejects.toThrow()
    stop()
    await ask(`${url}/trailers`, 'GET', '')
    expect((await scan()).found).toEqual([`${TOKEN}-late`, `${TOKEN}-broken`])
  })

  test('over HTTP/2: heads, bodies and trailers', async () => {
    const server = createHttp2Server((request, response) => {
      response.writeHead(200, { 'x-said': `${TOKEN}-head` })
      response.addTrailers({ 'x-late': `${TOKEN}-late` })
      response.write(request.url === '/read' ? MEMORY_TEXT : '')
      response.end(`${TOKEN}-body`)
    })
    const url = await listen(server)
    const stop = collectAnswersOf({ url, opsUrl: 'http://127.0.0.1:1' })
    const session = connect(url)
    closing.push(() => {
      stop()
      session.destroy()
      return Promise.resolve()
    })
    for (const [method, path] of [
      ['GET', '/read'],
      ['DELETE', '/read'],
    ]) {
      const stream = session.request({ ':method': method, ':path': path }).resume()
      await once(stream, 'close')
    }
    const { found, lines } = await scan()
    const each = [`${TOKEN}-head`, `${TOKEN}-late`]
    expect([...found].sort()).toEqual([...each, ...each, `${TOKEN}-body`, `${TOKEN}-body`, MEMORY_TEXT].sort())
    expect(lines).toEqual({ answer: 6 })
  })

  test.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
    ['br', brotli],
    ['zstd', zstdCompressSync],
    ['gzip, br', (text: string) => brotli(gzipSync(text))],
  ])('in %s', async (encoding, compress) => {
    const { url } = await serve((request, response) => {
      // More than one block of any of them.
      const body = compress(`{"said":"${TOKEN}"}${randomBytes(200_000).toString('hex')}`)
      response.writeHead(200, { 'content-encoding': encoding })
      response.end(request.url === '/half' ? body.subarray(0, body.length / 2) : body)
    })
    const found: string[] = []
    for (const path of ['/whole', '/half']) {
      await ask(url + path, 'GET', '').catch(() => undefined)
      found.push((await scan()).found[0] ?? `none in ${path}`)
      beginCollecting()
    }
    expect(found).toEqual([TOKEN, TOKEN])
  })
})

describe('beyond what is kept of a body', () => {
  const LENGTH = 3 * KEPT

  /** What is found of a secret of which the first byte stands here, in a body that is written in pieces of so many bytes. */
  async function found(secret: string, at: number, piece: number, method = 'GET'): Promise<readonly string[]> {
    const text = `${'x'.repeat(at)} ${secret} `.padEnd(LENGTH, 'x')
    const { url } = await serve((_, response) => {
      for (let from = 0; from < LENGTH; from += piece) response.write(text.slice(from, from + piece))
      response.end()
    })
    await (await fetch(url, { method })).text()
    return (await scan()).found
  }

  test.each([
    ['where the kept part ends', KEPT - 10, LENGTH],
    ['behind it', KEPT + 5, LENGTH],
    ['between two pieces', 2 * KEPT - 7, KEPT],
    ['in small pieces', 2 * KEPT, 61],
    ['at the end', LENGTH - 40, 10_000],
  ])('a find counts %s', async (_, at, piece) => {
    plant('password-of-a-test')
    expect(new Set(await found('password-of-a-test', at, piece))).toEqual(new Set(['password-of-a-test']))
  })

  test('a memory may stand in what was read, not in what answers a delete', async () => {
    expect(await found(MEMORY_TEXT, 2 * KEPT, 1_000)).toEqual([])
    endCollecting()
    beginCollecting()
    expect(await found(MEMORY_TEXT, 2 * KEPT, 1_000, 'DELETE')).toEqual([MEMORY_TEXT])
  })

  test('a receipt is one wherever it is cut', async () => {
    const receipt = Buffer.from(JSON.stringify({ alg: 'ES256', kid: 'one', typ: RECEIPT_TYPE })).toString('base64url')
    expect(await found(`${receipt}.x.y`, 2 * KEPT - 12, KEPT)).toEqual([])
  })

  test('what is compressed and too large to be looked at is a find', async () => {
    const zeros = gzipSync(Buffer.alloc(65 * 2 ** 20))
    const { url } = await serve((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(zeros))
    const response = await fetch(url)
    await response.body?.cancel()
    expect((await scanCollected())?.finds).toEqual(['[answer 200 GET] a body in gzip is too large to be looked at'])
  })
})
