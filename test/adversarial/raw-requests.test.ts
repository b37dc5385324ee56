import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { call } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { DIALECTS, errorBody, pathOf } from '../support/dialects.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'
import { rawRequest, sendRaw } from '../support/raw-http.ts'

const memories = testMemories(plainCluster().url)
const KIB = 1_024
let proxy: FaultProxy
let gateway: TestGateway
let token: string
let authorization: string

beforeAll(async () => {
  await memories.putContainer('c', { owner: { name: 'alice' } })
  await memories.putMemory('working', 'm', { memory_container_id: 'c', owner_id: 'alice' })
  proxy = await startFaultProxy(plainCluster().url)
  gateway = await startTestGateway({
    cluster: { nodes: [proxy.url] },
    memory: { containerIndex: memories.containerIndex },
    legacy: { container: 'c', types: ['working'] },
  })
  token = await gateway.token()
  authorization = `Authorization: Bearer ${token}`
  proxy.reset()
})
afterEach(async () => {
  // Whatever was sent: the process lives, the memory is there, and no token stands in a log line.
  expect((await call(gateway.opsUrl, { path: '/livez' })).status).toBe(200)
  expect(await memories.hasMemory('working', 'm')).toBe(true)
  const signature = token.slice(token.lastIndexOf('.'))
  expect(gateway.logLines.filter((line) => line.includes(signature))).toEqual([])
  proxy.reset()
})
afterAll(async () => {
  await gateway.close()
  await proxy.close()
  await memories.removeAll()
})

const DELETE = pathOf('opensearch', 'c', 'working', 'm')
const LEGACY = pathOf('memoryPlugin', 'c', 'working', 'm')

interface Row {
  readonly what: string
  readonly line: string
  readonly status: number
  readonly headers?: readonly string[]
}

const REFUSED_BY_THE_PARSER: readonly Row[] = [
  { what: 'a control byte in the target', line: `DELETE ${DELETE}\x01`, status: 400 },
  { what: 'a NUL in the target', line: `DELETE ${DELETE}\0`, status: 400 },
  { what: 'DEL in the target', line: `DELETE ${DELETE}\x7f`, status: 400 },
  { what: 'a tab in the target', line: `DELETE ${DELETE}\tx`, status: 400 },
  { what: 'a space in the target', line: `DELETE ${DELETE} x`, status: 400 },
  { what: 'a target without a slash', line: `DELETE ${LEGACY.slice(1)}`, status: 400 },
  { what: 'a method in lower case', line: `delete ${DELETE}`, status: 400 },
  { what: 'a method that there is not', line: `REMOVE ${DELETE}`, status: 400 },
  { what: 'no method', line: DELETE, status: 400 },
  { what: 'a space before the method', line: ` DELETE ${DELETE}`, status: 400 },
  { what: 'HTTP/2', line: 'PRI * HTTP/2.0\r\n\r\nSM', status: 400 },
  { what: 'HTTP/1.2', line: `DELETE ${DELETE} HTTP/1.2\r\nX: y`, status: 400 },
  { what: 'HTTP/0.9', line: `GET ${DELETE}\r\nX: y`, status: 400 },
  { what: 'another scheme', line: `DELETE http:${DELETE}`, status: 400 },
  { what: 'bytes beyond ASCII', line: `DELETE ${DELETE}\u00e9`, status: 400 },
  { what: 'a header of 100 KiB', line: `DELETE ${DELETE}`, headers: [`X: ${'y'.repeat(100 * KIB)}`], status: 431 },
  { what: 'headers of 100 KiB together', line: `DELETE ${DELETE}`, headers: Array<string>(10 * KIB).fill('X: 567890'), status: 431 },
  { what: 'a target of 20 KiB', line: `DELETE ${DELETE}${'x'.repeat(20 * KIB)}`, status: 431 },
  { what: 'a query of 100,000 parameters', line: `DELETE ${DELETE}?${'a&'.repeat(100_000)}`, status: 431 },
] // prettier-ignore

test.each(REFUSED_BY_THE_PARSER)(
  '$what: $status, and the connection is closed',
  async ({ line, headers = [], status }) => {
    const { statuses, text } = await sendRaw(gateway.url, rawRequest(line, [authorization, ...headers]))
    expect(statuses).toEqual([status])
    expect(text).toMatch(/connection: close/i)
    expect(proxy.requests).toEqual([])
  },
)

