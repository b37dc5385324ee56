import { once } from 'node:events'
import { copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { connect as connectHttp2, constants } from 'node:http2'
import type { ClientHttp2Session, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { gunzipSync } from 'node:zlib'

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { makeCertificates } from '../../src/local-cluster/certificates.ts'
import type { Certificates } from '../../src/local-cluster/certificates.ts'
import { call } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { anything, neverAnswer, startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy, SeenRequest } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { frame, getRoot, PREFACE, resetOf } from '../support/http2-frames.ts'
import { testMemories } from '../support/memories.ts'
import { startScriptedUpstream } from '../support/scripted-upstream.ts'
import type { ScriptedUpstream } from '../support/scripted-upstream.ts'
import { until } from '../support/until.ts'

const memories = testMemories(plainCluster().url)
const index = `${memories.prefix}-h2`
let folder: string
let certificates: Certificates
let ca: Buffer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'memory-gateway-test-'))
  certificates = await makeCertificates(folder)
  ca = await readFile(certificates.ca)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

interface Http2Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly trailers: IncomingHttpHeaders
  readonly bytes: Buffer
  readonly informational: readonly number[]
}

/** One request on a stream of its own. Rejects where the stream is reset. */
async function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: string | Uint8Array,
): Promise<Http2Reply> {
  const stream = session.request(headers, { endStream: body === undefined })
  const parts: Buffer[] = []
  const informational: number[] = []
  let trailers: IncomingHttpHeaders = {}
  stream.on('headers', ({ ':status': status }) => informational.push(Number(status)))
  stream.on('trailers', (received: IncomingHttpHeaders) => (trailers = received))
  stream.on('data', (part: Buffer) => parts.push(part))
  if (body !== undefined) stream.end(body)
  const ended = once(stream, 'end')
  ended.catch(() => undefined)
  const [received] = (await once(stream, 'response')) as [IncomingHttpHeaders & { ':status': number }]
  await ended
  return { status: received[':status'], headers: received, trailers, bytes: Buffer.concat(parts), informational }
}

