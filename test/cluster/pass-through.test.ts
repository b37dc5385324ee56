import { once } from 'node:events'
import { Agent, request as httpRequest } from 'node:http'
import { gzipSync } from 'node:zlib'

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import type { Call, Reply } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { startDeafServer } from '../support/deaf-server.ts'
import {
  answerWith,
  anything,
  cutBefore,
  cutInside,
  neverAnswer,
  stallInside,
  startFaultProxy,
} from '../support/fault-proxy.ts'
import type { ClusterAnswer, Fault, FaultProxy, SeenRequest } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'

const memories = testMemories(plainCluster().url)
const index = `${memories.prefix}-public`
const JSON_BODY = { 'content-type': 'application/json' }
const MIB = 1_048_576

/** Breaks in the middle of an answer whose end is told by its last chunk alone. */
const cutInsideChunked: Fault = async ({ ask, answer }) => {
  const { status, rawHeaders, body } = await ask()
  const type = rawHeaders.findIndex((name) => name.toLowerCase() === 'content-type')
  await answer({ status, rawHeaders: rawHeaders.slice(type, type + 2), body }, Math.floor(body.length / 2))
}

/** Headers of one hop, and those that each hop frames or stamps for itself. */
const OF_A_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'date', 'host', 'expect'])

/** What the gateway adds to a request. */
const OURS = ['x-request-id', 'traceparent', 'via', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host']

function endToEnd(rawHeaders: readonly string[]): string[] {
  const kept: string[] = []
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = [rawHeaders[at], rawHeaders[at + 1]]
    if (!OF_A_HOP.has(name.toLowerCase())) kept.push(`${name}: ${value}`)
  }
  return kept
}

interface Row extends Omit<Call, 'path'> {
  readonly what: string
  readonly path: string
  readonly status: number
}

const large = JSON.stringify({ text: 'x'.repeat(MIB) })
const bulkLines = ['b1', 'b2'].flatMap((id) => [JSON.stringify({ index: { _id: id } }), '{"a" : 1.0}', '']).join('\r\n')

const ROWS: readonly Row[] = [
  { what: 'GET /', path: '/', status: 200 },
  { what: 'HEAD /', method: 'HEAD', path: '/', status: 200 },
  { what: 'HEAD of an index that is not there', method: 'HEAD', path: `/${index}-none`, status: 404 },
  { what: 'OPTIONS', method: 'OPTIONS', path: `/${index}/_doc/1`, status: 200 },
  { what: 'another format', path: '/?pretty', headers: { accept: 'application/yaml', 'x-opaque-id': 'op-1' }, status: 200 },
  { what: 'PUT', method: 'PUT', path: `/${index}/_doc/1`, headers: JSON_BODY, body: '{ "a" : 1.0, "a2":9007199254740993 }', status: 201 },
  { what: 'PUT with a gzip body', method: 'PUT', path: `/${index}/_doc/2`, headers: { ...JSON_BODY, 'content-encoding': 'gzip' }, body: gzipSync('{"z":1}'), status: 201 },
  { what: 'NDJSON with other line ends', method: 'POST', path: `/${index}/_bulk`, headers: { 'content-type': 'application/x-ndjson' }, body: `${bulkLines}\r\n`, status: 200 },
  { what: 'GET of numbers that no double holds', path: `/${index}/_doc/1`, status: 200 },
  { what: 'GET with a body', path: `/${index}/_search`, headers: JSON_BODY, body: '{"query":{"match_all":{}}}', status: 200 },
  { what: 'GET with a chunked body', path: `/${index}/_search`, headers: { ...JSON_BODY, 'transfer-encoding': 'chunked' }, body: '{"size":0}', status: 200 },
  { what: 'a compressed answer', path: '/_cluster/settings?include_defaults', headers: { 'accept-encoding': 'gzip' }, status: 200 },
  { what: 'a chunked upload of 1 MiB', method: 'PUT', path: `/${index}/_doc/large?refresh=true`, headers: { ...JSON_BODY, 'transfer-encoding': 'chunked' }, body: large, status: 201 },
  { what: 'an answer of 1 MiB', path: `/${index}/_doc/large`, status: 200 },
  { what: 'Expect: 100-continue', method: 'PUT', path: `/${index}/_doc/3`, headers: { ...JSON_BODY, expect: '100-continue' }, body: '{"e":1}', status: 201 },
  { what: 'an id with an encoded slash, a hash and a plus', method: 'PUT', path: `/${index}/_doc/a%2Fb%23c+d;e?routing=r%2B`, headers: JSON_BODY, body: '{}', status: 201 },
  { what: 'DELETE', method: 'DELETE', path: `/${index}/_doc/2`, status: 200 },
  { what: 'DELETE with a chunked body', method: 'DELETE', path: `/${index}/_doc/3`, headers: { ...JSON_BODY, 'transfer-encoding': 'chunked' }, body: '{"ignored":1}', status: 200 },
  { what: 'POST without a body', method: 'POST', path: `/${index}/_refresh`, headers: { 'content-length': '0' }, status: 200 },
  { what: 'not found', path: `/${index}/_doc/none`, status: 404 },
  { what: 'a bad request', path: `/${index}/_search`, headers: JSON_BODY, body: '{"query":', status: 400 },
  { what: 'an unknown route', path: `/${index}/_nothing`, status: 400 },
  { what: 'a content type that the server does not take', method: 'POST', path: `/${index}/_search`, headers: { 'content-type': 'text/csv' }, body: 'a,b', status: 406 },
  { what: 'the plugin’s own routes that are not ours', path: '/_plugins/_ml/memory_containers/_search', status: 400 },
] // prettier-ignore

