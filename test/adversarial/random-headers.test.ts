import { randomBytes } from 'node:crypto'

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { settleHeaders } from '../../src/forward/settle-headers.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { sendRaw } from '../support/raw-http.ts'
import { startScriptedUpstream } from '../support/scripted-upstream.ts'
import type { ScriptedUpstream } from '../support/scripted-upstream.ts'

const seed = randomBytes(4).readUInt32BE()
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
const HOST = 'gateway.test'

type Header = readonly [name: string, value: string]

const IDENTITY = [
  ...['x-proxy-user', 'x-proxy-roles', 'x-proxy-ext-a', 'forwarded', 'x-real-ip', 'x-original-url', 'x-rewrite-url'],
  ...['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-user', 'x-forwarded-client-cert'],
  ...['x-opendistro-security-user', '_opendistro_security_user', 'opendistro_security_impersonate_as'],
  ...['securitytenant', 'security-tenant'],
]
const OTHERS = [
  ...['x-request-id', 'traceparent', 'tracestate', 'via', 'accept', 'accept-encoding', 'x-opaque-id', 'x-a', 'x-b'],
  ...['keep-alive', 'proxy-connection', 'proxy-authorization', 'te', 'trailer', 'http2-settings', 'user-agent'],
]

/** A name as careless callers and attackers spell it: any case, `_` for `-`. */
const spelt = (names: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(names, fc.infiniteStream(fc.integer({ min: 0, max: 5 }))).map(([name, chances]) =>
    Array.from(name, (letter) => {
      const chance = Number(chances.next().value)
      if (letter === '-' || letter === '_') return chance === 0 ? '_' : chance === 1 ? '-' : letter
      return chance < 2 ? letter.toUpperCase() : letter
    }).join(''),
  )

const anyName = spelt(
  fc.oneof(fc.constantFrom(...IDENTITY), fc.constantFrom(...OTHERS), fc.stringMatching(/^x-[a-z0-9_.~!-]{1,20}$/)),
)
const value = fc.oneof(
  fc.stringMatching(/^[!-~]([ -~]{0,40}[!-~])?$/),
  fc.stringMatching(/^[\u00a1-\u00ff]{1,10}$/),
  fc.constantFrom('', 'admin', '127.0.0.1', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'),
)
const header: fc.Arbitrary<Header> = fc.tuple(anyName, value)
const headers = fc.array(header, { maxLength: 12 }).chain((list) =>
  fc
    .tuple(
      fc.array(fc.constantFrom('host', 'authorization', 'content-type', ...list.map(([name]) => name)), {
        maxLength: 6,
      }),
      fc.subarray(list),
      spelt(fc.constant('connection')).map((name) => name.replaceAll('_', '-')),
    )
    .map(([named, again, connection]): Header[] => [...list, ...again, [connection, ['close', ...named].join(', ')]]),
)

function pairsIn(head: string): Header[] {
  const lines = head.split('\r\n').slice(1, -1)
  return lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()])
}

const one = (pairs: readonly Header[], lower: string): string =>
  pairs.find(([name]) => name.toLowerCase() === lower)?.[1] ?? ''

/** What a hop frames itself. */
const isFraming = ([name]: Header): boolean => /^(?:host|connection|content-length|transfer-encoding)$/i.test(name)

/** Node takes each name once, as it was first spelt: the order among different names is not the middleware's to keep. */
function grouped(pairs: readonly Header[]): Header[] {
  const first = new Map<string, string>()
  for (const [name] of pairs) if (!first.has(name.toLowerCase())) first.set(name.toLowerCase(), name)
  return [...first].flatMap(([lower, name]) =>
    pairs.flatMap(([other, text]): Header[] => (other.toLowerCase() === lower ? [[name, text]] : [])),
  )
}

const OURS = /^x-forwarded-(?:for|proto|host)$/
const isIdentity = ([name]: Header): boolean => {
  const lower = name.toLowerCase()
  const plain = lower.replaceAll('_', '-')
  if (OURS.test(lower)) return false
  return (
    /^x-(?:proxy|forwarded)-/.test(plain) ||
    /opendistro|tenant/.test(plain) ||
    ['forwarded', 'x-real-ip', 'x-original-url', 'x-rewrite-url'].includes(plain)
  )
}

describe.each(['undici', 'http-proxy-middleware'] as const)('with the engine %s', (engine) => {
  let upstream: ScriptedUpstream
  let gateway: TestGateway
  let authorization: string

  beforeAll(async () => {
    upstream = await startScriptedUpstream()
    gateway = await startTestGateway({ cluster: { nodes: [upstream.url], passThrough: { engine } } })
    authorization = `Bearer ${await gateway.token({ scopes: ['opensearch:admin'] })}`
  })
  beforeEach(() => upstream.reset())
  afterAll(async () => {
    await gateway.close()
    await upstream.close()
  })

  test(`what was settled is what the node gets, whoever sent what (seed ${String(seed)})`, async () => {
    await fc.assert(
      fc.asyncProperty(headers, async (list) => {
        upstream.reset()
        upstream.answer(OK)
        const sent: Header[] = [['Host', HOST], ['Authorization', authorization], ...list]
        const lines = sent.map(([name, text]) => `${name}: ${text}\r\n`).join('')
        expect((await sendRaw(gateway.url, `GET /x HTTP/1.1\r\n${lines}\r\n`)).statuses).toEqual([200])
        expect(upstream.heads).toHaveLength(1)
        const all = pairsIn(upstream.heads[0] ?? '')
        const seen = all.filter((pair) => !isFraming(pair))
        const [, traceId = '', spanId = ''] = one(seen, 'traceparent').split('-')
        const arrival = {
          rawHeaders: sent.flat(),
          httpVersion: '1.1',
          peer: '127.0.0.1',
          isTls: false,
          isChunked: false,
          requestId: one(seen, 'x-request-id'),
          fresh: { traceId, spanId },
        }
        const rules = { isTrustedProxy: () => false, allowTenantHeader: false, identity: undefined }
        const flat = settleHeaders(arrival, rules)
        const settled = flat.flatMap((name, at): Header[] => (at % 2 === 0 ? [[name, flat[at + 1] ?? '']] : []))
        expect(seen).toEqual(engine === 'undici' ? settled : grouped(settled))
        expect(all.filter(isIdentity)).toEqual([])
        expect(all.filter(([name]) => OURS.test(name.toLowerCase())).map(([, text]) => text)).toEqual([
          '127.0.0.1',
          'http',
          HOST,
        ])
      }),
      { numRuns: process.env['TEST_LONG'] === '1' ? 2_000 : 60, seed },
    )
  }, 120_000)
})
