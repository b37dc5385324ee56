import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { WebSocket } from 'undici'

import { makeCertificates } from '../../src/local-cluster/certificates.ts'
import { call } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { GatewayOverrides, TestGateway } from '../support/gateway.ts'
import { sendRaw } from '../support/raw-http.ts'
import { headOf, HANDSHAKE, openCallers } from '../support/upgrade-caller.ts'
import { until } from '../support/until.ts'
import { acceptUpgrade, startWebSocketNode } from '../support/websocket-node.ts'
import type { WebSocketNode } from '../support/websocket-node.ts'

const MIB = 1_048_576
const PATH = '/_plugins/_live/feed'
const RULES: NonNullable<GatewayOverrides['guard']>['rules'] = [
  { paths: ['/_plugins/_live/**'], scopes: ['live:feed'], upgrade: ['websocket'] },
  { paths: ['/closed/**'], scopes: [] },
  { classes: ['read'], paths: ['/*/_search'], scopes: ['opensearch:read'], upgrade: ['websocket'] },
  { classes: ['read'], scopes: ['opensearch:read'] },
  { classes: ['admin'], scopes: ['opensearch:admin'] },
]
let node: WebSocketNode
const gateways: TestGateway[] = []

async function start(
  overrides: Omit<GatewayOverrides, 'cluster'> = {},
  cluster: Partial<GatewayOverrides['cluster']> = {},
): Promise<TestGateway> {
  const gateway = await startTestGateway({
    guard: { rules: RULES },
    ...overrides,
    cluster: { nodes: [node.url], ...cluster },
  })
  gateways.push(gateway)
  return gateway
}

const { open, leave } = openCallers()
/** Those over TLS. */
const sockets = new Set<Socket>()

function head(token: string | undefined, headers?: readonly string[], line = `GET ${PATH} HTTP/1.1`): string {
  return headOf(token, line, headers)
}

/** Of an answer in chunks. */
function bodyOf(text: string): string {
  let body = ''
  for (let rest = text.slice(text.indexOf('\r\n\r\n') + 4); rest !== '';) {
    const size = Number.parseInt(rest, 16)
    const start = rest.indexOf('\r\n') + 2
    if (size === 0) return body
    body += rest.slice(start, start + size)
    rest = rest.slice(start + size + 2)
  }
  throw new Error('no last chunk')
}

async function ask(gateway: TestGateway, token: string, path: string): Promise<number> {
  return (await call(gateway.url, { path, token })).status
}

