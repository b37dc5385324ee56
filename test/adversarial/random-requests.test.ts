import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { call } from '../support/call.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { startScriptedUpstream } from '../support/scripted-upstream.ts'
import type { ScriptedUpstream } from '../support/scripted-upstream.ts'
import { until } from '../support/until.ts'

const seed = randomBytes(4).readUInt32BE()
const IS_LONG = process.env['TEST_LONG'] === '1'
const REQUESTS = IS_LONG ? 50_000 : 2_500
const AT_ONCE = 64
/** What a server that waits for the rest of a request is given before it is told that there is none. */
const PATIENCE_MS = 50
const OK = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}'
const MEMORY = '/_plugins/_ml/memory_containers/c/memories'

/** Each as it is meant; TOKEN stands for one that is good. */
const MEANT: readonly string[] = [
  `GET /_search?q=a HTTP/1.1\r\nHost: a\r\nTOKEN\r\n\r\n`,
  `PUT /x/_doc/1?refresh=true HTTP/1.1\r\nHost: a\r\nTOKEN\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}`,
  `POST /_bulk HTTP/1.1\r\nHost: a\r\nTOKEN\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n1c\r\n{"index":{"_index":"x"}}\n{}\n\r\n0\r\n\r\n`,
  `DELETE ${MEMORY}/working/m HTTP/1.1\r\nHost: a\r\nTOKEN\r\nX-Request-Id: r\r\n\r\n`,
  `POST ${MEMORY}/working/_delete_by_query HTTP/1.1\r\nHost: a\r\nTOKEN\r\nContent-Type: application/json\r\nContent-Length: 26\r\n\r\n{"query":{"match_all":{}}}`,
  `DELETE /api/memories/m HTTP/1.1\r\nHost: a\r\nTOKEN\r\nOrigin: https://a.test\r\n\r\n`,
  `OPTIONS /api/memories/m HTTP/1.1\r\nHost: a\r\nOrigin: https://a.test\r\nAccess-Control-Request-Method: DELETE\r\n\r\n`,
  `HEAD /x HTTP/1.1\r\nHost: a\r\nTOKEN\r\nConnection: keep-alive, x-a\r\nX-A: b\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nTOKEN\r\n\r\n`,
  `PUT /x HTTP/1.0\r\nTOKEN\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}`,
  `GET / HTTP/1.1\r\nHost: a\r\nTOKEN\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
]
const SPICES = [
  ...['\r\n', '\n', '\r', '\0', ' ', '\t', ':', ',', '%', '%00', '%2f', '/', '//', '/../', '?', '#', '\\', ';', '\u00ff'],
  ...['Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n', 'Transfer-Encoding: gzip\r\n', 'Host: b\r\n', '0\r\n\r\n'],
  ...['Content-Encoding: gzip\r\n', 'Expect: x\r\n', 'HTTP/1.1', 'HTTP/2.0', 'CONNECT ', 'ffffffffffffffff', '-1', '{', '['],
] // prettier-ignore

const where = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
type Change = (text: string) => string
const cut = (text: string, at: number): number => Math.floor(at * text.length)
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(where, fc.integer({ min: 0, max: 255 })).map(([at, byte]) => (text: string) => {
    const here = cut(text, at)
    return text.slice(0, here) + String.fromCharCode(byte) + text.slice(here + 1)
  }),
  fc.tuple(where, fc.constantFrom(...SPICES)).map(([at, spice]) => (text: string) => {
    const here = cut(text, at)
    return text.slice(0, here) + spice + text.slice(here)
  }),
  fc.tuple(where, where).map(([at, length]) => (text: string) => {
    const here = cut(text, at)
    return text.slice(0, here) + text.slice(here + cut(text, length * 0.2))
  }),
  fc.tuple(where, where, where).map(([from, length, to]) => (text: string) => {
    const part = text.slice(cut(text, from), cut(text, from) + cut(text, length * 0.3))
    return text.slice(0, cut(text, to)) + part + text.slice(cut(text, to))
  }),
  where.map((at) => (text: string) => text.slice(0, cut(text, at))),
)
const mutated = fc
  .tuple(fc.constantFrom(...MEANT), fc.array(change, { maxLength: 4 }))
  .map(([meant, changes]) => (authorization: string) => {
    let text = meant.replaceAll('TOKEN', authorization)
    for (const apply of changes) text = apply(text)
    return text
  })
const random = fc.uint8Array({ maxLength: 300 }).map((bytes) => () => Buffer.from(bytes).toString('latin1'))
const requests = fc.oneof({ weight: 9, arbitrary: mutated }, { weight: 1, arbitrary: random })

describe.each(['undici', 'http-proxy-middleware'] as const)('with the engine %s', (engine) => {
  let upstream: ScriptedUpstream
  let gateway: TestGateway
  let authorization: string

  beforeAll(async () => {
    upstream = await startScriptedUpstream()
    upstream.answer(OK)
    gateway = await startTestGateway({
      cluster: { nodes: [upstream.url], passThrough: { engine } },
      legacy: { container: 'c', types: ['working'] },
    })
    authorization = `Authorization: Bearer ${await gateway.token({ scopes: ['opensearch:admin', 'memory:delete'] })}`
  })
  afterAll(async () => {
    await gateway.close()
    await upstream.close()
  })

  const title = `${String(REQUESTS)} requests that nobody meant: an answer or a clean close each (seed ${String(seed)})`
  test(
    title,
    async () => {
      const all = fc.sample(requests, { numRuns: REQUESTS, seed }).map((make) => make(authorization))
      const counts = new Map<string, number>()
      const bad: unknown[] = []
      const todo = all.entries()
      async function caller(): Promise<void> {
        for (const [at, text] of todo) {
          const outcome = await ask(gateway.url, text)
          counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
          if (/^(?:500|no close|not HTTP)$/.test(outcome))
            bad.push({ at, outcome, text: text.replace(authorization, '') })
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, caller))
      if (IS_LONG) process.stdout.write(`${engine}: ${JSON.stringify(Object.fromEntries(counts))}\n`)
      expect(bad).toEqual([])
      // Both what is read and what is refused was among them.
      expect(counts.get('200')).toBeGreaterThan(0)
      expect(counts.get('400')).toBeGreaterThan(0)
      expect((await call(gateway.opsUrl, { path: '/livez' })).status).toBe(200)
      upstream.answer(OK)
      const headers = { authorization: authorization.slice('Authorization: '.length) }
      expect((await call(gateway.url, { path: '/x', headers })).status).toBe(200)
      await until(() => upstream.openRequests() === 0)
    },
    600_000,
  )
})

const LIVENESS_MS = 20_000

/** The first status, `closed` without a word, or what must not be. */
function ask(origin: string, text: string): Promise<string> {
  const { hostname, port } = new URL(origin)
  return new Promise((resolve) => {
    let reply = ''
    let hung = false
    const socket = connect(Number(port), hostname)
    const end = (): unknown => socket.end()
    const patience = setTimeout(end, PATIENCE_MS)
    const liveness = setTimeout(() => {
      hung = true
      socket.destroy()
    }, LIVENESS_MS)
    socket.on('data', (part) => {
      reply += part.toString('latin1')
      end()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(patience)
      clearTimeout(liveness)
      if (hung) resolve('no close')
      else if (reply === '') resolve('closed')
      else resolve(/^HTTP\/1\.1 (\d{3}) /.exec(reply)?.[1] ?? 'not HTTP')
    })
    socket.write(Buffer.from(text, 'latin1'))
  })
}
