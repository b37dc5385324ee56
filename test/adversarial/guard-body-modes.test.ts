import { randomBytes } from 'node:crypto'
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib'

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import type { GatewayOverrides, TestGateway } from '../support/gateway.ts'
import { startTestGateway } from '../support/gateway.ts'
import { startLenientUpstream } from '../support/lenient-upstream.ts'
import type { LenientUpstream } from '../support/lenient-upstream.ts'
import { sendRaw } from '../support/raw-http.ts'
import { startScriptedUpstream } from '../support/scripted-upstream.ts'
import type { ScriptedUpstream } from '../support/scripted-upstream.ts'
import { JSON_HEADER, NDJSON_HEADER, wireOf } from '../vectors/guard-spelling.ts'
import { snappy } from '../vectors/snappy.ts'

const open = 'gm-open'
const closed = 'gm-closed'
const memories = 'gm-memory-working'
const BOTH = ['opensearch:read', 'opensearch:write']
const RULES: NonNullable<GatewayOverrides['guard']>['rules'] = [
  { indices: [closed], scopes: [] },
  { classes: ['read'], scopes: ['opensearch:read'] },
  { classes: ['write'], scopes: ['opensearch:write'] },
]

interface Sent {
  readonly method?: string
  readonly target: string
  readonly type?: string
  readonly body: string | Uint8Array
  readonly headers?: readonly string[]
}

/** One body of each kind whose last part names this index. */
const bodiesNaming = (index: string): readonly Sent[] => [
  {
    target: '/_bulk',
    type: NDJSON_HEADER,
    body: `{"index":{"_index":"${open}"}}\n{"x":1}\n{"delete":{"_index":"${index}","_id":"1"}}\n`,
  },
  { target: '/_msearch', type: NDJSON_HEADER, body: `{"index":"${open}"}\n{}\n{"index":["${open}","${index}"]}\n{}\n` },
  { target: '/_mget', body: `{"docs":[{"_index":"${open}","_id":"1"},{"_index":"${index}","_id":"1"}]}` },
  {
    target: `/${open}/_search`,
    body: `{"query":{"terms":{"user":{"index":"${index}","id":"1","path":"user"}}}}`,
  },
]

let upstream: LenientUpstream
const gateways: TestGateway[] = []

beforeAll(async () => {
  upstream = await startLenientUpstream([open, closed, memories])
})
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.close()
  upstream.reset()
})
afterAll(() => upstream.close())

async function start(overrides: Omit<GatewayOverrides, 'cluster'>, nodes = [upstream.url]): Promise<TestGateway> {
  const gateway = await startTestGateway({ cluster: { nodes }, ...overrides })
  gateways.push(gateway)
  return gateway
}

async function send(
  gateway: TestGateway,
  { method = 'POST', target, type = JSON_HEADER, body, headers = [] }: Sent,
  scopes = BOTH,
) {
  const authorization = `Authorization: Bearer ${await gateway.token({ scopes })}`
  const reply = await sendRaw(
    gateway.url,
    wireOf({ row: '', method, target, headers: [type, ...headers], body }, [authorization]),
  )
  const seen = upstream.requests
    .filter(({ isWhole, head }) => isWhole && /^via: /im.test(head))
    .map((request) => Buffer.from(request.body, 'latin1'))
  upstream.reset()
  return { status: reply.statuses.at(-1), text: reply.text, seen }
}

describe('guard.mode: observe, and a body with a line that the rules close', () => {
  test.each(bodiesNaming(closed))('$target: goes through untouched, is counted and logged', async (sent) => {
    const gateway = await start({ guard: { mode: 'observe', rules: RULES } })
    const { status, seen } = await send(gateway, sent)
    expect({ status, seen }).toEqual({ status: 200, seen: [Buffer.from(sent.body)] })
    const told = gateway.logLines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg }) => msg === 'the guard would refuse this')
    expect(told).toHaveLength(1)
    expect(told[0]).toMatchObject({ method: 'POST', rule: 0, cause: 'closedByRule' })
    const { text } = await call(gateway.opsUrl, { path: '/metrics' })
    expect(text).toMatch(/_guard_decisions_total\{outcome="observed",cause="closedByRule",class="(?:read|write)"\} 1/)
  })

  test.each(bodiesNaming(closed))('$target: is refused where the rules are enforced', async (sent) => {
    const { status, seen } = await send(await start({ guard: { rules: RULES } }), sent)
    expect({ status, seen }).toEqual({ status: 403, seen: [] })
  })
})