const REFUSED_BY_US: readonly (Row & { readonly reason: string })[] = [
  { what: 'absolute-form', line: `DELETE http://elsewhere.test${DELETE}`, status: 400, reason: 'must start with a slash' },
  { what: 'absolute-form of ourselves', line: `DELETE http://127.0.0.1${LEGACY}`, status: 400, reason: 'must start with a slash' },
  { what: 'asterisk-form', line: 'OPTIONS *', status: 400, reason: 'must start with a slash' },
  { what: 'two slashes before a host', line: `DELETE //elsewhere.test${DELETE}`, status: 400, reason: 'spells a fixed part of this path in an unusual way; write it plainly' },
  { what: 'a backslash', line: `DELETE ${DELETE.replace('/memories', '\\memories')}`, status: 400, reason: 'must not hold a backslash; percent-encode it' },
  { what: 'an encoded byte that is no UTF-8', line: `DELETE ${DELETE}%ff`, status: 400, reason: 'holds a percent sign that is not followed by valid UTF-8 in hexadecimal' },
  { what: 'a percent sign alone', line: `DELETE ${DELETE}%`, status: 400, reason: 'holds a percent sign that is not followed by valid UTF-8 in hexadecimal' },
  { what: 'an overlong encoding', line: `DELETE ${DELETE}%c0%af`, status: 400, reason: 'holds a percent sign that is not followed by valid UTF-8 in hexadecimal' },
] // prettier-ignore

test.each(REFUSED_BY_US)('$what: $status with a reason', async ({ line, status, reason }) => {
  const { statuses, bodies } = await sendRaw(gateway.url, rawRequest(line, [authorization]))
  expect(statuses).toEqual([status])
  const words = { type: 'illegal_argument_exception', reason: `The request target ${reason}` }
  expect(JSON.parse(bodies[0] ?? '')).toEqual(errorBody('opensearch', 400, words))
  expect(proxy.requests).toEqual([])
})

describe.each(DIALECTS)('in the dialect %s', (dialect) => {
  const path = pathOf(dialect, 'c', 'working', 'm')

  test.each([
    ['twice the same', (own: string) => [own, own]],
    ['another one after it', (own: string) => [own, 'Authorization: Bearer a.b.c']],
    ['another one before it', (own: string) => ['authorization: Basic YTpi', own]],
    ['an empty one', (own: string) => [own, 'Authorization:']],
  ])('two Authorization headers (%s) are 400', async (_, headers) => {
    const { statuses, bodies, text } = await sendRaw(gateway.url, rawRequest(`DELETE ${path}`, headers(authorization)))
    expect(statuses).toEqual([400])
    const words = { type: 'illegal_argument_exception', reason: 'Send exactly one Authorization header' }
    expect(JSON.parse(bodies[0] ?? '')).toEqual(errorBody(dialect, 400, words))
    expect(text).toContain('error="invalid_request"')
    expect(proxy.requests).toEqual([])
  })

  test.each([
    ['?access_token=', (secret: string) => ({ line: `DELETE ${path}?access_token=${secret}` })],
    ['?jwt=', (secret: string) => ({ line: `DELETE ${path}?jwt=${secret}` })],
    ['?authorization=', (secret: string) => ({ line: `DELETE ${path}?authorization=Bearer%20${secret}` })],
    ['a cookie', (secret: string) => ({ line: `DELETE ${path}`, headers: [`Cookie: access_token=${secret}`] })],
    ['X-Access-Token', (secret: string) => ({ line: `DELETE ${path}`, headers: [`X-Access-Token: ${secret}`] })],
    [
      'Proxy-Authorization',
      (secret: string) => ({ line: `DELETE ${path}`, headers: [`Proxy-Authorization: Bearer ${secret}`] }),
    ],
    [
      'a form (RFC 6750 section 2.2)',
      (secret: string) => ({
        line: `DELETE ${path}`,
        headers: ['Content-Type: application/x-www-form-urlencoded', `Content-Length: ${String(secret.length + 13)}`],
        body: `access_token=${secret}`,
      }),
    ],
  ])('a token in %s is no token, and is not logged', async (_, request) => {
    const { line, headers, body } = { headers: [], body: '', ...request(token) }
    const { statuses, bodies, text } = await sendRaw(gateway.url, rawRequest(line, headers, body))
    expect(statuses).toEqual([401])
    const reason = 'Missing bearer token; send the header "Authorization: Bearer <token>"'
    expect(JSON.parse(bodies[0] ?? '')).toEqual(
      errorBody(dialect, 401, { type: 'security_exception', reason, legacy: 'Unauthorized' }),
    )
    expect(text).toMatch(/www-authenticate: Bearer realm="opensearch-memory-gateway"\r\n/i)
    expect(proxy.requests).toEqual([])
  })

  test('what comes behind a request on its connection changes nothing of its answer', async () => {
    await memories.putMemory('working', 'piped', { memory_container_id: 'c', owner_id: 'alice' })
    // Two memories: what is sent without waiting for answers is worked on at the same time, so either of two alike could come first.
    const [there, absent] = ['piped', 'never-was'].map((id) =>
      rawRequest(`DELETE ${pathOf(dialect, 'c', 'working', id)}`, [authorization, 'Connection: keep-alive']),
    )
    const { statuses, bodies } = await sendRaw(gateway.url, `${there}${absent}\u0001garbage\r\n\r\n`)
    expect(statuses).toEqual([200, 404, 400])
    expect(bodies[2]).toBe('{"error":"The request is not valid HTTP"}')
  })

  test.each(['X-HTTP-Method-Override: DELETE', 'X-HTTP-Method: DELETE', 'X-Method-Override: DELETE'])(
    'a GET or POST with %s is none',
    async (override) => {
      const legacy = await sendRaw(
        gateway.url,
        rawRequest(`POST ${path}`, [authorization, override, 'Content-Length: 0']),
      )
      expect(legacy.statuses).toEqual([405])
      const get = await sendRaw(gateway.url, rawRequest(`GET ${path}?_method=DELETE`, [authorization, override]))
      expect([403, 405]).toContain(get.statuses[0])
      expect(proxy.requests).toEqual([])
    },
  )
})

