import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { createServer, ServerResponse } from 'node:http'
import type { IncomingMessage, RequestListener, Server } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { context, propagation, trace } from '@opentelemetry/api'

import { makeCertificates } from '../../../src/local-cluster/certificates.ts'
import {
  beginCollecting,
  collectDemo,
  collectDocuments,
  endCollecting,
  FOLDER,
  MEMORY_TEXT,
} from '../../support/collected.ts'
import { collectAnswersOf } from '../../support/collected-answers.ts'
import { KEPT } from '../../support/collected-body.ts'
import { collectFiles } from '../../support/collected-files.ts'
import { collectTraces } from '../../support/collected-traces.ts'
import { plant } from '../../support/planted.ts'
import { scanCollected } from '../../support/scan-collected.ts'

// A leak in every kind of what gateways say past their answers. A run of its own, whatever is collected of the run that this test belongs to.
const ofThisRun = process.env[FOLDER]
const TOKEN = 'eyJhbGciOiJFUzI1NiJ9'
const folder = mkdtempSync(join(tmpdir(), 'memory-gateway-past-answers-'))
const closing: (() => unknown)[] = []

beforeEach(() => {
  endCollecting()
  beginCollecting()
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  endCollecting()
  if (ofThisRun !== undefined) process.env[FOLDER] = ofThisRun
})
afterAll(() => rmSync(folder, { recursive: true }))

async function found(): Promise<readonly string[]> {
  const { finds } = (await scanCollected()) ?? { finds: ['nothing is collected'] }
  return [...new Set(finds.map((find) => find.replace(/^(\[[^\]]*\] .*?) in: .*/, '$1')))]
}

/** Its port, once it listens as a gateway's port for callers whose output is collected. */
async function serve(server: Server | ReturnType<typeof createHttp2Server>): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  closing.push(() => server.close())
  closing.push(collectAnswersOf({ url: `http://127.0.0.1:${String(port)}`, opsUrl: 'http://127.0.0.1:1' }))
  return port
}

/** Sends bytes and reads until the server ends the connection. */
async function say(socket: Socket, bytes: string): Promise<string> {
  socket.end(bytes)
  return text(socket)
}

const get = (path: string, ...headers: readonly string[]): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\n${headers.map((header) => `${header}\r\n`).join('')}\r\n`
const CLOSE = 'Connection: close'

describe('on a connection', () => {
  test.each([
    ['a token', `${TOKEN}-refused`, ['[refusal] eyJhbGciOiJFUzI1NiJ9-refused']],
    ['a memory', MEMORY_TEXT, [`[refusal] ${MEMORY_TEXT}`]],
    ['nothing', 'no', []],
  ])('%s in what refuses what is no HTTP', async (_, said, finds) => {
    const server = createServer()
    server.on('clientError', (_error, socket) => socket.end(`HTTP/1.1 400 Bad Request\r\n\r\n${said}`))
    expect(await say(connect(await serve(server)), 'no HTTP\r\n\r\n')).toContain(said)
    expect(await found()).toEqual(finds)
  })

  test('interim answers, of one that waits for its turn too', async () => {
    const listener: RequestListener = ({ url }, response) => {
      response.writeEarlyHints({ link: '</a>; rel=preload', 'x-said': `${TOKEN}-${String(url).slice(1)}` })
      setImmediate(() => response.end(MEMORY_TEXT))
    }
    const port = await serve(createServer(listener))
    await say(connect(port), `${get('/first')}${get('/second', CLOSE)}`)
    expect(await found()).toEqual([`[answer 1xx GET] ${TOKEN}-first`, `[answer 1xx GET] ${TOKEN}-second`])
  })

  test('interim answers over HTTP/2', async () => {
    const server = createHttp2Server()
    server.on('stream', (stream) => {
      stream.additionalHeaders({ ':status': 103, 'x-said': `${TOKEN}-early` })
      stream.respond({ ':status': 200 }, { endStream: true })
    })
    const session = connectHttp2(`http://127.0.0.1:${String(await serve(server))}`)
    await once(session.request({ ':path': '/' }).resume(), 'close')
    session.close()
    expect(await found()).toEqual([expect.stringContaining(`${TOKEN}-early`)])
  })

  test('answers are looked at once, whatever they are written in', async () => {
    const listener: RequestListener = (request, response) => {
      for (const part of ['a', 'b', TOKEN, MEMORY_TEXT]) response.write(part)
      response.end(request.url)
    }
    const port = await serve(createServer(listener))
    await say(connect(port), `${get('/first')}${get('/second', CLOSE)}`)
    expect((await scanCollected())?.finds).toHaveLength(2)
  })

  describe('that was upgraded', () => {
    /** As the gateway takes one. @param frames are written one after the other */
    const upgrade =
      (frames: readonly string[]) =>
      (request: IncomingMessage): void => {
        const response = new ServerResponse(request)
        response.assignSocket(request.socket)
        response.writeHead(101, { connection: 'upgrade', upgrade: 'websocket', 'x-said': `${TOKEN}-head` })
        response.flushHeaders()
        for (const frame of frames) request.socket.write(frame)
        request.socket.end()
      }
    const ASK = get('/', 'Connection: Upgrade', 'Upgrade: websocket')
    const HEAD = `[answer 101 GET] ${TOKEN}-head`

    test.each([
      ['a memory is for its reader', [MEMORY_TEXT], []],
      ['a token is for nobody', [`\u0081\u0020${TOKEN}-a`], [`[frames] ${TOKEN}-a`]],
      ['one that is cut', [`xx${TOKEN.slice(0, 9)}`, `${TOKEN.slice(9)}-b`], [`[frames] ${TOKEN}-b`]],
      ['a password', ['x', 'pass-of-frames'], ['[frames] pass-of-frames']],
      ['one behind what is kept', ['x'.repeat(KEPT), `${TOKEN}-c`], [`[frames] ${TOKEN}-c`]],
      ['one where that ends', ['x'.repeat(KEPT - 5), 'pass-', 'of-frames', ''], ['[frames] pass-of-frames']],
    ])('%s', async (_, frames, finds) => {
      plant('pass-of-frames')
      const server = createServer().on('upgrade', upgrade(frames))
      const said = await say(connect(await serve(server)), ASK)
      expect(said.endsWith(frames.join(''))).toBe(true)
      expect((await found()).toSorted()).toEqual([HEAD, ...finds].toSorted())
    })

    test('while it stands: its gateway may be killed', async () => {
      const server = createServer().on('upgrade', (request: IncomingMessage) => {
        const response = new ServerResponse(request)
        response.assignSocket(request.socket)
        response.writeHead(101, { 'x-said': `${TOKEN}-head` })
        response.flushHeaders()
        request.socket.write(`${TOKEN}-a`)
      })
      const socket = connect(await serve(server))
      socket.write(ASK)
      while (!String((await once(socket, 'data'))[0]).includes('-a'));
      expect(await found()).toEqual([HEAD, `[frames] ${TOKEN}-a`])
      socket.destroy()
    })
  })

  describe('over TLS', () => {
    let tls: { readonly cert: Buffer; readonly key: Buffer }
    beforeAll(async () => {
      const { node } = await makeCertificates(folder)
      tls = { cert: readFileSync(node.cert), key: readFileSync(node.key) }
    })

    test('it is looked at before it is encrypted', async () => {
      const server = createTlsServer(tls)
      server.on('clientError', (_error, socket) => socket.end(`HTTP/1.1 400 Bad Request\r\n\r\n${TOKEN}-refused`))
      const socket = connectTls({ port: await serve(server), rejectUnauthorized: false })
      await say(socket, 'no HTTP\r\n\r\n')
      expect(await found()).toEqual([`[refusal] ${TOKEN}-refused`])
    })
  })
})

