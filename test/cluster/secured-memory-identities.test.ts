import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import { clusterTokens } from '../support/cluster-tokens.ts'
import type { ClusterTokens } from '../support/cluster-tokens.ts'
import { securedCluster } from '../support/clusters.ts'
import type { SecuredCluster } from '../support/clusters.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { GatewayOverrides, TestGateway } from '../support/gateway.ts'
import { startIdentityMirror } from '../support/identity-mirror.ts'
import type { IdentityMirror } from '../support/identity-mirror.ts'
import { until } from '../support/key-server.ts'
import { adminCertificate, adminUser, securedMemories } from '../support/secured-memories.ts'
import type { SecuredMemories } from '../support/secured-memories.ts'
import { explain } from '../support/explain.ts'

// As whom the memory routes come to the real security plugin, and with which certificate.

const secured = securedCluster()
const onSecured = secured?.proxyAuth === true ? describe : describe.skip
const CONTAINERS = '/_plugins/_ml/memory_containers'
const closers: (() => unknown)[] = []
let cluster: SecuredCluster
let memories: SecuredMemories
let mirror: IdentityMirror
let tokens: ClusterTokens
let containerIndex: string

type Cluster = GatewayOverrides['cluster']

async function start(own: Omit<Cluster, 'nodes'>, at?: Cluster): Promise<TestGateway> {
  const gateway = await startTestGateway({
    cluster: { nodes: [mirror.url], tls: { ca: mirror.ca }, ...at, ...own },
    memory: { containerIndex },
    moreIssuers: [tokens.issuer],
  })
  closers.push(() => gateway.close())
  return gateway
}

