import { describe, expect, test } from '@jest/globals'

import { declaredTrailers, mayTrail, promisedTrailers } from '../../../src/forward/trailers.ts'

describe('a trailer may be', () => {
  test.each(['X-Sum', 'x_sum', 'Digest', 'X-Amz-Checksum-Sha256', 'Server-Timing', 'ETag'])('%s', (name) => {
    expect(mayTrail(name)).toBe(true)
  })
})

describe('a trailer may not be', () => {
  test.each([
    ...['Content-Length', 'content_length', 'Transfer-Encoding', 'transfer_encoding', 'Trailer', 'TE', 'Connection'],
    ...['Keep-Alive', 'keep_alive', 'Upgrade', 'Expect', 'HTTP2-Settings', 'Proxy-Authorization', 'Host', 'HOST'],
    ...['Content-Type', 'Content-Encoding', 'content_range', 'Authorization', 'AUTHORIZATION', 'Cookie', 'Set-Cookie'],
    ...['Cache-Control', 'If-Match', 'if_none_match', 'Range', 'Max-Forwards', 'Pragma', 'Accept-Encoding'],
    ...[
      'X-Proxy-User',
      'x_proxy_roles',
      'X-Forwarded-For',
      'Forwarded',
      'X-Real-IP',
      'securitytenant',
      'Security_Tenant',
    ],
    ...['opendistro_security_impersonate_as', 'X-Opendistro-Security-User', 'X-HTTP-Method-Override'],
    ...['X-Request-Id', 'traceparent', 'tracestate', 'Via', '', 'a b', 'a:b', ':path'],
  ])('%s', (name) => {
    expect(mayTrail(name)).toBe(false)
  })
})

test('declared is what any Trailer header lists, each name once, as it was spelt first', () => {
  const headers = ['Trailer', ' X-A,,x-b ', 'X-A', 'no', 'TRAILER', 'x-a, X-C', 'Connection', 'x-c', 'Trailer', '']
  expect(declaredTrailers(headers)).toEqual(['X-A', 'x-b'])
})

test('sent is what was promised and came, in its order, and what can be written', () => {
  const rawTrailers = ['x-b', '1', 'X-Other', '2', 'X-A', '3', 'x-a', '4', 'X-A', 'sn\u2603w', 'x-b', 'a\nb']
  expect(promisedTrailers({ rawTrailers }, ['trailer', 'X-A, x-b'])).toEqual([
    ['x-b', '1'],
    ['X-A', '3'],
    ['x-a', '4'],
  ])
})