test('in files that a gateway writes', async () => {
  await collectFiles()
  await collectFiles()
  const path = join(folder, 'audit.log')
  const file = await open(path, 'a')
  await file.write(Buffer.from(`{"said":"${TOKEN}-written"}\n`))
  await file.appendFile(`{"said":"${MEMORY_TEXT}"}\n`)
  await file.close()
  rmSync(path)
  expect((await scanCollected())?.finds.map((find) => find.slice(0, 60))).toEqual([
    expect.stringContaining(`[file] ${TOKEN}-written`),
    expect.stringContaining(`[file] ${MEMORY_TEXT}`),
  ])
})

test('in documents that gateways write for themselves', async () => {
  const asked: string[] = []
  await collectDocuments('an-index', (method, path) => {
    asked.push(`${method} ${path}`)
    return Promise.resolve({ body: { record: method === 'GET' ? `${TOKEN}-kept` : '' } })
  })
  expect(asked).toHaveLength(2)
  expect(await found()).toEqual([`[documents] ${TOKEN}-kept`])
})

test('in what the demo prints, but for the token that it gives', async () => {
  collectDemo(`A token of alice, good for a day:\n${TOKEN}.x.y\n\n  TOKEN=${TOKEN}.x.y\n`)
  expect(await found()).toEqual([])
  beginCollecting()
  collectDemo(`A token of bob:\n${TOKEN}-bob\n`)
  expect(await found()).toEqual([`[demo] ${TOKEN}-bob`])
})

describe('in spans', () => {
  afterEach(() => {
    for (const api of [trace, context, propagation]) api.disable()
  })

  test('that are looked at as they end, whether they are sampled or not; none is kept', async () => {
    await collectTraces('looked at as they end')
    const tracer = trace.getTracer('a test')
    tracer.startSpan('one', { attributes: { said: `${TOKEN}-a` } }).end()
    plant('planted-while-it-runs')
    tracer.startSpan('planted-while-it-runs').end()
    const span = tracer.startSpan('two').addEvent('said', { text: MEMORY_TEXT })
    expect(span.spanContext().traceFlags).toBe(0)
    span.end()
    const { finds, lines } = (await scanCollected()) ?? {}
    expect(lines).toEqual({})
    expect(finds?.map((find) => find.replace(/ in: .*/, ''))).toEqual([
      `[span] ${TOKEN}-a`,
      '[span] planted-while-it-runs',
      `[span] ${MEMORY_TEXT}`,
    ])
  })
})
