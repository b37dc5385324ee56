import { describe, expect, test } from '@jest/globals'

import { settleHeaders } from '../../../src/forward/settle-headers.ts'
import type { Arrival } from '../../../src/forward/settle-headers.ts'
import { trustedProxies } from '../../../src/forward/trusted-proxies.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const ARRIVAL: Arrival = {
  rawHeaders: [],
  httpVersion: '1.1',
  peer: '203.0.113.9',
  isTls: false,
  isChunked: false,
  requestId: 'r1',
  fresh: { traceId: 'f'.repeat(32), spanId: '1'.repeat(16) },
}
const PROXIES = trustedProxies(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32'])

interface Given extends Partial<Omit<Arrival, 'rawHeaders'>> {
  readonly headers?: readonly string[]
  readonly allowTenantHeader?: boolean
  readonly identity?: Readonly<Record<string, string>>
}

/** What goes on, as lines without those that are the same for all. */
function settled({ headers = [], allowTenantHeader = false, identity, ...arrival }: Given): string[] {
  const rawHeaders = headers.flatMap((header) => [header.replace(/:.*/, ''), header.replace(/^[^:]*: ?/, '')])
  const flat = settleHeaders(
    { ...ARRIVAL, ...arrival, rawHeaders },
    { isTrustedProxy: PROXIES, allowTenantHeader, identity },
  )
  const lines = flat.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${flat[at + 1] ?? ''}`] : []))
  return lines.filter((line) => !/^(x-request-id|traceparent|via):/.test(line))
}

describe('anybody', () => {
  test('is told by the connection, and by nothing that was sent', () => {
    const headers = [
      ...['X-Forwarded-For: 10.0.0.1', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: inner', 'X-Forwarded-Port: 1'],
      ...['Forwarded: for=10.0.0.1', 'X-Real-IP: 10.0.0.1', 'Host: gateway.test:8080', 'Accept: */*'],
    ]
    expect(settled({ headers })).toEqual([
      'Accept: */*',
      'x-forwarded-for: 203.0.113.9',
      'x-forwarded-proto: http',
      'x-forwarded-host: gateway.test:8080',
    ])
    expect(settled({ headers, isTls: true, peer: '::ffff:203.0.113.9' })).toEqual([
      'Accept: */*',
      'x-forwarded-for: 203.0.113.9',
      'x-forwarded-proto: https',
      'x-forwarded-host: gateway.test:8080',
    ])
  })

  test.each(['a b', 'a/b', 'a@b', '<script>', 'x'.repeat(256), 'a:123456', '[::1', ''])(
    'has no host of the name %s',
    (host) => {
      expect(settled({ headers: [`Host: ${host}`] })).toEqual([
        'x-forwarded-for: 203.0.113.9',
        'x-forwarded-proto: http',
      ])
    },
  )

  test.each(['a', 'a.b:1', '[::1]:9200', '127.0.0.1'])('has the host %s', (host) => {
    expect(settled({ headers: [`Host: ${host}`] })).toContain(`x-forwarded-host: ${host}`)
  })
})

describe('X-Forwarded-For is read from right to left', () => {
  test.each([
    ['one proxy', '10.0.0.1', ['203.0.113.5'], '203.0.113.5, 10.0.0.1'],
    ['two proxies', '10.0.0.1', ['203.0.113.5, 192.0.2.7'], '203.0.113.5, 192.0.2.7, 10.0.0.1'],
    ['two proxies, a header each', '10.0.0.1', ['203.0.113.5', '192.0.2.7'], '203.0.113.5, 192.0.2.7, 10.0.0.1'],
    ['what the caller made up is left out', '10.0.0.1', ['127.0.0.1, 10.9.9.9, 203.0.113.5'], '203.0.113.5, 10.0.0.1'],
    ['a caller inside', '10.0.0.1', ['10.0.0.2'], '10.0.0.2, 10.0.0.1'],
    ['nothing said', '10.0.0.1', [], '10.0.0.1'],
    ['no address', '10.0.0.1', ['203.0.113.5, unknown'], '10.0.0.1'],
    ['an obfuscated one', '10.0.0.1', ['_hidden'], '10.0.0.1'],
    ['empty elements', '10.0.0.1', ['203.0.113.5, '], '10.0.0.1'],
    ['a port', '10.0.0.1', ['203.0.113.5:4711'], '203.0.113.5, 10.0.0.1'],
    ['IPv6 with brackets and port', '2001:db8::1', ['[2001:db9::5]:4711'], '2001:db9::5, 2001:db8::1'],
    ['IPv4 written as IPv6', '::ffff:10.0.0.1', ['::FFFF:203.0.113.5'], '203.0.113.5, 10.0.0.1'],
    ['a zone', 'fe80::1%eth0', ['203.0.113.5'], 'fe80::1'],
  ])('%s', (_, peer, values, expected) => {
    const headers = values.map((value) => `X-Forwarded-For: ${value}`)
    expect(settled({ headers, peer })).toContain(`x-forwarded-for: ${expected}`)
  })

  test.each([
    ['one value for all hops', ['https'], 'https'],
    ['one a hop: that of the outermost proxy', ['https, http'], 'https'],
    ['more than hops: what is left of them is the caller’s invention', ['gopher, https, http'], 'https'],
    ['in capitals', ['HTTPS'], 'https'],
    ['no protocol', ['javascript'], 'http'],
    ['none', [], 'http'],
  ])('and X-Forwarded-Proto with it: %s', (_, values, expected) => {
    const headers = ['X-Forwarded-For: 203.0.113.5, 192.0.2.7', ...values.map((value) => `X-Forwarded-Proto: ${value}`)]
    expect(settled({ headers, peer: '10.0.0.1' })).toContain(`x-forwarded-proto: ${expected}`)
  })

  test('and X-Forwarded-Host with it, the rest as the proxy sent it', () => {
    const headers = [
      ...['Host: inner', 'X-Forwarded-Host: public.test', 'X-Forwarded-Port: 443', 'x-forwarded-prefix: /os'],
      ...['Forwarded: for=203.0.113.5', 'X_Forwarded_Port: 1', 'X-Forwarded-User: admin', 'X-Forwarded-Client-Cert: a'],
      ...['X-Real-IP: 203.0.113.5', 'X-Original-URL: /_all'],
    ]
    expect(settled({ headers, peer: '10.0.0.1' })).toEqual([
      ...['X-Forwarded-Port: 443', 'x-forwarded-prefix: /os', 'Forwarded: for=203.0.113.5'],
      ...['forwarded: for=10.0.0.1;proto=http', 'x-forwarded-for: 10.0.0.1', 'x-forwarded-proto: http'],
      'x-forwarded-host: public.test',
    ])
    expect(settled({ headers: ['Forwarded: for=x'], peer: '2001:db8::1' })).toContain(
      'forwarded: for="[2001:db8::1]";proto=http',
    )
  })
})

describe('securitytenant', () => {
  const headers = ['SecurityTenant: mine', 'security_tenant: forged', 'Security-Tenant: forged']
  test('goes on where the operator says so, in its own spelling alone', () => {
    expect(settled({ headers, allowTenantHeader: true })[0]).toBe('SecurityTenant: mine')
    expect(settled({ headers, allowTenantHeader: true }).join()).not.toContain('forged')
  })
  test('and not otherwise', () => {
    expect(settled({ headers }).join()).not.toMatch(/mine|forged/)
  })
})

test('Via and the trace go on from what the caller sent', () => {
  const rawHeaders = ['Via', '1.1 edge', 'traceparent', `00-${TRACE}-00f067aa0ba902b7-01`, 'tracestate', 'a=b']
  const rules = { isTrustedProxy: PROXIES, allowTenantHeader: false, identity: undefined }
  expect(settleHeaders({ ...ARRIVAL, rawHeaders, httpVersion: '2.0' }, rules)).toEqual([
    ...['Via', '1.1 edge', 'tracestate', 'a=b', 'via', '2.0 memory-gateway', 'x-request-id', 'r1'],
    ...['traceparent', `00-${TRACE}-${'1'.repeat(16)}-01`],
    ...['x-forwarded-for', '203.0.113.9', 'x-forwarded-proto', 'http'],
  ])
  // The state of a trace that is not continued belongs to nothing.
  const broken = ['traceparent', 'nonsense', 'tracestate', 'a=b']
  expect(settleHeaders({ ...ARRIVAL, rawHeaders: broken }, rules)).not.toContain('tracestate')
})

test('without trusted proxies nobody is trusted, and no address is no proxy', () => {
  const nobody = trustedProxies([])
  for (const address of ['127.0.0.1', '::1', '10.0.0.1', '']) expect(nobody(address)).toBe(false)
  expect(trustedProxies(['0.0.0.0/0', '::/0'])('not an address')).toBe(false)
  expect(trustedProxies(['0.0.0.0/0', '::/0'])('203.0.113.5')).toBe(true)
})

test('an identity of the gateway’s own takes the place of the caller’s, however that is spelt', () => {
  const headers = ['Authorization: Bearer t', 'X-Proxy-User: root', 'x_proxy_roles: all_access', 'X_PROXY-USER: root']
  expect(
    settled({ headers, identity: { 'x-proxy-user': 'carol' } }).filter((line) => /auth|proxy/i.test(line)),
  ).toEqual(['x-proxy-user: carol'])
  expect(settled({ headers }).filter((line) => /auth|proxy/i.test(line))).toEqual(['Authorization: Bearer t'])
})

describe('trailers', () => {
  const headers = ['Trailer: X-Sum, Authorization', 'Trailer: x-proxy-user, X-More', 'Connection: x-more']

  test('are promised where they may go on, behind a body in chunks', () => {
    expect(settled({ headers, isChunked: true })).toContainEqual('trailer: X-Sum')
  })

  test('are not promised behind a body whose length is told, nor where none of them may go on', () => {
    expect(settled({ headers }).join()).not.toMatch(/trailer/i)
    expect(settled({ headers: ['Trailer: authorization'], isChunked: true }).join()).not.toMatch(/trailer/i)
  })
})