onSecured('memory routes on the secured cluster', () => {
  beforeAll(async () => {
    if (secured === undefined) throw new Error('skipped')
    cluster = secured
    memories = securedMemories(cluster)
    tokens = await clusterTokens(cluster)
    mirror = await startIdentityMirror(cluster)
    closers.push(
      () => memories.removeAll(),
      () => tokens.close(),
      () => mirror.close(),
    )
    // No system indices: users of the cluster, administrators too, could not read those.
    containerIndex = `${memories.prefix}-containers`
    const configuration = { index_prefix: memories.prefix, use_system_index: false, disable_session: false }
    await memories.putContainer('c', { configuration }, containerIndex)
    for (const id of ['m', 'old-token', 'new-token', 'refused']) {
      await memories.put(`${memories.prefix}-memory-working`, id, { memory_container_id: 'c', owner_id: 'alice' })
    }
  })
  afterAll(async () => {
    for (const close of closers.toReversed()) await close()
  })

  const FORWARDED = [
    ['POST', '/c/memories'],
    ['POST', '/c/memories/sessions'],
    ['GET', '/c'],
    ['PUT', '/c'],
    ['PUT', '/c/memories/working/m'],
    ['POST', '/_create'],
    ['POST', '/_search'],
  ] as const
  const SCOPES = ['memory:read', 'memory:write', 'opensearch:admin']
  /** What a caller might say to be somebody else. */
  const CLAIMS = {
    'X-Proxy-User': 'admin',
    x_proxy_roles: 'all_access',
    'x-proxy-ext-attr': 'admin',
    'X-Proxy-Ext-Roles': 'admin',
    'content-type': 'application/json',
  }

  /** Asks each of the forwarded routes; who the cluster said that it was. */
  async function askAll(gateway: TestGateway, token: string) {
    mirror.take()
    const said = []
    for (const [method, path] of FORWARDED) {
      const body = method === 'GET' ? {} : { body: '{}' }
      const { status, body: who } = await call(gateway.url, {
        method,
        path: CONTAINERS + path,
        token,
        headers: CLAIMS,
        ...body,
      })
      const { user_name, backend_roles } = who as { user_name?: string; backend_roles?: readonly string[] }
      said.push({ status, user_name, backend_roles: backend_roles?.toSorted() })
    }
    const passed = mirror.take()
    const forwarded = passed.filter(({ isForPlugin }) => isForPlugin)
    const looks = passed.filter(({ isForPlugin }) => !isForPlugin)
    expect(forwarded.map(({ method, target }) => [method, target.slice(CONTAINERS.length)])).toEqual(FORWARDED)
    expect(looks.length).toBeGreaterThan(0)
    return { said, forwarded, looks }
  }

  const each = <Value>(value: Value): Value[] => FORWARDED.map(() => value)
  const ofAlice = (gateway: TestGateway, roles: readonly string[] = ['team-a', 'team-b']): Promise<string> =>
    gateway.token({ subject: 'alice', scopes: SCOPES, extra: { backend_roles: roles } })
  const ownPair = () =>
    ({ identity: 'proxyHeaders', cert: cluster.access.clientCert, key: cluster.access.clientKey }) as const

  describe.each(['undici', 'http-proxy-middleware'] as const)('passed through by %s', (engine) => {
    test('with proxyHeaders each is its caller’s, on connections of the pair for callers; the service pair only looks', async () => {
      const gateway = await start({ service: adminCertificate(cluster), passThrough: { ...ownPair(), engine } })
      const { said, forwarded, looks } = await askAll(gateway, await ofAlice(gateway))
      expect(said).toEqual(each({ status: 200, user_name: 'alice', backend_roles: ['team-a', 'team-b'] }))
      expect(forwarded.map(({ pair }) => pair)).toEqual(each('client'))
      expect(new Set(looks.map(({ pair }) => pair))).toEqual(new Set(['admin']))
      for (const { headers } of forwarded) {
        expect(headers).toMatchObject({ 'x-proxy-user': 'alice', 'x-proxy-roles': 'team-a,team-b' })
        expect(Object.keys(headers).filter((name) => /authorization|proxy.ext|proxy_/.test(name))).toEqual([])
      }
      for (const { headers } of looks) expect(Object.keys(headers).filter((name) => name.includes('proxy'))).toEqual([])
    })

    test('with proxyHeaders a caller that cannot be named is refused, and explain says so', async () => {
      const gateway = await start({ service: adminCertificate(cluster), passThrough: { ...ownPair(), engine } })
      const token = await ofAlice(gateway, ['a,all_access'])
      mirror.take()
      for (const [method, path] of FORWARDED) {
        const question = { method, path: CONTAINERS + path, token }
        expect(await explain(gateway, question)).toMatchObject({ by: 'identity', answer: { status: 403 } })
        const body = method === 'GET' ? {} : { body: '{}' }
        expect((await call(gateway.url, { ...question, headers: CLAIMS, ...body })).status).toBe(403)
      }
      expect(mirror.take().filter(({ isForPlugin }) => isForPlugin)).toEqual([])
    })

    test('with caller each is its caller’s by their own token, without any certificate', async () => {
      const gateway = await start({ service: adminCertificate(cluster), passThrough: { engine } })
      const scopes = [...SCOPES, 'memory:read:any', 'memory:write:any']
      const token = tokens.token({ subject: 'carol', roles: ['team-a'], scopes })
      const { said, forwarded, looks } = await askAll(gateway, token)
      expect(said).toEqual(each({ status: 200, user_name: 'carol', backend_roles: ['team-a'] }))
      expect(forwarded.map(({ pair }) => pair)).toEqual(each(undefined))
      expect(new Set(looks.map(({ pair }) => pair))).toEqual(new Set(['admin']))
    })

    test('with service each is the service identity’s, without the caller’s token; on connections of its own', async () => {
      const gateway = await start({ service: adminUser(cluster), passThrough: { identity: 'service', engine } })
      const { said, forwarded, looks } = await askAll(gateway, await ofAlice(gateway))
      expect(said).toEqual(each({ status: 200, user_name: 'admin', backend_roles: ['admin'] }))
      for (const { headers } of forwarded) {
        expect(headers.authorization).toMatch(/^Basic /)
        expect(Object.keys(headers).filter((name) => name.includes('proxy'))).toEqual([])
      }
      const used = new Set(looks.map(({ connection }) => connection))
      expect(forwarded.filter(({ connection }) => used.has(connection))).toEqual([])
    })
  })

  test('a service token is read anew from its file: the old one expires, and deletes go on with the new one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'memory-gateway-token-'))
    closers.push(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'token')
    // The cluster grants 30 s of clock skew: it takes this one for some seconds yet.
    const old = tokens.token({ subject: 'gateway', roles: ['admin'], ttlSeconds: -26 })
    writeFileSync(file, old)
    const node = { nodes: [cluster.url], tls: { ca: cluster.access.ca } }
    const gateway = await start({ service: { kind: 'bearer', token: `file:${file}` } }, node)
    const token = await gateway.token({ subject: 'alice', scopes: ['memory:delete'] })
    const remove = async (id: string): Promise<number> =>
      (await call(gateway.url, { method: 'DELETE', path: `${CONTAINERS}/c/memories/working/${id}`, token })).status
    expect(await remove('old-token')).toBe(200)
    const tls = { ca: readFileSync(cluster.access.ca) }
    const asOld = { path: '/_plugins/_security/authinfo', token: old, tls }
    await until(async () => (await call(cluster.url, asOld)).status === 401)
    expect(await remove('refused')).toBe(502)
    writeFileSync(file, tokens.token({ subject: 'gateway', roles: ['admin'] }))
    await until(async () => (await remove('new-token')) === 200)
    expect(await memories.has(`${memories.prefix}-memory-working`, 'refused')).toBe(true)
    expect(await memories.has(`${memories.prefix}-memory-working`, 'new-token')).toBe(false)
    expect(gateway.logLines.join('')).not.toContain(old)
  })
})