async function metric({ opsUrl }: TestGateway, sample: string): Promise<number> {
  const { text } = await call(opsUrl, { path: '/metrics' })
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${sample} `))
      ?.slice(sample.length + 1),
  )
}

function accessLine({ logLines }: TestGateway, requestId: string): Record<string, unknown> | undefined {
  const lines = logLines.map((line) => JSON.parse(line) as Record<string, unknown>)
  return lines.find((line) => line['requestId'] === requestId && 'durationMs' in line)
}

const admin = (gateway: TestGateway): Promise<string> => gateway.token({ scopes: ['opensearch:admin'] })

beforeAll(async () => {
  node = await startWebSocketNode()
})
afterEach(async () => {
  leave()
  for (const socket of sockets) socket.destroy()
  await until(() => node.sockets.size === 0)
  node.reset()
})
afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.close()))
  await node.close()
})

describe('an upgrade', () => {
  let gateway: TestGateway
  let token: string
  beforeAll(async () => {
    gateway = await start({}, { silenceTimeout: '5s' })
    token = await admin(gateway)
  })

  test.each(['undici', 'http-proxy-middleware'] as const)(
    'a WebSocket client gets back what it sends, a mebibyte in one message too (%s)',
    async (engine) => {
      const gateway = await start({}, { passThrough: { engine } })
      const token = await admin(gateway)
      const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}${PATH}?a=%2F`, {
        headers: { authorization: `Bearer ${token}`, 'x-request-id': `live-${engine}`, 'x-proxy-user': 'admin' },
      })
      socket.binaryType = 'arraybuffer'
      await once(socket, 'open')
      const large = Buffer.alloc(MIB, 'memory')
      const replies: Buffer[] = []
      socket.addEventListener('message', ({ data }) => void replies.push(Buffer.from(data as ArrayBuffer)))
      socket.send(Buffer.from('small'))
      socket.send(large)
      await until(() => replies.length === 2)
      expect(replies[0]?.toString()).toBe('small')
      expect(replies[1]?.equals(large)).toBe(true)

      const [request] = node.requests
      expect(request?.url).toBe(`${PATH}?a=%2F`)
      const { headers } = request ?? {}
      expect(headers).toMatchObject({
        connection: 'Upgrade',
        upgrade: 'websocket',
        host: new URL(node.url).host,
        authorization: `Bearer ${token}`,
        'x-request-id': `live-${engine}`,
        'x-forwarded-for': '127.0.0.1',
        via: '1.1 memory-gateway',
      })
      expect(headers?.['x-proxy-user']).toBeUndefined()

      expect(await metric(gateway, 'memory_gateway_upgraded_connections{cluster="main"}')).toBe(1)
      socket.close(1000)
      await once(socket, 'close')
      await until(() => accessLine(gateway, `live-${engine}`) !== undefined)
      expect(accessLine(gateway, `live-${engine}`)).toMatchObject({
        status: 101,
        route: 'passThrough',
        subject: 'alice',
      })
      expect(accessLine(gateway, `live-${engine}`)).not.toHaveProperty('aborted')
      expect(await metric(gateway, 'memory_gateway_upgraded_connections{cluster="main"}')).toBe(0)
    },
  )

  test('the node’s own answer is cleaned, and says nothing of its hop', async () => {
    node.onUpgrade((socket, request) =>
      acceptUpgrade(socket, request, [
        'Sec-WebSocket-Protocol: one',
        'Keep-Alive: timeout=5',
        'Content-Length: 7',
        'X-Kept: a',
        'x-kept: b',
      ]),
    )
    const caller = open(gateway, head(token))
    await until(() => caller.text().includes('\r\n\r\n'))
    const lines = caller.text().split('\r\n')
    expect(lines[0]).toBe('HTTP/1.1 101 Switching Protocols')
    expect(lines).toEqual(
      expect.arrayContaining([
        'connection: Upgrade',
        'upgrade: websocket',
        'Sec-WebSocket-Protocol: one',
        'X-Kept: a',
        'x-kept: b',
      ]),
    )
    expect(lines.filter((line) => /^(?:keep-alive|content-length|transfer-encoding|date):/i.test(line))).toEqual([])
    expect(lines.filter((line) => /^(?:connection|upgrade):/i.test(line))).toHaveLength(2)
  })

  test('what the caller sends too early waits for the node’s 101, and what the node sends with it arrives', async () => {
    let answer: () => void = () => undefined
    node.onUpgrade((socket, request) => {
      socket.on('data', (part: Buffer) => socket.write(part))
      answer = () => {
        acceptUpgrade(socket, request)
        socket.write('first')
      }
    })
    const caller = open(gateway, `${head(token)}with the headers, `)
    caller.socket.write('early, ')
    await until(() => node.sockets.size === 1)
    caller.socket.write('and later')
    // What could have been sent on by now is on its way: a request of its own goes there and back.
    await ask(gateway, token, '/x')
    expect(node.bytes()).toBe(0)
    answer()
    await until(() => caller.text().endsWith('firstwith the headers, early, and later'))
  })

  test.each([
    [200, 'fine'],
    [403, 'no'],
    [500, 'x'.repeat(4 * MIB)],
  ])('an answer of %d in place of a 101 is passed on, whole', async (status, body) => {
    node.onUpgrade((socket) => {
      const half = Math.floor(body.length / 2)
      const chunks = [body.slice(0, half), body.slice(half)].map((part) => `${part.length.toString(16)}\r\n${part}\r\n`)
      const lines = [
        `HTTP/1.1 ${String(status)} Whatever`,
        'Transfer-Encoding: chunked',
        'X-Kept: a',
        'Connection: close',
      ]
      socket.end(`${lines.join('\r\n')}\r\n\r\n${chunks.join('')}0\r\n\r\n`)
    })
    const caller = open(gateway, `${head(token)}too early`)
    await until(caller.closed)
    expect(caller.status()).toBe(status)
    expect(caller.text()).toContain('\r\nX-Kept: a\r\n')
    expect(bodyOf(caller.text())).toBe(body)
    expect(caller.text().toLowerCase()).toContain('\r\nconnection: close\r\n')
    expect(node.bytes()).toBe(0)
  })

  test('a node that breaks off before it has answered: 502', async () => {
    node.onUpgrade((socket) => void socket.destroy())
    const caller = open(gateway, head(token))
    await until(caller.closed)
    expect(caller.status()).toBe(502)
  })

  test('a node that switches to another protocol than was asked for: 502', async () => {
    node.onUpgrade(
      (socket) => void socket.write('HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'),
    )
    const caller = open(gateway, head(token))
    await until(caller.closed)
    expect(caller.status()).toBe(502)
  })

  test.each([
    ['a status that is none', 'HTTP/1.1 099 Whatever\r\nContent-Length: 0\r\n\r\n'],
    ['no HTTP', 'hello\r\n\r\n'],
  ])('a node that answers with %s: 502, and the gateway goes on', async (_says, answer) => {
    node.onUpgrade((socket) => void socket.write(Buffer.from(answer, 'latin1')))
    const caller = open(gateway, head(token))
    await until(caller.closed)
    expect(caller.status()).toBe(502)
    expect(await ask(gateway, token, '/x')).toBe(200)
  })

  test.each([
    [200, 'HTTP/1.1 200 O\u0001K\r\nContent-Length: 0\r\n\r\n'],
    [101, 'HTTP/1.1 101 O\u0001K\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
  ])('words that cannot be said again are left out of a %i', async (status, answer) => {
    node.onUpgrade((socket) => void socket.write(Buffer.from(answer, 'latin1')))
    const caller = open(gateway, head(token))
    await until(() => caller.text().includes('\r\n\r\n'))
    expect(caller.status()).toBe(status)
    expect(caller.text()).not.toContain('\u0001')
  })

  test('a node that breaks off half an answer: the connection is cut', async () => {
    node.onUpgrade((socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'))
    const caller = open(gateway, head(token))
    await until(caller.closed)
    expect(caller.text()).toMatch(/\r\n\r\nhalf$/)
  })

  test.each<[how: string, leave: (socket: Socket) => void]>([
    ['ends', (socket) => void socket.end()],
    ['breaks off', (socket) => void socket.destroy()],
    ['resets', (socket) => void socket.resetAndDestroy()],
  ])('the caller %s: the node’s connection goes too, before and after the 101', async (_how, leave) => {
    node.onUpgrade(() => undefined)
    const waiting = open(gateway, head(token))
    await until(() => node.sockets.size === 1)
    leave(waiting.socket)
    await until(() => node.sockets.size === 0)

    node.onUpgrade((socket, request) => acceptUpgrade(socket, request))
    const upgraded = open(gateway, head(token))
    await until(() => upgraded.status() === 101)
    leave(upgraded.socket)
    await until(() => node.sockets.size === 0)
    await until(async () => (await metric(gateway, 'memory_gateway_upgraded_connections{cluster="main"}')) === 0)
  })

  test('the node ends: what it sent last arrives, and the caller’s connection is closed', async () => {
    node.onUpgrade((socket, request) => {
      acceptUpgrade(socket, request)
      socket.end(Buffer.alloc(MIB, 'y'))
    })
    const caller = open(gateway, head(token))
    await until(caller.closed)
    expect(caller.text().slice(caller.text().indexOf('\r\n\r\n') + 4)).toHaveLength(MIB)
  })

  test('the node resets: the caller’s connection is cut', async () => {
    node.onUpgrade((socket, request) => acceptUpgrade(socket, request))
    const caller = open(gateway, head(token))
    await until(() => caller.status() === 101)
    for (const socket of node.sockets) socket.resetAndDestroy()
    await until(caller.closed)
  })

  test.each(['caller', 'node'] as const)(
    'the %s that does not read holds the other up, and loses nothing',
    async (slow) => {
      const all = 64 * MIB
      const paused: Socket[] = []
      node.onUpgrade((socket, request) => {
        acceptUpgrade(socket, request)
        if (slow === 'node') paused.push(socket.pause())
      })
      const caller = open(gateway, head(token))
      await until(() => caller.status() === 101)
      const [atNode] = node.sockets
      if (atNode === undefined) throw new Error('the node has no connection')
      if (slow === 'caller') paused.push(caller.socket.pause())
      const [sender, reader] = slow === 'node' ? [caller.socket, atNode] : [atNode, caller.socket]
      let read = 0
      for (let sent = 0; sent < all; sent += MIB) sender.write(Buffer.alloc(MIB, 'z'))
      // All that buffers on the way take: nothing more leaves while requests go there and back.
      await until(async () => {
        const before = sender.writableLength
        for (let turn = 0; turn < 10; turn++) await ask(gateway, token, '/x')
        return sender.writableLength === before
      })
      expect(sender.writableLength).toBeGreaterThan(all / 2)
      reader.on('data', (part: Buffer) => (read += part.length))
      for (const socket of paused) socket.resume()
      await until(() => read >= all)
      expect(read).toBe(all)
    },
  )
})

describe('who may upgrade, and what', () => {
  let gateway: TestGateway
  let token: string
  beforeAll(async () => {
    gateway = await start()
    token = await admin(gateway)
  })

  async function answerTo(text: string, to = gateway): Promise<{ readonly status: number; readonly text: string }> {
    const caller = open(to, text)
    await until(() => caller.closed() || caller.text().includes('\r\n\r\n'))
    caller.socket.destroy()
    return { status: caller.status(), text: caller.text() }
  }

  const upgrades = (): number => node.requests.filter(({ headers }) => headers.upgrade !== undefined).length

  /** The statuses of requests on one connection, each sent when the one before is answered. */
  async function inTurn(to: TestGateway, requests: readonly string[]): Promise<readonly number[]> {
    const caller = open(to, '')
    const statuses = (): readonly number[] =>
      [...caller.text().matchAll(/HTTP\/1\.1 (\d{3})/g)]
        .map(([, status]) => Number(status))
        .filter((status) => status >= 200)
    for (const [position, request] of requests.entries()) {
      caller.socket.write(Buffer.from(request, 'latin1'))
      await until(() => caller.closed() || statuses().length > position)
      // The end of it too.
      await until(() => caller.closed() || /plain(?:\r\n0\r\n\r\n)?$/.test(caller.text()) || request.startsWith('HEAD'))
    }
    return statuses()
  }

  test.each<[who: string, scopes: string[] | undefined, status: number, says: string]>([
    ['nobody', undefined, 401, 'Missing bearer token'],
    ['somebody without the scope of the rule', ['opensearch:read'], 403, 'live:feed'],
    ['somebody with it, who may not use a route that nobody knows', ['live:feed'], 403, 'opensearch:admin'],
  ])('%s: refused in the words of OpenSearch, and the connection closed', async (_who, scopes, status, says) => {
    const caller = open(gateway, head(scopes && (await gateway.token({ scopes }))))
    await until(caller.closed)
    expect(caller.status()).toBe(status)
    expect(caller.text()).toContain(says)
    expect(caller.text()).toContain('"type":"security_exception"')
    expect(caller.text()).toMatch(/\r\nx-request-id: /)
    expect(upgrades()).toBe(0)
  })

  test('on a route that others than administrators may use, an upgrade is theirs all the same', async () => {
    const reader = await gateway.token({ scopes: ['opensearch:read'] })
    const refused = await answerTo(head(reader, HANDSHAKE, 'GET /logs/_search HTTP/1.1'))
    expect(refused.status).toBe(403)
    expect(refused.text).toContain('only opensearch:admin may have one')
    expect((await call(gateway.url, { path: '/logs/_search', token: reader })).status).toBe(200)
    expect((await answerTo(head(token, HANDSHAKE, 'GET /logs/_search HTTP/1.1'))).status).toBe(101)
  })

  test('a path that a rule closes: 403', async () => {
    expect((await answerTo(head(token, HANDSHAKE, 'GET /closed/feed HTTP/1.1'))).status).toBe(403)
    expect(node.requests).toHaveLength(0)
  })

  test('a rule that says nothing of an upgrade: the request goes on without it', async () => {
    const { status, text } = await answerTo(head(token, HANDSHAKE, 'GET /elsewhere HTTP/1.1'))
    expect(status).toBe(200)
    expect(text).toMatch(/plain/)
    expect([node.requests.length, upgrades()]).toEqual([1, 0])
  })

  test('without any rule that names one, the connection goes on as any other', async () => {
    const plain = await start({ guard: {} })
    const bearer = await admin(plain)
    expect(await inTurn(plain, [head(bearer), head(bearer, ['Connection: close'])])).toEqual([200, 200])
    expect([node.requests.length, upgrades()]).toEqual([2, 0])
  })

  test.each([
    {
      what: 'h2c',
      headers: ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA'],
    },
    { what: 'several protocols', headers: ['Connection: Upgrade', 'Upgrade: websocket, h2c'] },
    { what: 'several headers', headers: ['Connection: Upgrade', 'Upgrade: websocket', 'Upgrade: h2c'] },
    { what: 'the same twice', headers: ['Connection: Upgrade', 'Upgrade: websocket', 'Upgrade: websocket'] },
    { what: 'a version', headers: ['Connection: Upgrade', 'Upgrade: websocket/13'] },
    { what: 'TLS', headers: ['Connection: Upgrade', 'Upgrade: TLS/1.0'] },
    { what: 'not named in Connection', headers: ['Upgrade: websocket'] },
    { what: 'named, and not there', headers: ['Connection: Upgrade'] },
    { what: 'HTTP/1.0', headers: HANDSHAKE, line: `GET ${PATH} HTTP/1.0` },
    { what: 'a body by its length', headers: [...HANDSHAKE, 'Content-Length: 5'], body: 'hello' },
    { what: 'a body of none', headers: [...HANDSHAKE, 'Content-Length: 0'] },
    {
      what: 'a body in chunks',
      headers: [...HANDSHAKE, 'Transfer-Encoding: chunked'],
      body: '5\r\nhello\r\n0\r\n\r\n',
    },
    { what: 'POST', headers: [...HANDSHAKE, 'Content-Length: 5'], line: `POST ${PATH} HTTP/1.1`, body: 'hello' },
    { what: 'HEAD', headers: HANDSHAKE, line: `HEAD ${PATH} HTTP/1.1` },
    { what: 'an expectation', headers: [...HANDSHAKE, 'Expect: 100-continue'] },
  ])('no upgrade: $what; one request in, one out', async ({ headers, line, body = '' }) => {
    const bodies: string[] = []
    node.onRequest((request, response) => {
      let text = ''
      request.on('data', (part: Buffer) => (text += part.toString()))
      request.on('end', () => {
        bodies.push(text)
        response.end('plain')
      })
    })
    // A server of HTTP/1.0 closes after its answer, and so does ours where it did not ask for the body.
    const isClosed = line?.endsWith('1.0') === true || headers.includes('Expect: 100-continue')
    const after = isClosed ? [] : [head(token, ['Connection: close'], 'GET /after HTTP/1.1')]
    const statuses = await inTurn(gateway, [`${head(token, headers, line)}${body}`, ...after])
    expect(statuses).toEqual(isClosed ? [200] : [200, 200])
    expect(upgrades()).toBe(0)
    expect(node.requests.map(({ url }) => url)).toEqual(isClosed ? [PATH] : [PATH, '/after'])
    expect(bodies[0]).toBe(body === '' ? '' : 'hello')
  })

  test('behind another request that is under way, it is a request like any other', async () => {
    const waiting: (() => unknown)[] = []
    node.onRequest((_request, response) => void waiting.push(() => response.end('plain')))
    const caller = open(gateway, head(token, [], 'GET /first HTTP/1.1') + head(token))
    await until(() => waiting.length === 2)
    for (const answer of waiting) answer()
    await until(() => caller.text().match(/HTTP\/1\.1 200/g)?.length === 2)
    expect(upgrades()).toBe(0)
  })

  test('on a connection that has served others before it, it is an upgrade', async () => {
    const caller = open(gateway, head(token, [], 'GET /first HTTP/1.1'))
    await until(() => caller.text().includes('plain'))
    await until(() => gateway.logLines.some((line) => line.includes('"/first"')))
    caller.socket.write(head(token))
    await until(() => caller.text().includes(' 101 '))
  })

  test.each([
    'GET /_plugins/_ml/memory_containers/c/memories/working/m HTTP/1.1',
    'GET /_plugins/_ml/memory_containers/c HTTP/1.1',
    'GET /_plugins/_ml/memory_containers/c/memories/working/m/x HTTP/1.1',
    'GET /api/memories/m HTTP/1.1',
    'GET /.well-known/memory-gateway/jwks.json HTTP/1.1',
  ])('routes of memories have none: %s', async (line) => {
    const open_ = await start({
      guard: {
        rules: [
          {
            paths: ['/_plugins/**', '/api/**', '/.well-known/**'],
            scopes: ['opensearch:admin'],
            upgrade: ['websocket'],
          },
        ],
      },
    })
    const every = await open_.token({ scopes: ['opensearch:admin', 'memory:read', 'memory:write', 'memory:delete'] })
    const answer = await answerTo(head(every, HANDSHAKE, line), open_)
    expect(answer.status).not.toBe(101)
    expect(answer.status).toBeGreaterThanOrEqual(200)
    expect(upgrades()).toBe(0)
  })

  test('the ops port has none', async () => {
    const { hostname, port } = new URL(gateway.opsUrl)
    const text = [
      'GET /livez HTTP/1.1',
      `Host: ${hostname}:${port}`,
      ...HANDSHAKE.slice(1),
      'Connection: Upgrade, close',
    ]
    const { statuses } = await sendRaw(gateway.opsUrl, `${text.join('\r\n')}\r\n\r\n`)
    expect(statuses).toEqual([200])
  })

  test('never with the gateway’s own identity', async () => {
    const served = await start(
      {},
      { passThrough: { identity: 'service' }, service: { kind: 'basic', username: 'u', password: 'planted-password' } },
    )
    const { status, text } = await answerTo(head(await admin(served)), served)
    expect(status).toBe(403)
    expect(text).toContain('upgrades no connection')
    expect(node.requests).toHaveLength(0)
  })

  test('a guard that only observes opens none: the request goes on without it', async () => {
    const observing = await start({ guard: { mode: 'observe', rules: RULES, protectedIndices: { mode: 'observe' } } })
    expect((await answerTo(head(await observing.token({ scopes: ['none'] })), observing)).status).toBe(200)
    expect((await answerTo(head(await observing.token({ scopes: ['live:feed'] })), observing)).status).toBe(200)
    expect(upgrades()).toBe(0)
    expect((await answerTo(head(await admin(observing)), observing)).status).toBe(101)
  })

  test('OpenSearch itself upgrades to nothing: its plain answer comes', async () => {
    const real = await startTestGateway({
      guard: { rules: [{ paths: ['/'], scopes: ['opensearch:admin'], upgrade: ['websocket'] }] },
      cluster: { nodes: [plainCluster().url] },
    })
    gateways.push(real)
    const { status, text } = await answerTo(head(await admin(real), HANDSHAKE, 'GET / HTTP/1.1'), real)
    expect(status).toBe(200)
    expect(text).toContain('The OpenSearch Project')
  })
})

describe('over TLS', () => {
  let folder: string
  let gateway: TestGateway
  let ca: Buffer
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'memory-gateway-test-'))
    const certificates = await makeCertificates(folder)
    ca = await readFile(certificates.ca)
    gateway = await start({
      listen: { port: 0, tls: { cert: certificates.node.cert, key: certificates.node.key } },
    })
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('HTTP/1.1 upgrades as without it', async () => {
    node.onUpgrade((socket, request) => {
      acceptUpgrade(socket, request)
      socket.on('data', (part: Buffer) => socket.write(part))
    })
    const socket = connectTls({ host: '127.0.0.1', port: Number(new URL(gateway.url).port), ca })
    sockets.add(socket)
    let text = ''
    socket.on('data', (part: Buffer) => (text += part.toString()))
    await once(socket, 'secureConnect')
    socket.write(head(await admin(gateway)))
    await until(() => text.includes(' 101 '))
    socket.write('there and back')
    await until(() => text.endsWith('there and back'))
    socket.end()
    await once(socket, 'close')
  })

  test('HTTP/2 offers none', async () => {
    const session = connectHttp2(gateway.url, { ca })
    await once(session, 'remoteSettings')
    expect(session.remoteSettings.enableConnectProtocol).toBe(false)
    session.destroy()
  })
})

