import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { startLenientUpstream } from '../support/lenient-upstream.ts'
import type { LenientUpstream } from '../support/lenient-upstream.ts'
import { rawRequest, sendRaw } from '../support/raw-http.ts'
import { SMUGGLING } from '../vectors/smuggling.ts'

/** What a caller without opensearch:admin sends to, with a body that is inspected or not, and what another asks for afterwards. */
const CALLERS = [
  { scope: 'opensearch:read', rest: '/_search', next: 'GET /next/_doc/1' },
  { scope: 'opensearch:write', rest: '/_doc', next: 'POST /next/_refresh' },
  { scope: 'opensearch:write', rest: '/_bulk', next: 'POST /next/_refresh' },
] as const

describe.each(['undici', 'http-proxy-middleware'] as const)('smuggling through the engine %s', (engine) => {
  let upstream: LenientUpstream
  let gateway: TestGateway
  let authorization: string

  beforeAll(async () => {
    upstream = await startLenientUpstream()
    gateway = await startTestGateway({ cluster: { nodes: [upstream.url], passThrough: { engine } } })
    const token = await gateway.token({ scopes: ['opensearch:admin'] })
    authorization = `Authorization: Bearer ${token}`
    upstream.reset()
  })
  afterEach(() => upstream.reset())
  afterAll(async () => {
    await gateway.close()
    await upstream.close()
  })

  test.each(SMUGGLING)('$what', async (attack) => {
    const { line = 'POST /x', headers, body, expected } = attack
    const path = `/x${String(SMUGGLING.indexOf(attack))}`
    const asked = line.replace('/x', path)
    const { statuses } = await sendRaw(gateway.url, rawRequest(asked, [authorization, ...headers], body))
    // The gateway lives, and the next caller gets an answer of their own.
    const next = await sendRaw(gateway.url, rawRequest(`GET /next${path}`, [authorization]))
    expect(next.statuses).toEqual([200])

    const ours = upstream.requests.filter((request) => request.line.includes(path))
    const whole = ours.filter((request) => request.isWhole && !request.line.includes('/next'))
    if (expected === 'refused') {
      expect({ statuses: statuses.slice(0, 1), whole }).toEqual({ statuses: [400], whole: [] })
    } else {
      expect(statuses).toEqual([200])
      expect(whole).toMatchObject([{ line: `${asked} HTTP/1.1`, body: expected.body }])
    }
    expect(ours.filter(({ line: seen }) => seen === `GET /next${path} HTTP/1.1`)).toHaveLength(1)
    expect(upstream.requests.filter(({ line: seen }) => seen.includes('smuggled'))).toEqual([])
  })

  test.each(CALLERS)(
    'of $scope to $rest: one request or none, and the next caller has an answer of their own',
    async (caller) => {
      const { scope, rest, next } = caller
      const own = `Authorization: Bearer ${await gateway.token({ scopes: [scope] })}`
      const complaints: unknown[] = []
      for (const [position, { what, line = 'POST /x', headers, body, expected }] of SMUGGLING.entries()) {
        upstream.reset()
        const asked = line.replace('/x', `/x${String(position)}${rest}`)
        const { statuses } = await sendRaw(
          gateway.url,
          rawRequest(asked, [own, 'Content-Type: application/json', ...headers], body),
        )
        const after = await sendRaw(gateway.url, rawRequest(next, [own]))
        const seen = upstream.requests.filter(({ isWhole, head }) => isWhole && /^via: /im.test(head))
        const [first = 0] = statuses
        const told = seen.map(({ line: got, body: bytes }) => ({ line: got, body: bytes }))
        const followed = { line: `${next} HTTP/1.1`, body: '' }
        // Some of what is plain HTTP is no search, or no API, that this caller may use.
        const isRefused = expected === 'refused' ? first === 400 : first >= 400 && first < 500
        const wanted =
          isRefused || expected === 'refused'
            ? [followed]
            : [{ line: `${asked} HTTP/1.1`, body: expected.body }, followed]
        const isAsWanted = (isRefused || (expected !== 'refused' && first === 200)) && after.statuses[0] === 200
        if (!isAsWanted || JSON.stringify(told) !== JSON.stringify(wanted)) complaints.push({ what, statuses, told })
      }
      expect(complaints).toEqual([])
    },
  )

  test.each(['DELETE', 'OPTIONS', 'GET', 'POST', 'PUT'])(
    'a chunked %s with a request as its body, on a connection that stays: one request upstream for each',
    async (method) => {
      const hidden = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n'
      const chunked = [authorization, 'Transfer-Encoding: chunked']
      const chunks = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`
      const first = rawRequest(`${method} /one`, [...chunked, 'Connection: keep-alive'], chunks)
      const second = rawRequest(`${method} /two`, chunked, chunks)
      const { statuses } = await sendRaw(gateway.url, first + second)
      expect(statuses).toEqual([200, 200])
      const seen = upstream.requests.filter(({ line }) => !line.startsWith('GET / '))
      expect(seen.map(({ line, body }) => ({ line, body }))).toEqual([
        { line: `${method} /one HTTP/1.1`, body: hidden },
        { line: `${method} /two HTTP/1.1`, body: hidden },
      ])
    },
  )

  test('Expect: 100-continue changes nothing of what goes on', async () => {
    const headers = [authorization, 'Content-Length: 2', 'X-Proxy-User: admin', 'X-Kept: 1', 'X-Request-Id: r1']
    await sendRaw(gateway.url, rawRequest('PUT /x', headers, '{}'))
    await sendRaw(gateway.url, rawRequest('PUT /x', [...headers, 'Expect: 100-continue'], '{}'))
    const [without, withExpect] = upstream.requests.filter(({ line }) => line.includes('/x'))
    const untraced = (head = ''): string => head.replace(/^traceparent: .*$/m, '')
    expect({ ...withExpect, head: untraced(withExpect?.head) }).toEqual({ ...without, head: untraced(without?.head) })
    expect(without?.head).toMatch(/^x-kept: 1$/im)
    expect(without?.head).not.toMatch(/proxy-user|expect/i)
  })
})