describe('a body with a line that names memories', () => {
  test.each(bodiesNaming(memories))('$target: stays refused while only the rules are observed', async (sent) => {
    const { status, seen } = await send(await start({ guard: { mode: 'observe' } }), sent)
    expect({ status, seen }).toEqual({ status: 403, seen: [] })
  })

  test.each(bodiesNaming(memories))(
    '$target: goes through and is told of where these are observed too',
    async (sent) => {
      const gateway = await start({ guard: { mode: 'observe', protectedIndices: { mode: 'observe' } } })
      const { status, seen } = await send(gateway, sent)
      expect({ status, seen }).toEqual({ status: 200, seen: [Buffer.from(sent.body)] })
      expect(gateway.logLines.filter((line) => line.includes('"cause":"protectedIndex"'))).toHaveLength(1)
    },
  )

  test('what cannot be read goes through there as well, and is told of', async () => {
    const gateway = await start({ guard: { mode: 'observe', protectedIndices: { mode: 'observe' } } })
    const sent = { target: '/_bulk', body: `{"index":{"_index":"${open}"}}\n{}\nnot JSON\n` }
    const { status, seen } = await send(gateway, sent)
    expect({ status, seen }).toEqual({ status: 200, seen: [Buffer.from(sent.body)] })
    expect(gateway.logLines.filter((line) => line.includes('"cause":"unclear"'))).toHaveLength(1)
  })
})

describe('guard.bodies', () => {
  const search = (bytes: number): string => JSON.stringify({ size: 1, x: 'x'.repeat(bytes - 18) })
  const mget = (bytes: number): string => JSON.stringify({ ids: ['x'.repeat(bytes - 12)] })
  const action = (bytes: number): string =>
    `${JSON.stringify({ delete: { _index: open, _id: '' } })}${' '.repeat(bytes - 40)}\n`
  const rows: readonly (readonly [says: string, make: (bytes: number) => Sent, limit: number])[] = [
    ['a search', (bytes) => ({ target: `/${open}/_search`, body: search(bytes) }), 5_000],
    ['a search of several', (bytes) => ({ target: `/${open}/_msearch`, body: `{}\n${search(bytes)}\n` }), 5_000],
    ['a _mget', (bytes) => ({ target: `/${open}/_mget`, body: mget(bytes) }), 5_000],
    ['a line of metadata', (bytes) => ({ target: '/_bulk', body: action(bytes) }), 2_000],
    [
      'a compressed bulk',
      (bytes) => ({ target: '/_bulk', headers: ['Content-Encoding: gzip'], body: gzipSync(`{"index":{"_index":"${open}"}}\n${'x'.repeat(bytes)}\n`) }),
      20_000,
    ],
    [
      'one of zstd',
      (bytes) => ({ target: '/_bulk', headers: ['Content-Encoding: zstd'], body: zstdCompressSync(`{"index":{"_index":"${open}"}}\n${'x'.repeat(bytes)}\n`) }),
      20_000,
    ],
  ] // prettier-ignore

  test.each(rows)('bounds %s, and only for those whose bodies are read', async (_says, make, limit) => {
    const gateway = await start({ guard: { bodies: { searchBytes: 5_000, lineBytes: 2_000, inflatedBytes: 20_000 } } })
    expect((await send(gateway, make(limit - 200))).status).toBe(200)
    const { status, seen } = await send(gateway, make(limit + 200))
    expect({ status, seen }).toEqual({ status: 413, seen: [] })
    expect((await send(gateway, make(limit + 200), ['opensearch:admin'])).status).toBe(200)
  })

  test('lets longer ones through than it does by default', async () => {
    const gateway = await start({ guard: { bodies: { searchBytes: 4_194_304, lineBytes: 200_000 } } })
    const far = `{"x":"${'x'.repeat(3_000_000)}","terms":{"user":{"index":"${memories}","id":"1","path":"user"}}}`
    expect((await send(gateway, { target: `/${open}/_search`, body: search(3_000_000) })).status).toBe(200)
    expect((await send(gateway, { target: `/${open}/_search`, body: far })).status).toBe(403)
    expect((await send(gateway, { target: '/_bulk', body: action(150_000) })).status).toBe(200)
  })
})

const text = `{"index":{"_index":"${open}","_id":"1"}}\n{"text":"${randomBytes(3_000).toString('hex')}"}\n`
const forbidden = text.replace(open, memories)
const ENCODINGS: readonly (readonly [encoding: string, encode: (text: string) => Buffer])[] = [
  ['zstd', (plain) => zstdCompressSync(plain)],
  ['br', (plain) => brotliCompressSync(plain)],
  ['snappy', snappy],
]