test.each([
  ['nothing at all', ''],
  ['an empty line', '\r\n\r\n'],
  ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ['CONNECT', 'CONNECT elsewhere.test:443 HTTP/1.1\r\nHost: elsewhere.test:443\r\n\r\n'],
  ['no Host', `DELETE ${DELETE} HTTP/1.1\r\nConnection: close\r\n\r\n`],
  ['an upgrade to WebSocket', rawRequest(`GET ${DELETE}`, ['Connection: close, Upgrade', 'Upgrade: websocket'])],
  ['an unknown expectation', rawRequest(`DELETE ${DELETE}`, ['Expect: 200-maybe'])],
])('%s: an answer or a clean close, and no rights', async (_, payload) => {
  // Where nothing is asked, the close is ours.
  const { statuses } = await sendRaw(gateway.url, payload.trim() === '' ? `${payload}GET / HTTP/9\r\n\r\n` : payload)
  for (const status of statuses) expect([400, 401, 405, 417]).toContain(status)
  expect(proxy.requests).toEqual([])
})

test('1,000 requests of chance: always an answer or a close, never a 200 and never a 500', async () => {
  const parts = [
    ...[
      'DELETE ',
      'GET ',
      'POST ',
      ' HTTP/1.1',
      '\r\n',
      '\n',
      '\r',
      '\0',
      ' ',
      '/',
      '%2f',
      '%',
      '..',
      '?',
      '#',
      ';',
      ':',
    ],
    ...[DELETE, LEGACY, 'Host: x', 'Authorization: Bearer a.b.c', 'Content-Length: 3', 'Transfer-Encoding: chunked'],
    ...['0\r\n\r\n', 'Connection: close', 'Expect: 100-continue', '\u00ff', '{"a":1}', '3\r\nabc\r\n'],
  ]
  const piece = fc.oneof(fc.constantFrom(...parts), fc.string({ maxLength: 8, unit: 'binary' }))
  const payload = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(''))
  const end = '\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n\u0001\r\n\r\n'
  await fc.assert(
    fc.asyncProperty(fc.array(payload, { minLength: 10, maxLength: 10 }), async (payloads) => {
      const replies = await Promise.all(payloads.map((one) => sendRaw(gateway.url, one + end)))
      for (const { statuses, text } of replies) {
        for (const status of statuses) expect(status < 500 && status !== 200).toBe(true)
        expect(text).not.toMatch(/node_modules|\.ts:\d|at \w+ \(/)
      }
    }),
    { numRuns: 100 },
  )
  expect(proxy.requests.filter(({ target }) => target !== '/')).toEqual([])
})
