import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { plainCluster } from '../support/clusters.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { rawRequest, sendRaw } from '../support/raw-http.ts'

/** Headers by which a proxy tells a cluster who is calling, or from where: oauth2-proxy CVE-2025-64484, Oathkeeper GHSA-vhr5-ggp3-qq85. */
const FORGED: readonly string[] = [
  'x-proxy-user: admin',
  'x-proxy-roles: admin',
  'X-Proxy-User: admin',
  'X_Proxy_User: admin',
  'x_proxy-roles: admin',
  'X-PROXY-EXT-A: admin',
  'x-opendistro-security-user: admin',
  'X_Opendistro_Security_Roles: admin',
  '_opendistro_security_user: admin',
  '_Opendistro-Security-Ssl-Principal: CN=admin',
  '_opendistro_security_ssl_transport_principal: CN=admin',
  'opendistro_security_impersonate_as: admin',
  'Opendistro-Security-Impersonate-As: admin',
  'securitytenant: admin_tenant',
  'security_tenant: admin_tenant',
  'Security-Tenant: admin_tenant',
  'SecurityTenant: admin_tenant',
  'x-forwarded-for: 127.0.0.1',
  'X_Forwarded_For: 127.0.0.1',
  'X-Forwarded-Host: elsewhere.test',
  'x-forwarded-user: admin',
  'X_Forwarded_User: admin',
  'X-Forwarded-Client-Cert: Subject="CN=admin"',
  'Forwarded: for=127.0.0.1;by=admin',
  'X-Real-IP: 127.0.0.1',
  'X-Original-URL: /.plugins-ml-am-memory-container/_search',
  'X-Rewrite-URL: /.plugins-ml-am-memory-container/_search',
  'X_Original_Url: /_all',
]

/** What the gateway adds: once each, with its own values. */
const OURS = ['via', 'x-request-id', 'traceparent', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host']

describe.each(['undici', 'http-proxy-middleware'] as const)('identity headers through the engine %s', (engine) => {
  let proxy: FaultProxy
  let gateway: TestGateway
  let authorization: string

  beforeAll(async () => {
    proxy = await startFaultProxy(plainCluster().url)
    gateway = await startTestGateway({ cluster: { nodes: [proxy.url], passThrough: { engine } } })
    authorization = `Authorization: Bearer ${await gateway.token({ scopes: ['opensearch:admin'] })}`
    proxy.reset()
  })
  afterEach(() => proxy.reset())
  afterAll(async () => {
    await gateway.close()
    await proxy.close()
  })

  /** Names of the headers that the cluster got, as they came. */
  async function sendAndSee(headers: readonly string[]): Promise<readonly string[]> {
    const { statuses } = await sendRaw(gateway.url, rawRequest('GET /_cluster/health', [authorization, ...headers]))
    expect(statuses.filter((status) => status !== 100)).toEqual([200])
    const [seen, ...others] = proxy.requests
    expect(others).toEqual([])
    expect(seen?.target).toBe('/_cluster/health')
    const names = (seen?.rawHeaders ?? []).filter((_, position) => position % 2 === 0).map((name) => name.toLowerCase())
    expect(names.filter((name) => OURS.includes(name))).toEqual(OURS)
    expect(seen?.headers).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'gateway.test',
      via: '1.1 memory-gateway',
    })
    return names.filter((name) => !OURS.includes(name))
  }

  test.each([...FORGED, 'X_Request_Id: forged', 'X_Forwarded_Proto: https'])('%s stays here', async (forged) => {
    const name = forged.slice(0, forged.indexOf(':')).toLowerCase()
    expect(await sendAndSee([forged, 'X-Kept: 1', forged.toUpperCase()])).toEqual(expect.not.arrayContaining([name]))
    expect(proxy.requests[0]?.headers['x-kept']).toBe('1')
  })

  test('all of them at once, under Expect too', async () => {
    const names = new Set(await sendAndSee([...FORGED, 'Expect: 100-continue']))
    names.delete('connection')
    expect([...names].sort()).toEqual(['authorization', 'host'])
  })

  test('headers that only look alike go on', async () => {
    const alike = ['X-Proxied: 1', 'X-Forward: 2', 'X-Opaque-Id: 3', 'Constructor: 4', 'X-Security: 5', 'Cookie: a=b']
    const names = await sendAndSee(alike)
    expect(names).toEqual(expect.arrayContaining(alike.map((header) => header.replace(/:.*/, '').toLowerCase())))
  })

  test.each([
    'x-request-id',
    'X-Request-Id',
    'X_Request_Id, x-request-id',
    'host',
    'authorization',
    'content-type, close',
  ])('Connection: %s takes nothing of ours away (Fabio CVE-2025-48865)', async (named) => {
    await sendAndSee([
      `Connection: close, ${named}, via, x-forwarded-for`,
      'X-Request-Id: chosen',
      'Content-Type: application/json',
    ])
    const { headers } = proxy.requests[0] ?? { headers: {} }
    expect(headers).toMatchObject({
      'x-request-id': 'chosen',
      host: new URL(proxy.url).host,
      authorization: authorization.replace('Authorization: ', ''),
      'content-type': 'application/json',
    })
  })

  test('Connection takes what the caller named and what ends at this hop', async () => {
    const names = await sendAndSee([
      'Connection: close, x-one',
      'Connection: X-Two',
      'X-One: 1',
      'X-Two: 2',
      'X-Three: 3',
      'Keep-Alive: timeout=9',
      'TE: trailers',
      'Proxy-Authorization: Basic YTpi',
      'Proxy-Connection: keep-alive',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABk',
    ])
    expect(names).toContain('x-three')
    const ended = ['x-one', 'x-two', 'keep-alive', 'te', 'proxy-authorization', 'proxy-connection', 'upgrade']
    for (const name of [...ended, 'http2-settings']) expect(names).not.toContain(name)
    expect(proxy.requests[0]?.headers.connection).not.toContain('x-one')
  })

  test('Host never picks the upstream (http-proxy-middleware CVE-2026-55602)', async () => {
    const request = `GET /_cluster/health HTTP/1.1\r\nHost: elsewhere.test:9200\r\n${authorization}\r\nConnection: close\r\n\r\n`
    expect((await sendRaw(gateway.url, request)).statuses).toEqual([200])
    expect(proxy.requests[0]?.headers.host).toBe(new URL(proxy.url).host)
    expect(proxy.requests[0]?.headers['x-forwarded-host']).toBe('elsewhere.test:9200')
  })

  test('a request id that is none is replaced, one of ours for each request', async () => {
    for (const id of ['a b', '<script>', 'x'.repeat(129), 'a"b', '']) {
      proxy.reset()
      await sendAndSee([`X-Request-Id: ${id}`, `X-Request-Id: second`])
      expect(proxy.requests[0]?.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/)
    }
  })
})