describe.each(['undici', 'http-proxy-middleware'] as const)('HTTP/2 with the engine %s', (engine) => {
  let proxy: FaultProxy
  let scripted: ScriptedUpstream
  let gateway: TestGateway
  let scriptedGateway: TestGateway
  let authorization: string
  let scriptedAuthorization: string
  const sessions: ClientHttp2Session[] = []

  beforeAll(async () => {
    proxy = await startFaultProxy(plainCluster().url)
    scripted = await startScriptedUpstream()
    const { cert, key } = certificates.node
    const listen = { port: 0, tls: { cert, key } }
    const memory = { containerIndex: memories.containerIndex }
    gateway = await startTestGateway({ listen, memory, cluster: { nodes: [proxy.url], passThrough: { engine } } })
    scriptedGateway = await startTestGateway({
      listen,
      limits: { bodyBytes: 1_000 },
      cluster: { nodes: [scripted.url], passThrough: { engine } },
    })
    authorization = `Bearer ${await gateway.token({ scopes: ['opensearch:admin', 'memory:delete'] })}`
    scriptedAuthorization = `Bearer ${await scriptedGateway.token({ scopes: ['opensearch:admin'] })}`
    await memories.putContainer('c', { owner: { name: 'alice' } })
    await memories.putMemory('working', engine, { memory_container_id: 'c', owner_id: 'alice' })
    proxy.reset()
  })
  afterEach(() => {
    for (const session of sessions.splice(0)) session.destroy()
    proxy.reset()
    scripted.reset()
  })
  afterAll(async () => {
    await gateway.close()
    await scriptedGateway.close()
    await proxy.close()
    await scripted.close()
    await memories.ask('DELETE', `/${index}-${engine}`)
    await memories.removeAll()
  })

  function open(to: TestGateway): ClientHttp2Session {
    const session = connectHttp2(to.url, { ca })
    session.on('error', () => undefined)
    sessions.push(session)
    return session
  }

  test('a document goes there and back, the path as it was written, HTTP/1.1 to the node', async () => {
    const session = open(gateway)
    const path = `/${index}-${engine}/_doc/a%2Fb?routing=r%2B`
    const json = { 'content-type': 'application/json', authorization }
    const body = '{ "a" : 1.0, "b":9007199254740993 }'
    const put = await ask(session, { ':method': 'PUT', ':path': path, ...json }, body)
    expect(put.status).toBe(201)
    expect(Object.keys(put.headers).filter((name) => name !== name.toLowerCase())).toEqual([])
    for (const name of ['connection', 'transfer-encoding', 'keep-alive']) expect(put.headers[name]).toBeUndefined()
    expect(proxy.requests[0]).toMatchObject({ method: 'PUT', target: path, body })
    expect(proxy.requests[0]?.headers).toMatchObject({
      host: new URL(proxy.url).host,
      via: '2.0 memory-gateway',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': new URL(gateway.url).host,
    })
    expect(proxy.requests[0]?.rawHeaders.filter((name) => name.startsWith(':'))).toEqual([])

    const get = await ask(session, { ':path': path, authorization, 'accept-encoding': 'gzip' })
    const direct = await call(plainCluster().url, { path, headers: { 'accept-encoding': 'gzip' } })
    expect(get.bytes.equals(direct.bytes)).toBe(true)
    const text = get.headers['content-encoding'] === 'gzip' ? gunzipSync(get.bytes).toString() : get.bytes.toString()
    expect(text).toContain(body)
    expect((await ask(session, { ':method': 'HEAD', ':path': path, authorization })).status).toBe(200)
    const missing = await ask(session, { ':path': `/${index}-none/_search`, authorization })
    expect(missing.status).toBe(404)
  })

  test('the memory routes work over it, and their refusals', async () => {
    const session = open(gateway)
    const path = `/_plugins/_ml/memory_containers/c/memories/working/${engine}`
    const refused = await ask(session, { ':method': 'DELETE', ':path': path })
    expect(refused.status).toBe(401)
    expect(refused.headers['www-authenticate']).toBe('Bearer realm="opensearch-memory-gateway"')
    const deleted = await ask(session, { ':method': 'DELETE', ':path': path, authorization })
    expect({ status: deleted.status, body: JSON.parse(deleted.bytes.toString()) as unknown }).toMatchObject({
      status: 200,
      body: { result: 'deleted' },
    })
  })

  test('HTTP/1.1 over the same port, and nothing below TLS 1.2', async () => {
    const { status, headers } = await call(gateway.url, { path: '/', headers: { authorization }, tls: { ca } })
    expect({ status, connection: headers.connection }).toEqual({ status: 200, connection: 'close' })
    expect(proxy.requests[0]?.headers).toMatchObject({ via: '1.1 memory-gateway', 'x-forwarded-proto': 'https' })
    const { hostname, port } = new URL(gateway.url)
    for (const [version, protocol] of [
      ['TLSv1.2', 'TLSv1.2'],
      ['TLSv1.1', undefined],
    ] as const) {
      const socket = connectTls({ host: hostname, port: Number(port), ca, maxVersion: version, minVersion: 'TLSv1' })
      const outcome = await Promise.race([
        once(socket, 'secureConnect').then(
          () => socket.getProtocol() ?? undefined,
          () => undefined,
        ),
        once(socket, 'error').then(() => undefined),
      ])
      expect(outcome).toBe(protocol)
      socket.destroy()
    }
  })

  test('what only HTTP/2 could say is refused, and the node hears nothing of it', async () => {
    const session = open(gateway)
    const odd: readonly OutgoingHttpHeaders[] = [
      { ':method': 'REMOVE', ':path': '/' },
      { ':method': 'get', ':path': '/' },
      { ':path': '/', ':authority': 'gateway.test', host: 'elsewhere.test' },
      { ':path': '/a b' },
      { ':path': '//elsewhere.test/api/memories/m' },
      { ':path': '/_all\\x' },
      { ':path': '/é' },
    ]
    for (const headers of odd) {
      const stream = session.request({ ...headers, authorization })
      // What breaks the rules of HTTP/2 itself is reset by Node.
      const [answer] = (await once(stream, 'response').catch(() => [{ ':status': 400 }])) as [IncomingHttpHeaders]
      expect({ headers, status: answer[':status'] }).toEqual({ headers, status: 400 })
      stream.destroy()
    }
    const { hostname, port } = new URL(gateway.url)
    const connect = session.request({ ':method': 'CONNECT', ':authority': `${hostname}:${port}` })
    const [refused] = (await once(connect, 'response')) as [IncomingHttpHeaders]
    expect(refused[':status']).toBe(405)
    connect.destroy()
    expect(proxy.requests).toEqual([])
  })

  test('cookies are one header again, in order, and other headers stay as many as they were', async () => {
    const session = open(scriptedGateway)
    scripted.answer('HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX-One: 1\r\nset-cookie: b=2\r\ncontent-length: 0\r\n\r\n')
    const { headers } = await ask(session, {
      ':path': '/',
      authorization: scriptedAuthorization,
      cookie: ['a=b', 'c=d'],
      'x-many': ['1', '2'],
    })
    expect(headers).toMatchObject({ 'set-cookie': ['a=1', 'b=2'], 'x-one': '1' })
    expect(scripted.heads[0]).toMatch(/^cookie: a=b; c=d\r$/m)
    expect(scripted.heads[0]?.match(/^x-many: \d\r$/gm)).toEqual(['x-many: 1\r', 'x-many: 2\r'])
  })

  test('trailers of the node arrive', async () => {
    scripted.answer(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n',
    )
    const reply = await ask(open(scriptedGateway), { ':path': '/', authorization: scriptedAuthorization })
    expect({ text: reply.bytes.toString(), sum: reply.trailers['x-sum'] }).toEqual({ text: 'hi', sum: '7' })
  })

  test('trailers of a request go on, without those that say who is calling', async () => {
    scripted.answer('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
    const headers = { ':method': 'PUT', ':path': '/x', authorization: scriptedAuthorization }
    const stream = open(scriptedGateway).request(
      { ...headers, trailer: 'x-sum, x-proxy-user' },
      { waitForTrailers: true },
    )
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '7', 'x-proxy-user': 'admin', 'x-other': '1' }))
    stream.end('hi')
    const [answer] = (await once(stream, 'response')) as [IncomingHttpHeaders]
    expect(answer[':status']).toBe(200)
    expect(scripted.trailers).toEqual(['x-sum: 7\r\n'])
    expect(scripted.heads[0]).toMatch(/^trailer: x-sum\r$/im)
    stream.destroy()
  })

  test('half an answer is an error, and not an answer', async () => {
    scripted.answer('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf', { thenClose: true })
    const stream = open(scriptedGateway).request({ ':path': '/', authorization: scriptedAuthorization })
    stream.resume()
    await expect(once(stream, 'end')).rejects.toThrow(/NGHTTP2_INTERNAL_ERROR/)
  })

  test('a body beyond the limit is 413, told by its length or counted', async () => {
    const session = open(scriptedGateway)
    const headers = { ':method': 'POST', ':path': '/', authorization: scriptedAuthorization }
    expect((await ask(session, { ...headers, 'content-length': 2_000 }, Buffer.alloc(2_000))).status).toBe(413)
    expect(scripted.heads).toEqual([])
    expect((await ask(session, headers, Buffer.alloc(2_000))).status).toBe(413)
    // Nothing of it was whole.
    expect(scripted.whole()).toBe(0)
  })

  test('Expect: 100-continue is answered when the body is wanted, and not when the caller is refused', async () => {
    const headers = { ':method': 'PUT', ':path': '/', expect: '100-continue' }
    const session = open(scriptedGateway)
    scripted.answer('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
    const wanted = await ask(session, { ...headers, authorization: scriptedAuthorization }, 'x')
    expect({ status: wanted.status, informational: wanted.informational }).toEqual({
      status: 200,
      informational: [100],
    })
    const refused = await ask(session, headers, 'x')
    expect({ status: refused.status, informational: refused.informational }).toEqual({ status: 401, informational: [] })
  })

  test('a stream that is reset frees the request at the node', async () => {
    proxy.on(anything, neverAnswer)
    const stream = open(gateway).request({ ':path': '/_search', authorization })
    stream.on('error', () => undefined)
    const asked = (): SeenRequest | undefined => proxy.requests.find(({ target }) => target === '/_search')
    await until(() => asked() !== undefined)
    stream.close(constants.NGHTTP2_CANCEL)
    await asked()?.callerGone
  })

  test('a connection that breaks in the middle of an upload: a part is not taken for the whole', async () => {
    const { hostname, port } = new URL(scriptedGateway.url)
    const socket = connectTls({ host: hostname, port: Number(port), ca, ALPNProtocols: ['h2'] })
    const session = connectHttp2(scriptedGateway.url, { createConnection: () => socket })
    session.on('error', () => undefined)
    const headers = { ':method': 'PUT', ':path': '/x', authorization: scriptedAuthorization }
    const stream = session.request(headers, { endStream: false })
    stream.on('error', () => undefined)
    stream.write('{"a":1}')
    await until(() => scripted.heads.length > 0)
    socket.destroy()
    await until(() => scripted.openRequests() === 0)
    expect(scripted.whole()).toBe(0)
  })

  const many = (count: number): number[] => Array.from({ length: count }, (_, at) => 2 * at + 1)
  test.each([
    ['resets (CVE-2023-44487)', many(3_000).flatMap((stream) => [getRoot(stream), resetOf(stream)])],
    ['pings', many(20_000).map(() => frame('ping', 0, 0, Buffer.alloc(8)))],
    ['settings', many(20_000).map(() => frame('settings', 0, 0))],
    [
      'continuations (CVE-2024-27983)',
      [frame('headers', 1, 1), ...many(20_000).map(() => frame('continuation', 0, 1))],
    ],
  ])('a flood of %s ends the connection, and others are served', async (_, frames) => {
    const { hostname, port } = new URL(gateway.url)
    const socket = connectTls({ host: hostname, port: Number(port), ca, ALPNProtocols: ['h2'] })
    socket.on('error', () => undefined).resume()
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.write(Buffer.concat([PREFACE, ...frames]))
    await closed
    expect((await ask(open(gateway), { ':path': '/', authorization })).status).toBe(200)
  })

  test('headers beyond the limit are refused', async () => {
    const session = open(gateway)
    const stream = session.request({ ':path': '/', authorization, 'x-large': 'y'.repeat(20_000) })
    const [answer] = (await once(stream, 'response')) as [IncomingHttpHeaders]
    expect(answer[':status']).toBe(431)
    expect(proxy.requests).toEqual([])
  })
})

