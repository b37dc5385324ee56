import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { makeCertificates } from '../../src/local-cluster/certificates.ts'
import type { Certificates } from '../../src/local-cluster/certificates.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { GatewayOverrides, TestGateway } from '../support/gateway.ts'
import { HANDSHAKE, headOf, openCallers } from '../support/upgrade-caller.ts'
import type { Caller } from '../support/upgrade-caller.ts'
import { until } from '../support/until.ts'
import { startWebSocketNode } from '../support/websocket-node.ts'
import type { WebSocketNode } from '../support/websocket-node.ts'

// Upgrades toward nodes with TLS that ask for a certificate. OpenSearch answers none, so the node is the test's own.

type PassThrough = NonNullable<GatewayOverrides['cluster']['passThrough']>

const callers = openCallers()
const closers: (() => unknown)[] = []
let certificates: Certificates
let node: WebSocketNode

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'memory-gateway-upgrade-'))
  closers.push(() => rm(folder, { recursive: true, force: true }))
  certificates = await makeCertificates(folder)
  const { ca, node: own } = certificates
  const [ca_, cert, key] = await Promise.all([ca, own.cert, own.key].map((file) => readFile(file)))
  // Whoever has no certificate is let in, and seen to have none.
  node = await startWebSocketNode({ ca: ca_, cert, key, requestCert: true, rejectUnauthorized: false })
  closers.push(() => node.close())
})
afterEach(async () => {
  callers.leave()
  await until(() => node.sockets.size === 0)
  node.reset()
})
afterAll(async () => {
  for (const close of closers.reverse()) await close()
})

async function start(passThrough: PassThrough, tls: { ca?: string } = { ca: certificates.ca }): Promise<TestGateway> {
  const gateway = await startTestGateway({
    guard: { rules: [{ paths: ['/live/**'], scopes: ['opensearch:admin'], upgrade: ['websocket'] }] },
    cluster: { nodes: [node.url], tls, passThrough },
  })
  closers.push(() => gateway.close())
  return gateway
}

async function ask(
  gateway: TestGateway,
  claims: { readonly subject: string; readonly extra?: Readonly<Record<string, unknown>> },
  headers: readonly string[] = [],
): Promise<Caller> {
  const token = await gateway.token({ scopes: ['opensearch:admin'], ...claims })
  const caller = callers.open(gateway, headOf(token, 'GET /live/feed HTTP/1.1', [...HANDSHAKE, ...headers]))
  await until(() => caller.closed() || caller.text().includes('\r\n\r\n'))
  return caller
}

/** Whose certificate the node has seen. */
function shown(): string | undefined {
  const socket = node.requests[0]?.socket as TLSSocket
  const { subject } = socket.getPeerCertificate() as { subject?: { CN?: string } }
  return socket.authorized ? subject?.CN : undefined
}

describe.each(['undici', 'http-proxy-middleware'] as const)('with %s', (engine) => {
  const ownPair = (): PassThrough => {
    const { cert, key } = certificates.client
    return { engine, identity: 'proxyHeaders', cert, key }
  }

  test('proxyHeaders: the node sees the gateway’s certificate, the caller’s name and roles, and nothing else that says who', async () => {
    const gateway = await start(ownPair())
    const lies = ['X-Proxy-User: admin', 'x_proxy_roles: all_access', 'X-Forwarded-For: 10.0.0.1']
    const caller = await ask(gateway, { subject: 'carol', extra: { backend_roles: ['team-a', 'team-b'] } }, lies)
    expect(caller.status()).toBe(101)
    expect(shown()).toBe('client')
    const { headers, rawHeaders } = node.requests[0] ?? {}
    expect(headers).toMatchObject({
      'x-proxy-user': 'carol',
      'x-proxy-roles': 'team-a,team-b',
      'x-forwarded-for': '127.0.0.1',
      upgrade: 'websocket',
    })
    expect(headers).not.toHaveProperty('authorization')
    expect(rawHeaders?.filter((text) => /admin|all_access|10\.0\.0\.1/.test(text))).toEqual([])
    // Bytes go both ways over it: an empty frame comes back.
    const before = caller.text().length
    caller.socket.write(Buffer.from([0x81, 0x80, 0, 0, 0, 0]))
    await until(() => caller.text().length === before + 2)
  })

  test('proxyHeaders: a name that the cluster would read as another is refused, and the node asked for nothing', async () => {
    const gateway = await start(ownPair())
    for (const claims of [{ subject: 'zoë' }, { subject: 'carol', extra: { backend_roles: ['a,all_access'] } }]) {
      expect((await ask(gateway, claims)).status()).toBe(403)
    }
    expect(node.requests).toHaveLength(0)
  })

  test('caller: the node sees the caller’s token, and no certificate', async () => {
    const gateway = await start({ engine, identity: 'caller' })
    expect((await ask(gateway, { subject: 'carol' })).status()).toBe(101)
    expect(shown()).toBeUndefined()
    const { headers } = node.requests[0] ?? {}
    expect(headers?.authorization).toMatch(/^Bearer /)
    expect(headers).not.toHaveProperty('x-proxy-user')
  })

  test('a node whose certificate no authority of the cluster has signed: 502, and it is asked for nothing', async () => {
    const gateway = await start({ engine, identity: 'caller' }, {})
    expect((await ask(gateway, { subject: 'carol' })).status()).toBe(502)
    expect(node.requests).toHaveLength(0)
  })
})
