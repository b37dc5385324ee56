import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { runInThisContext } from 'node:vm'

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { startDeafServer } from '../support/deaf-server.ts'
import type { DeafServer } from '../support/deaf-server.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { rawRequest, sendRaw } from '../support/raw-http.ts'
import { startScriptedUpstream } from '../support/scripted-upstream.ts'
import type { ScriptedUpstream } from '../support/scripted-upstream.ts'
import { until } from '../support/until.ts'

const MIB = 1_048_576
const SILENCE_MS = 1_000
/** Jest's own is a copy, which hears no warnings. */
const realProcess = runInThisContext('process') as NodeJS.Process
const TIMES = process.env['TEST_LONG'] === '1' ? 1_000 : 100
const AT_ONCE = 20
/** A bound of life: twenty callers at once, each of whom gets two megabytes, on a machine that others use too. */
const AGAIN_MS = Math.max(30_000, TIMES * 200)
const LARGE = 'x'.repeat(2 * MIB)
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

describe.each(['undici', 'http-proxy-middleware'] as const)('the engine %s', (engine) => {
  let upstream: ScriptedUpstream
  let deaf: DeafServer
  let gateway: TestGateway
  let unconnected: TestGateway
  let impatient: TestGateway
  const bearer = new Map<TestGateway, string>()
  const sockets = new Set<Socket>()

  beforeAll(async () => {
    upstream = await startScriptedUpstream()
    deaf = await startDeafServer()
    gateway = await startTestGateway({
      limits: { bodyBytes: 64 * MIB },
      cluster: { nodes: [upstream.url], passThrough: { engine }, idleTimeout: '50ms' },
    })
    unconnected = await startTestGateway({
      cluster: { nodes: [deaf.url], passThrough: { engine }, connectTimeout: '300ms' },
    })
    impatient = await startTestGateway({
      cluster: {
        nodes: [upstream.url],
        passThrough: { engine },
        idleTimeout: '50ms',
        silenceTimeout: `${String(SILENCE_MS)}ms`,
      },
    })
    for (const one of [gateway, unconnected, impatient]) {
      bearer.set(one, `Authorization: Bearer ${await one.token({ scopes: ['opensearch:admin'] })}`)
    }
  })
  afterEach(() => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
    upstream.reset()
  })
  afterAll(async () => {
    await gateway.close()
    await unconnected.close()
    await impatient.close()
    await deaf.close()
    await upstream.close()
  })

  const head = (line: string, headers: readonly string[] = [], to = gateway): string =>
    rawRequest(line, [bearer.get(to) ?? '', ...headers])

  function open(to = gateway): Socket {
    const { hostname, port } = new URL(to.url)
    const socket = connect(Number(port), hostname).on('error', () => undefined)
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    return socket
  }

  test.each(['099', '1000', '000'])('a status that is none (%s) is a 502', async (status) => {
    upstream.answer(`HTTP/1.1 ${status} Odd\r\ncontent-length: 2\r\n\r\nok`)
    const socket = open()
    let reply = ''
    socket.on('data', (part: Buffer) => (reply += part.toString('latin1')))
    socket.write(head('GET /odd'))
    await until(() => reply.includes('bad_gateway_exception'))
    expect(reply).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/)
  })

  test('a reason phrase that cannot be said again is left out', async () => {
    upstream.answer('HTTP/1.1 200 O\u0001K\r\ncontent-length: 2\r\n\r\nok')
    const socket = open()
    let reply = ''
    socket.on('data', (part: Buffer) => (reply += part.toString('latin1')))
    socket.write(head('GET /odd'))
    await until(() => reply.endsWith('\r\n\r\nok'))
    expect(reply).toMatch(/^HTTP\/1\.1 200 [^\u0001]*\r\n/)
  })

  test.each(['Content-Length: 8388608', 'Transfer-Encoding: chunked'])(
    'an early answer reaches a caller who still uploads (%s)',
    async (framing) => {
      upstream.answer('HTTP/1.1 413 Too Large\r\ncontent-length: 9\r\nconnection: close\r\n\r\ntoo large', {
        when: 'head',
      })
      const socket = open()
      let reply = ''
      socket.on('data', (part: Buffer) => (reply += part.toString('latin1')))
      socket.write(rawRequest('PUT /x', [bearer.get(gateway) ?? '', framing, 'Connection: keep-alive']))
      const part = Buffer.alloc(65_536, 'x')
      const isChunked = framing.startsWith('T')
      for (let sent = 0; sent < 8 * MIB; sent += part.length) {
        if (isChunked) socket.write('10000\r\n')
        if (!socket.write(part)) await once(socket, 'drain')
        if (isChunked) socket.write('\r\n')
      }
      if (isChunked) socket.write('0\r\n\r\n')
      await until(() => reply.endsWith('too large'))
      expect(reply).toMatch(/^HTTP\/1\.1 413 Too Large\r\n/)
      // What was left of the body is out of the way: the next request on the connection is read as one.
      upstream.answer(OK)
      reply = ''
      socket.write(head('GET /next'))
      await until(() => reply.endsWith('ok'))
      expect(upstream.whole()).toBe(1)
    },
  )

  test('a body beyond limits.bodyBytes is 413 before the cluster hears of it, where its length tells', async () => {
    const socket = open()
    socket.write(head('PUT /x', [`Content-Length: ${String(65 * MIB)}`]))
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 413 /)
    expect(upstream.heads).toEqual([])
  })

  test('Expect: 100-continue: continued when the body is wanted, refused without it', async () => {
    upstream.answer(OK)
    const wanted = open()
    let reply = ''
    wanted.on('data', (part: Buffer) => (reply += part.toString('latin1')))
    wanted.write(head('PUT /x', ['Content-Length: 1', 'Expect: 100-continue']))
    await until(() => reply.includes('100 Continue'))
    wanted.write('x')
    await until(() => reply.endsWith('ok'))
    expect(reply.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 100', 'HTTP/1.1 200'])
    const refused = await sendRaw(
      gateway.url,
      rawRequest('PUT /x', ['Content-Length: 1', 'Expect: 100-continue', 'Connection: keep-alive']),
    )
    expect(refused.statuses).toEqual([401])
    expect(refused.text).toMatch(/^connection: close\r$/im)
  })

  test('values stay as many as they were, in their spelling and order, and trailers arrive', async () => {
    upstream.answer(
      'HTTP/1.1 401 Nope\r\nWWW-Authenticate: Basic\r\nX-One: 1\r\nWWW-Authenticate: Bearer\r\nWarning: 299 a\r\n' +
        'warning: 299 b\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n',
    )
    const { text } = await sendRaw(gateway.url, head('GET /'))
    expect(text).toMatch(/^HTTP\/1\.1 401 Nope\r\n/)
    const names = text.split('\r\n').filter((line) => /^(www-|x-|warning)/i.test(line))
    expect(names.filter((line) => /^www-/i.test(line))).toEqual(['WWW-Authenticate: Basic', 'WWW-Authenticate: Bearer'])
    expect(names.filter((line) => /^warning/i.test(line)).map((line) => line.slice(9))).toEqual(['299 a', '299 b'])
    expect(text).toMatch(/0\r\nX-Sum: 7\r\n\r\n$/)
  })

  test.each([
    ['103 Early Hints', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'],
    ['102 Processing', 'HTTP/1.1 102 Processing\r\n\r\n'],
    ['several of them', 'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-Proxy-User: a\r\n\r\n'],
  ])('an interim answer of the node ends here, the answer behind it arrives: %s', async (_says, interim) => {
    upstream.answer(interim + OK)
    for (const request of [head('GET /'), `${head('PUT /x', ['Content-Length: 2'])}{}`]) {
      const { statuses, text } = await sendRaw(gateway.url, request)
      expect(statuses).toEqual([200])
      expect(text).toMatch(/\r\n\r\nok$/)
      expect(text).not.toMatch(/^(?:link|x-proxy-user):/im)
    }
  })

  test.each([
    ['headers of 1 MiB', `HTTP/1.1 200 OK\r\nX-Large: ${'y'.repeat(MIB)}\r\n\r\n`],
    ['headers without end', `HTTP/1.1 200 OK\r\n${'X-More: y\r\n'.repeat(100_000)}`],
    ['what is not HTTP', 'SSH-2.0-OpenSSH\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok!'],
  ])('a node that answers with %s is 502, and others are served', async (_, answer) => {
    upstream.answer(answer)
    const { statuses } = await sendRaw(gateway.url, head('GET /'))
    expect(statuses).toEqual([502])
    upstream.answer(OK)
    expect((await sendRaw(gateway.url, head('GET /'))).statuses).toEqual([200])
  })

  const CHUNKED = 'Transfer-Encoding: chunked'

  test.each([
    ['as they were sent', 'X-Sum, x-More', 'X-Sum: 7\r\nX-Sum: 8\r\nX-MORE: a\xe9\r\n', 'X-Sum, x-More', 'X-Sum: 7\r\nX-Sum: 8\r\nX-MORE: a\xe9\r\n'],
    ['without those that were not declared', 'X-Sum', 'X-Sum: 7\r\nX-Other: 1\r\n', 'X-Sum', 'X-Sum: 7\r\n'],
    ['where one that was declared does not come', 'X-Sum, X-Late', 'X-Sum: 7\r\n', 'X-Sum, X-Late', 'X-Sum: 7\r\n'],
    ['without those that say who is calling', 'X-Sum, X-Proxy-User, x_proxy_roles, securitytenant', 'X-Sum: 7\r\nX-Proxy-User: admin\r\nx_proxy_roles: all_access\r\nsecuritytenant: a\r\n', 'X-Sum', 'X-Sum: 7\r\n'],
    ['without those that a head must hold', 'Authorization, X-Sum, Host, Content-Type, X-Request-Id', 'Authorization: Basic YTpi\r\nHost: a\r\nContent-Type: text/plain\r\nX-Request-Id: a\r\nX-Sum: 7\r\n', 'X-Sum', 'X-Sum: 7\r\n'],
  ])('trailers of a request go on %s', async (_says, declared, sent, promised, arrived) => {
    upstream.answer(OK)
    const request = head('PUT /x', [CHUNKED, `Trailer: ${declared}`]) + `2\r\nhi\r\n0\r\n${sent}\r\n`
    expect((await sendRaw(gateway.url, request)).statuses).toEqual([200])
    expect(upstream.trailers).toEqual([arrived])
    expect(upstream.heads[0]?.match(/^trailer: .*$/gim)).toEqual([`trailer: ${promised}`])
    expect(upstream.heads[0]).toMatch(/^transfer-encoding: chunked\r$/im)
  }) // prettier-ignore

  test.each([
    ['that were not declared', [CHUNKED], '2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n'],
    ['that may not be any', [CHUNKED, 'Trailer: x-proxy-user, te'], '2\r\nhi\r\n0\r\nX-Proxy-User: admin\r\nTE: a\r\n\r\n'],
    ['that Connection names', [CHUNKED, 'Trailer: X-Sum', 'Connection: close, x-sum'], '2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n'],
    ['that are only declared', ['Content-Length: 2', 'Trailer: X-Sum'], 'hi'],
  ])('trailers of a request %s end here, the request itself is whole', async (_says, headers, body) => {
    upstream.answer(OK)
    expect((await sendRaw(gateway.url, head('PUT /x', headers) + body)).statuses).toEqual([200])
    expect(upstream.whole()).toBe(1)
    expect(upstream.heads.join() + upstream.trailers.join()).not.toMatch(/trailer|x-sum|x-proxy|^te/im)
  }) // prettier-ignore

  test('trailers behind a body that is inspected go on once all of it was', async () => {
    upstream.answer(OK)
    const token = await gateway.token({ scopes: ['opensearch:write'] })
    const bulk = (id: string): string => {
      const lines = `{"index":{"_index":"${id}"}}\n{}\n`
      const headers = [
        `Authorization: Bearer ${token}`,
        'Content-Type: application/x-ndjson',
        CHUNKED,
        'Trailer: X-Sum',
      ]
      const body = `${lines.length.toString(16)}\r\n${lines}\r\n0\r\nX-Sum: 7\r\n\r\n`
      return rawRequest('POST /_bulk', headers, body)
    }
    expect((await sendRaw(gateway.url, bulk('logs'))).statuses).toEqual([200])
    expect(upstream.trailers).toEqual(['X-Sum: 7\r\n'])
    expect((await sendRaw(gateway.url, bulk('.hidden'))).statuses).toEqual([403])
    expect(upstream.trailers).toHaveLength(1)
  })

  test('a caller who goes before the trailers leaves half a request at the node, and never a whole one', async () => {
    upstream.answer(OK)
    const socket = open()
    socket.write(head('PUT /left', [CHUNKED, 'Trailer: X-Sum']) + '2\r\nhi\r\n0\r\nX-Sum: 7\r\n')
    await until(() => upstream.heads.length === 1)
    socket.destroy()
    await until(() => upstream.openConnections() === 0)
    expect(upstream.whole()).toBe(0)
  })

  /** An answer of so many bytes, sent as fast as it is taken. */
  const serveMuch = (bytes: number): void =>
    upstream.serve((socket) => {
      const part = Buffer.alloc(65_536, 'x')
      let left = bytes
      const send = (): void => {
        while (left > 0 && !socket.destroyed) {
          left -= part.length
          if (!socket.write(part)) return
        }
      }
      socket.on('drain', send)
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${String(bytes)}\r\n\r\n`)
      send()
    })

  test('a caller who stops reading is cut off, and the connection to the node is free', async () => {
    serveMuch(1_024 * MIB)
    const socket = open(impatient).pause()
    socket.write(head('GET /stuck', [], impatient))
    await until(() => upstream.openConnections() === 1)
    await until(() => upstream.openConnections() === 0)
    // More bytes from a caller who does not read are no progress.
    const talker = open(impatient).pause()
    talker.write(head('GET /talks', ['Connection: keep-alive'], impatient))
    await until(() => upstream.openConnections() === 1)
    const talking = setInterval(() => talker.write('G'), 100)
    await until(() => upstream.openConnections() === 0).finally(() => clearInterval(talking))
  })

  test('a caller who reads slowly gets all of it, though it takes longer than silence may', async () => {
    let node: Socket | undefined
    let isOver = false
    upstream.serve((socket) => {
      node = socket
      const part = `10000\r\n${'x'.repeat(65_536)}\r\n`
      const send = (): void => {
        while (!isOver && !socket.destroyed) if (!socket.write(part)) return
        if (isOver) socket.end('0\r\n\r\n')
      }
      socket.on('drain', send)
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
      send()
    })
    let seen = -1
    /** The gateway takes nothing more from the node. */
    const isHeldBack = (): boolean => {
      const before = seen
      seen = node?.bytesWritten ?? 0
      return isOver || (node?.writableNeedDrain === true && seen === before)
    }
    const socket = open(impatient)
    const startedAt = performance.now()
    let pauses = 0
    let tail = ''
    const breathe = async (): Promise<void> => {
      await until(isHeldBack).catch(() => socket.destroy())
      socket.resume()
    }
    socket.on('data', (part: Buffer) => {
      tail = (tail + part.toString('latin1')).slice(-7)
      isOver = performance.now() > startedAt + 2 * SILENCE_MS
      if (isOver) return
      socket.pause()
      pauses += 1
      void breathe()
    })
    socket.write(head('GET /slow', [], impatient))
    await until(() => tail.endsWith('\r\n0\r\n\r\n') || socket.destroyed)
    expect(tail).toBe('\r\n0\r\n\r\n')
    expect(pauses).toBeGreaterThan(10)
  })

  /** Ends when the caller should go. */
  type Phase = (socket: Socket, line: string) => Promise<unknown>

  const arrived = (line: string): Promise<void> => until(() => upstream.heads.some((seen) => seen.includes(line)))
  const PHASES: readonly (readonly [string, Phase, TestGateway?])[] = [
    ['before its headers are sent on', (socket, line) => new Promise((resolve) => socket.write(head(`GET ${line}`), resolve))],
    ['while uploading', async (socket, line) => {
      socket.write(head(`PUT ${line}`, ['Content-Length: 1000000']) + 'x'.repeat(1_000))
      await arrived(line)
    }],
    ['while waiting for headers', async (socket, line) => {
      socket.write(head(`GET ${line}`))
      await arrived(line)
    }],
    ['while downloading with back-pressure', async (socket, line) => {
      upstream.answer(`HTTP/1.1 200 OK\r\ncontent-length: ${String(4 * MIB)}\r\n\r\n${LARGE}`)
      socket.write(head(`GET ${line}`))
      await once(socket, 'readable')
    }],
    ['at the last byte', async (socket, line) => {
      upstream.answer('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n' + 'x'.repeat(999))
      let reply = ''
      socket.on('data', (part: Buffer) => (reply += part.toString('latin1')))
      socket.write(head(`GET ${line}`))
      await until(() => reply.endsWith('xxx'))
    }],
  ] // prettier-ignore

  test.each(PHASES)(
    'a caller who goes %s leaves nothing behind',
    async (_, phase) => {
      await leaveAgainAndAgain(gateway, phase)
      await until(() => upstream.openConnections() === 0)
      upstream.answer(OK)
      expect((await sendRaw(gateway.url, head('GET /'))).statuses).toEqual([200])
    },
    AGAIN_MS,
  )

  test(
    'a caller who goes while the gateway connects leaves nothing behind',
    async () => {
      await leaveAgainAndAgain(unconnected, async (socket, line) => {
        await new Promise((resolve) => socket.write(head(`GET ${line}`, [], unconnected), resolve))
        await new Promise(setImmediate)
      })
    },
    AGAIN_MS,
  )

  async function leaveAgainAndAgain(to: TestGateway, phase: Phase): Promise<void> {
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => {
      if (warning.name === 'MaxListenersExceededWarning') warnings.push(warning)
    }
    realProcess.on('warning', onWarning)
    const before = connectionsOfThisProcess()
    for (let round = 0; round < TIMES; round += AT_ONCE) {
      await Promise.all(
        Array.from({ length: AT_ONCE }, async (_, at) => {
          const socket = open(to)
          await once(socket, 'connect')
          await phase(socket, `/left-${String(round + at)}-`)
          socket.destroy()
        }),
      )
    }
    await until(() => connectionsOfThisProcess() <= before)
    realProcess.off('warning', onWarning)
    expect(warnings).toEqual([])
  }
})

/** Both ends of every connection, and those that are being made. */
function connectionsOfThisProcess(): number {
  return process.getActiveResourcesInfo().filter((name) => /^TCP(?:Socket|Connect)Wrap$/.test(name)).length
}