describe.each(['undici', 'http-proxy-middleware'] as const)('compressed bodies with the engine %s', (engine) => {
  let scripted: ScriptedUpstream
  let gateway: TestGateway
  let before: TestGateway

  beforeAll(async () => {
    scripted = await startScriptedUpstream()
    gateway = await startTestGateway({ cluster: { nodes: [upstream.url], passThrough: { engine } } })
    before = await startTestGateway({ cluster: { nodes: [scripted.url], passThrough: { engine } } })
  })
  afterAll(async () => {
    await gateway.close()
    await before.close()
    await scripted.close()
  })

  test.each(ENCODINGS)(
    '%s arrives as it was compressed where no body is read, and for administrators everywhere',
    async (encoding, encode) => {
      const headers = [`Content-Encoding: ${encoding}`]
      const body = encode('{"text":"x"}')
      const document = await send(gateway, { method: 'PUT', target: `/${open}/_doc/1`, headers, body })
      expect(document).toMatchObject({ status: 200, seen: [body] })
      const bulk = await send(gateway, { target: '/_bulk', headers, body: encode(forbidden) }, ['opensearch:admin'])
      expect(bulk).toMatchObject({ status: 200, seen: [encode(forbidden)] })
    },
  )

  test.each(ENCODINGS)('an answer in %s comes back as the node compressed it', async (encoding, encode) => {
    const body = encode(text)
    const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: ${encoding}\r\ncontent-length: ${String(body.length)}\r\n\r\n`
    scripted.answer(head + body.toString('latin1'))
    const token = await before.token({ scopes: ['opensearch:admin'] })
    const reply = await call(before.url, { path: `/${open}/_doc/1`, token, headers: { 'accept-encoding': encoding } })
    expect(reply.headers['content-encoding']).toBe(encoding)
    expect(reply.bytes.equals(body)).toBe(true)
    expect(scripted.heads.at(-1)).toMatch(new RegExp(`^accept-encoding: ${encoding}\r$`, 'im'))
  })

  test('an answer with a long chain of encodings comes back unopened (undici CVE-2026-22036)', async () => {
    const chain = Array.from({ length: 500 }, () => 'gzip').join(', ')
    const body = gzipSync(text)
    const head = `HTTP/1.1 200 OK\r\ncontent-encoding: ${chain}\r\ncontent-length: ${String(body.length)}\r\n\r\n`
    scripted.answer(head + body.toString('latin1'))
    const token = await before.token({ scopes: ['opensearch:admin'] })
    const reply = await call(before.url, { path: `/${open}/_doc/1`, token })
    expect(reply.headers['content-encoding']).toBe(chain)
    expect(reply.bytes.equals(body)).toBe(true)
  })

  test('a form goes on byte for byte, with line breaks in its names (http-proxy-middleware CVE-2026-55603, CVE-2025-32997)', async () => {
    const type = 'Content-Type: multipart/form-data; boundary=x'
    const part = 'content-disposition: form-data; name="a\r\nX-Proxy-User: admin\r\n\r\nb"'
    const body = `--x\r\n${part}\r\n\r\n1\r\n--x--\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n`
    const sent = await send(gateway, { target: `/${open}/_doc/1`, method: 'PUT', type, body })
    expect(sent).toMatchObject({ status: 200, seen: [Buffer.from(body)] })
  })

  test('zstd is read where bodies are: what may go on arrives as it was compressed, what may not is refused', async () => {
    const headers = ['Content-Encoding: zstd']
    const allowed = zstdCompressSync(text)
    expect(await send(gateway, { target: '/_bulk', headers, body: allowed })).toMatchObject({
      status: 200,
      seen: [allowed],
    })
    const refused = await send(gateway, { target: '/_bulk', headers, body: zstdCompressSync(text + forbidden) })
    expect(refused).toMatchObject({ status: 403, seen: [] })
    expect(refused.text).toContain('(line 3 of the body)')
    const two = Buffer.concat([allowed, zstdCompressSync(forbidden)])
    expect(await send(gateway, { target: '/_bulk', headers, body: two })).toMatchObject({ status: 400, seen: [] })
  })

  test.each(['br', 'snappy', 'gzip, zstd', 'x-deflate'])('%s is 415 where bodies are read', async (encoding) => {
    const headers = [`Content-Encoding: ${encoding}`]
    expect(await send(gateway, { target: '/_bulk', headers, body: text })).toMatchObject({ status: 415, seen: [] })
  })
})
