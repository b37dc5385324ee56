import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { startLenientUpstream } from '../support/lenient-upstream.ts'
import type { LenientUpstream } from '../support/lenient-upstream.ts'
import { sendRaw } from '../support/raw-http.ts'
import { JSON_HEADER, NDJSON_HEADER, wireOf } from '../vectors/guard-spelling.ts'
import type { Spelling } from '../vectors/guard-spelling.ts'

const stem = `gb${randomBytes(4).toString('hex')}`
const open = `${stem}-open`
const seed = randomBytes(4).readUInt32BE()
const SCOPES = ['opensearch:read', 'opensearch:write']
/** Of each kind with each engine: 100,000 in all, each 2 ms of CPU for caller, gateway and node, which share this process. */
const RUNS = process.env['TEST_LONG'] === '1' ? 17_000 : 60
const WITHIN_MS = 900_000

/** What may stand in a target: visible ASCII. */
const visibleCharacter = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code))
const visible = fc.string({ unit: visibleCharacter, maxLength: 40 })
const bytes = fc.uint8Array({ maxLength: 3_000 })
const line = bytes.map((all) => Buffer.from(all.filter((byte) => byte !== 0x0a)))
const chunkBytes = fc.option(fc.integer({ min: 1, max: 500 }), { nil: undefined })
const header = fc
  .tuple(fc.stringMatching(/^x-[a-z0-9_-]{1,20}$/), fc.stringMatching(/^[!-~]([ -~]{0,40}[!-~])?$/))
  .map(([name, value]) => `${name}: ${value}`)

const document: fc.Arbitrary<Spelling> = fc
  .record({ id: visible, query: visible, body: bytes, chunkBytes, headers: fc.array(header, { maxLength: 5 }) })
  .map(({ id, query, headers, ...sent }) => ({
    row: '',
    method: 'PUT',
    target: `/${open}/_doc/1${id}?${query}`,
    headers: [JSON_HEADER, ...headers],
    ...withoutUndefined(sent),
  }))

const bulk: fc.Arbitrary<Spelling> = fc
  .record({
    sources: fc.array(line, { maxLength: 20 }),
    index: fc.constantFrom(open, `${stem}-memory-working`),
    chunkBytes,
  })
  .map(({ sources, index, ...sent }) => ({
    row: '',
    method: 'POST',
    target: '/_bulk',
    headers: [NDJSON_HEADER],
    body: Buffer.concat([
      ...sources.flatMap((source) => [Buffer.from(`{"index":{"_index":"${index}"}}\n`), source, Buffer.from('\n')]),
      Buffer.from('\n'),
    ]),
    ...withoutUndefined(sent),
  }))

/** Whole targets, with many of the characters at which parsers part; of the gateway's own paths there are none. */
const anyTarget: fc.Arbitrary<Spelling> = fc
  .record({
    target: fc
      .string({
        unit: fc.oneof(fc.constantFrom(...Array.from('//..?#%;:@\\&=*,<>_')), visibleCharacter),
        minLength: 1,
        maxLength: 40,
      })
      .map((text) => `/${text}`),
    method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
    headers: fc.array(header, { maxLength: 5 }),
    body: fc.option(bytes, { nil: undefined }),
  })
  .map(({ body, ...sent }) => ({ row: '', ...sent, ...(body === undefined ? {} : { body }) }))

/** Two slashes begin an authority for many parsers: the next node must never be chosen by one. */
const TWO_SLASHES = [
  '//',
  '///',
  '//_refresh',
  '//_search?q=a',
  '//elsewhere.test/x',
  '//elsewhere.test:80/x?y#z',
  '//user:password@127.0.0.1:1/x',
  '///elsewhere.test/x',
  '//[::1]/x',
  '/x//y',
  '/x//',
]

function withoutUndefined<Value extends { readonly chunkBytes: number | undefined }>({
  chunkBytes: size,
  ...rest
}: Value) {
  return { ...rest, ...(size === undefined ? {} : { chunkBytes: size }) }
}