describe.each(['undici', 'http-proxy-middleware'] as const)('pass-through with the engine %s', (engine) => {
  let proxy: FaultProxy
  let gateway: TestGateway
  /** Waits for silent nodes for minutes. */
  let patient: TestGateway
  let admin: string
  let patientAdmin: string
  let asAdmin: (request: Call) => Promise<Reply>

  beforeAll(async () => {
    proxy = await startFaultProxy(plainCluster().url)
    gateway = await startTestGateway({
      cluster: { nodes: [proxy.url], passThrough: { engine }, silenceTimeout: '1s', connectTimeout: '300ms' },
    })
    admin = await gateway.token({ subject: 'ops', scopes: ['opensearch:admin'] })
    patient = await startTestGateway({ cluster: { nodes: [proxy.url], passThrough: { engine } } })
    patientAdmin = await patient.token({ subject: 'ops', scopes: ['opensearch:admin'] })
    asAdmin = (request) => call(gateway.url, { ...request, token: admin })
    await memories.ask('PUT', `/${index}`, {
      mappings: { properties: { text: { type: 'keyword', index: false, doc_values: false } } },
    })
    proxy.reset()
  })
  const opened: { close(): Promise<void> }[] = []
  afterEach(async () => {
    proxy.reset()
    for (const one of opened.splice(0)) await one.close()
  })
  afterAll(async () => {
    await gateway.close()
    await patient.close()
    await proxy.close()
    await memories.ask('DELETE', `/${index}`)
  })

  test.each(ROWS)('$what: both ways byte for byte', async (row) => {
    const { status, ...request } = row
    const answers: ClusterAnswer[] = []
    proxy.on(anything, async ({ ask, answer }) => {
      const given = await ask()
      answers.push(given)
      await answer(given)
    })
    const answer = await asAdmin({ ...request, headers: { 'X-Custom-Name': 'Value', ...request.headers } })
    const [given] = answers
    if (given === undefined) throw new Error('the cluster was not asked')
    expect(given.status).toBe(status)
    expect({ status: answer.status, headers: endToEnd(answer.rawHeaders) }).toEqual({
      status: given.status,
      headers: endToEnd(given.rawHeaders),
    })
    expect(answer.bytes.equals(given.body)).toBe(true)

    const [seen] = proxy.requests
    const { method = 'GET', path, body = '' } = request
    expect({ method: seen?.method, target: seen?.target }).toEqual({ method, target: path })
    const sent = Buffer.from(body)
    expect(Buffer.from(seen?.body ?? '').equals(Buffer.from(sent.toString()))).toBe(true)
    const expected = ['X-Custom-Name: Value', ...Object.entries(request.headers ?? {}).map((pair) => pair.join(': '))]
    const lower = (headers: readonly string[]): string[] =>
      headers.map((header) => header.replace(/^[^:]+/, (name) => name.toLowerCase())).sort()
    expect(lower(endToEnd(seen?.rawHeaders ?? []))).toEqual(
      lower([
        ...expected.filter((header) => !OF_A_HOP.has(header.replace(/:.*/, ''))),
        `authorization: Bearer ${admin}`,
        ...OURS.map((name) => `${name}: ${String(seen?.headers[name])}`),
      ]),
    )
    expect(seen?.headers.host).toBe(new URL(proxy.url).host)
    expect(proxy.requests).toHaveLength(1)
  })

  test('a gzip body arrives as it was compressed', async () => {
    const { body } = await memories.ask('GET', `/${index}/_search?q=_id:b1`)
    expect(body).toMatchObject({ hits: { total: { value: 1 } } })
  })

  test('a request without the scope for it is refused, and the cluster does not hear of it', async () => {
    for (const scopes of [['memory:delete', 'memory:delete:any'], ['opensearch:write'], []]) {
      const token = await gateway.token({ scopes })
      const { status, headers, body } = await call(gateway.url, { path: `/${index}/_search`, token })
      const reason = 'The bearer token lacks the scope for this request: opensearch:read'
      expect({ status, body }).toEqual({
        status: 403,
        body: {
          error: { root_cause: [{ type: 'security_exception', reason }], type: 'security_exception', reason },
          status: 403,
        },
      })
      expect(headers['www-authenticate']).toBe(
        `Bearer realm="opensearch-memory-gateway", error="insufficient_scope", error_description="${reason}", scope="opensearch:read"`,
      )
    }
    expect(proxy.requests).toEqual([])
  })

  test("the cluster's refusal of the caller's own token is the cluster's answer", async () => {
    proxy.on(anything, answerWith(401, 'Unauthorized', { 'www-authenticate': 'Basic realm="OpenSearch Security"' }))
    const { status, headers, text } = await asAdmin({ path: '/' })
    expect({ status, text, challenge: headers['www-authenticate'] }).toEqual({
      status: 401,
      text: 'Unauthorized',
      challenge: 'Basic realm="OpenSearch Security"',
    })
  })

  test("headers of the node's own hop end here, and its others do not", async () => {
    const hop = {
      connection: 'x-of-this-hop, close',
      'x-of-this-hop': 'a',
      'proxy-authenticate': 'Basic',
      upgrade: 'h2c',
    }
    proxy.on(anything, answerWith(200, {}, { ...hop, 'X-Kept': 'b', 'set-cookie': 'c=1' }))
    const { headers } = await asAdmin({ path: '/' })
    expect(headers).toMatchObject({ 'x-kept': 'b', 'set-cookie': ['c=1'] })
    for (const name of ['x-of-this-hop', 'proxy-authenticate', 'upgrade']) expect(headers[name]).toBeUndefined()
  })

  const gone = (status: number, type: string, reason: string): unknown => ({
    status,
    body: { error: { root_cause: [{ type, reason }], type, reason }, status },
  })

  test('the upstream gone before its headers is 502 in JSON', async () => {
    proxy.on(anything, cutBefore)
    for (const request of [
      { path: '/' },
      { method: 'PUT', path: `/${index}/_doc/9`, headers: JSON_BODY, body: large },
    ]) {
      const { status, body } = await asAdmin(request)
      expect({ status, body }).toEqual(gone(502, 'bad_gateway_exception', 'The cluster cannot be reached'))
    }
    await proxy.refuse()
    const { status, body } = await asAdmin({ path: '/' })
    await proxy.accept()
    proxy.reset()
    expect({ status, body }).toEqual(gone(502, 'bad_gateway_exception', 'The cluster cannot be reached'))
    expect((await asAdmin({ path: '/' })).status).toBe(200)
  })

  test('a silent upstream is 504 in JSON', async () => {
    proxy.on(anything, neverAnswer)
    const { status, body } = await asAdmin({ path: '/' })
    expect({ status, body }).toEqual(gone(504, 'gateway_timeout_exception', 'The cluster did not answer in time'))
  })

  test('a node whose packets are dropped is 502 after the connect timeout', async () => {
    const deaf = await startDeafServer()
    opened.push(deaf)
    const other = await startTestGateway({
      cluster: { nodes: [deaf.url], passThrough: { engine }, silenceTimeout: '25s', connectTimeout: '300ms' },
    })
    opened.push(other)
    const token = await other.token({ scopes: ['opensearch:admin'] })
    const { status, body } = await call(other.url, { path: '/', token })
    expect({ status, body }).toEqual(gone(502, 'bad_gateway_exception', 'The cluster cannot be reached'))
  })

  test.each([
    ['breaks', cutInside],
    ['whose length nobody knows, breaks', cutInsideChunked],
    ['falls silent', stallInside],
  ])('an upstream that %s in the middle of its answer: half of it never looks like all of it', async (_, fault) => {
    proxy.on(anything, fault)
    await expect(asAdmin({ path: `/${index}/_doc/large` })).rejects.toThrow(/aborted|socket hang up|ECONNRESET/)
    proxy.reset()
    expect((await asAdmin({ path: '/' })).status).toBe(200)
  })

  test('a caller that goes away while the cluster works frees the request there', async () => {
    const held = proxy.hold(anything)
    const abort = new AbortController()
    const agent = new Agent()
    const request = httpRequest(patient.url, {
      agent,
      path: '/_search',
      headers: { authorization: `Bearer ${patientAdmin}` },
      signal: abort.signal,
    })
    const failed = once(request, 'error')
    request.end()
    const { callerGone }: SeenRequest = await held.arrived
    abort.abort()
    await failed
    await callerGone
    held.release()
  })

  test('a caller that goes away in the middle of an answer frees the request there', async () => {
    proxy.on(anything, stallInside)
    const request = httpRequest(patient.url, {
      agent: false,
      path: `/${index}/_doc/large`,
      headers: { authorization: `Bearer ${patientAdmin}` },
    })
    request.on('error', () => undefined)
    request.end()
    const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream]
    response.on('error', () => undefined)
    await once(response, 'data')
    request.destroy()
    await proxy.requests[0]?.callerGone
  })

  test('a caller that goes away in the middle of its upload leaves nothing behind at the cluster', async () => {
    const request = httpRequest(patient.url, {
      agent: false,
      method: 'PUT',
      path: `/${index}/_doc/half`,
      headers: { authorization: `Bearer ${patientAdmin}`, ...JSON_BODY, 'content-length': String(large.length) },
    })
    request.on('error', () => undefined)
    const before = proxy.bytes().toCluster
    request.write(large.slice(0, MIB))
    while (proxy.bytes().toCluster - before < MIB / 2) await new Promise(setImmediate)
    request.destroy()
    await expect(memories.ask('GET', `/${index}/_doc/half`)).resolves.toMatchObject({ status: 404 })
    expect((await asAdmin({ path: '/' })).status).toBe(200)
  })
})