describe('what bounds an upgraded connection', () => {
  test('a node that says nothing: 504, and none of its connections is left', async () => {
    const gateway = await start({}, { silenceTimeout: '200ms' })
    node.onUpgrade(() => undefined)
    const caller = open(gateway, head(await admin(gateway)))
    await until(caller.closed)
    expect(caller.status()).toBe(504)
    await until(() => node.sockets.size === 0)
  })

  test('a node that takes no connection: 502; another one is asked where there is one', async () => {
    const dead = 'http://127.0.0.1:9'
    const alone = await startTestGateway({ guard: { rules: RULES }, cluster: { nodes: [dead] } })
    const helped = await startTestGateway({ guard: { rules: RULES }, cluster: { nodes: [dead, node.url] } })
    gateways.push(alone, helped)
    const refused = open(alone, head(await admin(alone)))
    await until(refused.closed)
    expect(refused.status()).toBe(502)
    const token = await admin(helped)
    for (let turn = 0; turn < 3; turn++) {
      const caller = open(helped, `${head(token)}early`)
      await until(() => caller.status() === 101)
    }
  })

  test('not the time limits of a request', async () => {
    const gateway = await start({ limits: { headersTimeout: '100ms', requestTimeout: '100ms' } })
    node.onUpgrade((socket, request) => {
      acceptUpgrade(socket, request)
      socket.on('data', (part: Buffer) => socket.write(part))
    })
    const caller = open(gateway, head(await admin(gateway)))
    await until(() => caller.status() === 101)
    // Which hold for one that came after it.
    const slow = open(gateway, 'GET / HTTP/1.1\r\n')
    await until(slow.closed)
    expect(slow.status()).toBe(408)
    caller.socket.write('still there')
    await until(() => caller.text().endsWith('still there'))
  })

  test('silence from both ends', async () => {
    const gateway = await start({}, { silenceTimeout: '200ms' })
    node.onUpgrade((socket, request) => acceptUpgrade(socket, request))
    const caller = open(gateway, head(await admin(gateway)))
    await until(() => caller.status() === 101)
    await until(caller.closed)
    await until(() => node.sockets.size === 0)
  })

  test('the end of its token', async () => {
    const gateway = await start()
    const caller = open(gateway, head(await gateway.token({ scopes: ['opensearch:admin'], ttlMs: 1_000 })))
    await until(() => caller.status() === 101)
    await until(caller.closed)
    await until(() => node.sockets.size === 0)
  })

  test('how many a cluster may have: 503 beyond, until one ends', async () => {
    const gateway = await start({}, { maxConnections: 1 })
    const token = await admin(gateway)
    const first = open(gateway, head(token))
    await until(() => first.status() === 101)
    const second = open(gateway, head(token))
    await until(second.closed)
    expect(second.status()).toBe(503)
    expect(second.text()).toMatch(/\r\nretry-after: 1\r\n/)
    // Other requests have connections of their own.
    expect(await ask(gateway, token, '/x')).toBe(200)
    first.socket.destroy()
    await until(() => node.sockets.size === 0)
    const third = open(gateway, head(token))
    await until(() => third.status() === 101)
  })

  test('the end of the gateway: what ends by itself has its time, and what is left then is closed', async () => {
    const gateway = await startTestGateway({
      guard: { rules: RULES },
      limits: { drain: '300ms' },
      cluster: { nodes: [node.url] },
    })
    node.onUpgrade((socket, request) => {
      acceptUpgrade(socket, request)
      socket.on('data', (part: Buffer) => socket.write(part))
    })
    const token = await admin(gateway)
    const ending = open(gateway, head(token))
    const staying = open(gateway, head(token))
    await until(() => ending.status() === 101 && staying.status() === 101)
    const closed = gateway.close()
    await until(async () => !(await isListening(gateway)))
    ending.socket.write('still there')
    await until(() => ending.text().endsWith('still there'))
    ending.socket.end()
    await closed
    await until(() => staying.closed() && ending.closed() && node.sockets.size === 0)
  })
})

/** Whether it takes connections. */
async function isListening({ url }: TestGateway): Promise<boolean> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const opened = await once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.destroy()
  return opened
}
