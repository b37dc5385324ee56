import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { requestHeaders, responseHeaders } from '../../../src/forward/headers.ts'

const OURS = { ours: { 'x-request-id': 'ours' }, appended: {}, allowed: new Set<string>(), dropped: new Set<string>() }
const sent = (...received: string[]): string[] => requestHeaders(received, OURS)

describe('what goes on to the node', () => {
  test('is what the caller sent, in order and spelling, and then ours', () => {
    expect(sent('Accept', '*/*', 'X-Custom', 'a', 'x-custom', 'b', 'Cookie', 'c=d')).toEqual([
      ...['Accept', '*/*', 'X-Custom', 'a', 'x-custom', 'b', 'Cookie', 'c=d'],
      ...['x-request-id', 'ours'],
    ])
  })

  test.each([
    'Connection', 'Keep-Alive', 'Proxy-Connection', 'Proxy-Authorization', 'Proxy-Authenticate', 'TE', 'Trailer', 'Transfer-Encoding',
    'Upgrade', 'HTTP2-Settings', 'Expect', 'Host',
  ])('not %s, which ends at this hop', (name) => {
    expect(sent(name, 'x', name.toUpperCase(), 'y')).toEqual(['x-request-id', 'ours'])
  }) // prettier-ignore

  test.each([
    'X-Proxy-User', 'x_proxy_user', 'X-Proxy-Anything', 'X-Forwarded-For', 'X_FORWARDED_HOST', 'Forwarded', 'X-Real-IP', 'x_real_ip',
    'X-Original-URL', 'X_Rewrite_Url', 'x-opendistro-security-user', '_opendistro_security_user', 'opendistro_security_impersonate_as',
    'OpenDistro-Security-Roles', 'securitytenant', 'security_tenant', 'Security-Tenant',
  ])('not %s, which is not the caller’s to say', (name) => {
    expect(sent(name, 'x', 'X-Kept', 'y')).toEqual(['X-Kept', 'y', 'x-request-id', 'ours'])
  }) // prettier-ignore

  test('not what Connection names, in any spelling, list or number', () => {
    const received = ['X-A', '1', 'Connection', ' x-a ,X-B', 'connection', 'X-C', 'X-B', '2', 'x-c', '3', 'X-D', '4']
    expect(sent(...received)).toEqual(['X-D', '4', 'x-request-id', 'ours'])
  })

  test.each(['Authorization', 'Content-Type', 'Content-Length', 'Content-Encoding'])(
    '%s, even where Connection names it: the cluster would read the body otherwise',
    (name) => {
      expect(sent('Connection', name, name, 'x')).toEqual([name, 'x', 'x-request-id', 'ours'])
    },
  )

  test('ours alone, where the caller sent one of that name or had Connection name it', () => {
    expect(sent('X-Request-Id', 'theirs', 'Connection', 'x-request-id')).toEqual(['x-request-id', 'ours'])
  })

  test('names of object members like any other', () => {
    expect(sent('constructor', 'a', '__proto__', 'b', 'toString', 'c')).toEqual([
      ...['constructor', 'a', '__proto__', 'b', 'toString', 'c', 'x-request-id', 'ours'],
    ])
  })

  test('whatever comes: ours once, values with their names, nothing new', () => {
    const name = fc.oneof(
      fc.constantFrom('Connection', 'X-Proxy-User', 'x_forwarded_for', 'X-Request-Id', 'Host', 'A', 'b'),
      fc.string({ minLength: 1, maxLength: 6 }),
    )
    const pair = fc.tuple(name, fc.oneof(fc.constantFrom('a', 'B', 'x-request-id, host'), fc.string()))
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 12 }), (pairs) => {
        const kept = requestHeaders(pairs.flat(), OURS)
        expect(kept.slice(-2)).toEqual(['x-request-id', 'ours'])
        const rest = kept.slice(0, -2)
        for (let at = 0; at < rest.length; at += 2) {
          expect(pairs).toContainEqual([rest[at], rest[at + 1]])
          expect(rest[at]).not.toMatch(/^(x-request-id|host|connection|x[-_](proxy|forwarded)[-_].*)$/i)
        }
      }),
    )
  })
})

describe('what goes back to the caller', () => {
  test('is what the node sent, without what ends at its hop', () => {
    const received = [
      ...['Content-Type', 'text/plain', 'Connection', 'close, X-Hop', 'X-Hop', '1', 'Keep-Alive', 'timeout=5'],
      ...[
        'Transfer-Encoding',
        'chunked',
        'Upgrade',
        'h2c',
        'Set-Cookie',
        'a=1',
        'Set-Cookie',
        'b=2',
        'Proxy-Authenticate',
        'Basic',
      ],
      ...['WWW-Authenticate', 'Basic realm="x"', 'Trailer', 'X-Sum'],
    ]
    expect(responseHeaders(received)).toEqual([
      ...['Content-Type', 'text/plain', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'],
      ...['WWW-Authenticate', 'Basic realm="x"', 'Trailer', 'X-Sum'],
    ])
  })

  test('keeps the length and type that Connection names', () => {
    expect(
      responseHeaders(['Connection', 'content-length, content-type', 'Content-Length', '2', 'Content-Type', 'a/b']),
    ).toEqual([...['Content-Length', '2', 'Content-Type', 'a/b']])
  })
})