test('a renewed certificate is used without a restart; one that does not fit is not', async () => {
  const renewed = await makeCertificates(join(folder, 'renewed'))
  const [cert, key] = [join(folder, 'used.pem'), join(folder, 'used-key.pem')]
  await copyFile(certificates.node.cert, cert)
  await copyFile(certificates.node.key, key)
  const gateway = await startTestGateway({
    listen: { port: 0, tls: { cert, key, reread: '20ms' } },
    cluster: { nodes: [plainCluster().url] },
  })
  const authorityOf = async (): Promise<string> => {
    const { hostname, port } = new URL(gateway.url)
    const socket = connectTls({ host: hostname, port: Number(port), rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const { fingerprint256 } = socket.getPeerCertificate()
    socket.destroy()
    return fingerprint256
  }
  const logged = (text: string): Promise<void> => until(() => gateway.logLines.some((line) => line.includes(text)))
  try {
    const before = await authorityOf()
    await copyFile(renewed.node.cert, `${cert}.new`)
    await rename(`${cert}.new`, cert)
    await logged('cannot be used')
    expect(await authorityOf()).toBe(before)
    await copyFile(renewed.node.key, key)
    await logged('was renewed')
    expect(await authorityOf()).not.toBe(before)
    await writeFile(key, '')
    await until(() => gateway.logLines.filter((line) => line.includes('cannot be used')).length > 1)
    expect(await authorityOf()).not.toBe(before)
    await writeFile(cert, 'nonsense')
    await rm(key)
    expect(await authorityOf()).not.toBe(before)
  } finally {
    await gateway.close()
  }
})

test('a pair that cannot be used is a problem of the configuration', async () => {
  const { node, admin } = certificates
  const cluster = { nodes: [plainCluster().url] }
  for (const tls of [
    { cert: node.cert, key: admin.key },
    { cert: join(folder, 'none.pem'), key: node.key },
  ]) {
    await expect(startTestGateway({ listen: { port: 0, tls }, cluster })).rejects.toThrow(/listen\.tls: cannot be used/)
  }
})