describe.each(['undici', 'http-proxy-middleware'] as const)('with the engine %s', (engine) => {
  let upstream: LenientUpstream
  let gateway: TestGateway
  let authorization: string
  let asAdmin: string

  beforeAll(async () => {
    upstream = await startLenientUpstream([open])
    gateway = await startTestGateway({
      cluster: { nodes: [upstream.url], passThrough: { engine } },
      limits: { headerBytes: 1_048_576 },
    })
    // As long as the longest run.
    const ttlMs = 2 * WITHIN_MS
    authorization = `Authorization: Bearer ${await gateway.token({ scopes: SCOPES, ttlMs })}`
    asAdmin = `Authorization: Bearer ${await gateway.token({ scopes: ['opensearch:admin'], ttlMs })}`
  })
  beforeEach(() => upstream.reset())
  afterAll(async () => {
    await gateway.close()
    await upstream.close()
  })

  const wholeOnes = () =>
    upstream.requests.filter(({ isWhole, head }) => isWhole && !/^(?:GET \/_resolve|GET \/ HTTP)/.test(head))

  test.each([
    ['a document', 'a reader and writer', document],
    ['a bulk', 'a reader and writer', bulk],
    ['any target', 'an administrator', anyTarget],
  ])(
    `what the guard decided on is what the node gets, byte for byte: %s, of %s (seed ${String(seed)})`,
    async (_says, caller, spellings) => {
      await fc.assert(
        fc.asyncProperty(spellings, async (spelling) => {
          upstream.reset()
          const own = caller === 'an administrator' ? asAdmin : authorization
          const { statuses } = await sendRaw(gateway.url, wireOf(spelling, [own]))
          const seen = wholeOnes().map(({ line: first, body }) => ({
            first,
            body: Buffer.from(body, 'latin1').toString('hex'),
          }))
          const { method, target, body = '' } = spelling
          const sent = { first: `${method} ${target} HTTP/1.1`, body: Buffer.from(body).toString('hex') }
          expect(seen).toEqual(statuses.at(-1) === 200 ? [sent] : [])
          expect(statuses.at(-1)).toBeLessThan(500)
        }),
        { numRuns: RUNS, seed },
      )
    },
    WITHIN_MS,
  )

  test.each(TWO_SLASHES)('%s goes to the node as it came, whoever it seems to name', async (target) => {
    const { statuses } = await sendRaw(gateway.url, wireOf({ row: '', method: 'PUT', target }, [asAdmin]))
    const seen = wholeOnes().map(({ line: first }) => first)
    expect({ statuses, seen }).toEqual({ statuses: [200], seen: [`PUT ${target} HTTP/1.1`] })
  })

  test('long paths, very many parameters, deep nesting: answers, and nobody else waits', async () => {
    const deep = `${'{"bool":{"must":'.repeat(5_000)}{}${'}}'.repeat(5_000)}`
    const long: readonly (readonly [Spelling, number])[] = [
      [{ row: '', method: 'GET', target: `/${open}/_doc/${'a'.repeat(16_384)}` }, 200],
      [{ row: '', method: 'GET', target: `/${'a,'.repeat(8_000)}${open}/_search` }, 200],
      [{ row: '', method: 'GET', target: `/${Array.from({ length: 4_000 }, (_, at) => `*${String(at)}*`).join(',')}/_search` }, 403],
      [{ row: '', method: 'GET', target: `/${open}${'/a'.repeat(8_000)}` }, 403],
      [{ row: '', method: 'GET', target: `/${open}/_search?${'x&'.repeat(100_000)}` }, 200],
      [{ row: '', method: 'GET', target: `/_search?${`index=${open}&`.repeat(20_000)}` }, 200],
      [{ row: '', method: 'GET', target: `/${open}/_search?${'%61='.repeat(50_000)}` }, 200],
      [{ row: '', method: 'POST', target: `/${open}/_search`, headers: [JSON_HEADER], body: deep }, 400],
      [{ row: '', method: 'POST', target: `/${open}/_search`, headers: [JSON_HEADER], body: '['.repeat(1_000_000) }, 400],
      [{ row: '', method: 'POST', target: `/${open}/_search`, headers: [JSON_HEADER], body: `{"a":"${'\\\\'.repeat(500_000)}"}` }, 200],
      [{ row: '', method: 'POST', target: `/${open}/_search`, headers: [JSON_HEADER], body: `{"a":"${'x'.repeat(1_048_576)}"}` }, 413],
      [{ row: '', method: 'POST', target: '/_msearch', headers: [JSON_HEADER], body: Array.from({ length: 5_000 }, (_, at) => `{"index":"${open}-${String(at)}*"}\n{}\n`).join('') }, 403],
      [{ row: '', method: 'POST', target: '/_bulk', headers: [JSON_HEADER], body: `{"delete":{"_index":"${open}","_id":"${'x'.repeat(100_000)}"}}\n` }, 413],
    ] // prettier-ignore
    for (const [spelling, status] of long) {
      const { statuses } = await sendRaw(gateway.url, wireOf(spelling, [authorization]))
      expect({ target: spelling.target.slice(0, 60), statuses }).toEqual({
        target: spelling.target.slice(0, 60),
        statuses: [status],
      })
    }
  })
})

test('a line of 100 MiB goes through in little memory', async () => {
  let received = 0
  const sink = createServer((request, response) => {
    const isTable = request.url?.startsWith('/_resolve') === true
    request.on('data', (part: Buffer) => (received += part.length))
    request.on('end', () =>
      response
        .setHeader('content-type', 'application/json')
        .end(isTable ? `{"indices":[{"name":"${open}"}],"aliases":[],"data_streams":[]}` : '{}'),
    )
  }).listen(0, '127.0.0.1')
  await once(sink, 'listening')
  const gateway = await startTestGateway({
    cluster: { nodes: [`http://127.0.0.1:${String((sink.address() as AddressInfo).port)}`] },
  })
  try {
    const head = `{"index":{"_index":"${open}"}}\n{"x":"`
    const chunk = Buffer.alloc(65_536, 'x')
    const before = process.memoryUsage().arrayBuffers
    let most = 0
    const request = httpRequest(`${gateway.url}/_bulk`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-ndjson',
        authorization: `Bearer ${await gateway.token({ scopes: SCOPES })}`,
      },
    })
    const answered = once(request, 'response') as Promise<[{ statusCode: number; resume(): void }]>
    request.write(head)
    for (let sent = 0; sent < 104_857_600; sent += chunk.length) {
      if (!request.write(chunk)) await once(request, 'drain')
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    }
    request.end('"}\n')
    const [response] = await answered
    response.resume()
    expect(response.statusCode).toBe(200)
    expect(received).toBeGreaterThan(104_857_600)
    // Of caller, gateway and node together, with what was not collected yet.
    expect(most).toBeLessThan(104_857_600)
  } finally {
    await gateway.close()
    sink.closeAllConnections()
    sink.close()
  }
})
