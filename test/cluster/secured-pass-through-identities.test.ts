import { Agent } from 'node:http'

import { afterAll, afterEach, describe, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import type { Reply } from '../support/call.ts'
import { securedCluster } from '../support/clusters.ts'
import type { SecuredCluster } from '../support/clusters.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { GatewayOverrides, TestGateway } from '../support/gateway.ts'
import { adminCertificate, adminUser, securedMemories, securedNode } from '../support/secured-memories.ts'

const secured = securedCluster()
const isReady = secured?.proxyAuth === true
if (secured !== undefined && !isReady) {
  process.stderr.write(
    'secured-pass-through-identities: skipped, the kept cluster is older than its proxy authentication\n',
  )
}
const onProxyAuth = isReady ? describe : describe.skip
const AUTHINFO = '/_plugins/_security/authinfo'
// More at once would be more handshakes than a small machine makes within the connect timeout.
const agent = new Agent({ keepAlive: true, maxSockets: 16 })
const opened: { close(): Promise<void> }[] = []

afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one.close()
})

afterAll(() => agent.destroy())

type PassThrough = NonNullable<GatewayOverrides['cluster']['passThrough']>
type Service = NonNullable<GatewayOverrides['cluster']['service']>

function theCluster(): SecuredCluster {
  if (secured === undefined) throw new Error('skipped')
  return secured
}

async function start(passThrough: PassThrough, service?: Service): Promise<TestGateway> {
  const cluster = theCluster()
  const own = service ?? adminCertificate(cluster)
  const gateway = await startTestGateway({ cluster: { ...securedNode(cluster, own), passThrough } })
  opened.push(gateway)
  return gateway
}

const ownPair = (): PassThrough => {
  const { clientCert, clientKey } = theCluster().access
  return { identity: 'proxyHeaders', cert: clientCert, key: clientKey }
}

onProxyAuth.each(['undici', 'http-proxy-middleware'] as const)('passed through by %s', (engine) => {
  const whoAmI = async (
    gateway: TestGateway,
    subject: string,
    backendRoles: readonly string[],
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reply> => {
    const token = await gateway.token({ subject, scopes: ['opensearch:admin'], extra: { backend_roles: backendRoles } })
    return call(gateway.url, { path: AUTHINFO, token, headers, agent })
  }

  test('with proxyHeaders a request is its caller’s, by name and backend roles, whatever else it says', async () => {
    const gateway = await start({ ...ownPair(), engine })
    const claims = { 'X-Proxy-User': 'admin', x_proxy_roles: 'all_access', 'x-forwarded-for': '127.0.0.1' }
    for (const headers of [{}, claims]) {
      const { status, body } = await whoAmI(gateway, 'carol', ['team-a', 'team-b'], headers)
      const { user_name, backend_roles } = body as { user_name: string; backend_roles: readonly string[] }
      expect({ status, user_name, backend_roles: backend_roles.toSorted() }).toEqual({
        status: 200,
        user_name: 'carol',
        backend_roles: ['team-a', 'team-b'],
      })
    }
  })

  test('with proxyHeaders a name that would be read as another is refused by us', async () => {
    const gateway = await start({ ...ownPair(), engine })
    expect((await whoAmI(gateway, 'carol', ['a,all_access'])).status).toBe(403)
    expect((await whoAmI(gateway, 'zoë', [])).status).toBe(403)
  })

  test('with service it is the service identity', async () => {
    const gateway = await start({ identity: 'service', engine }, adminUser(theCluster()))
    expect((await whoAmI(gateway, 'carol', [])).body).toMatchObject({ user_name: 'admin' })
    expect(gateway.logLines.join('\n')).toContain('the gateway is the only guard')
  })

  test('with proxyHeaders it is never the admin, among 500 requests and memory deletes by the admin certificate', async () => {
    const cluster = theCluster()
    const memories = securedMemories(cluster)
    opened.push({ close: () => memories.removeAll() })
    const gateway = await start({ ...ownPair(), engine })
    const container = `${memories.prefix}-c`
    await memories.putContainer(container)
    const index = memories.indexOf('working')
    const ids = Array.from({ length: 250 }, (_, number) => `m-${String(number)}`)
    const lines = ids.flatMap((id) => [
      JSON.stringify({ index: { _index: index, _id: id } }),
      JSON.stringify({ memory_container_id: container, owner_id: 'alice' }),
    ])
    const headers = { 'content-type': 'application/x-ndjson' }
    await memories.asAdmin({ method: 'POST', path: '/_bulk?refresh=true', body: `${lines.join('\n')}\n`, headers })
    await memories.put(index, 'canary', { text: 'canary' })
    const token = await gateway.token()
    const seen = await Promise.all(
      ids.map(async (id, number) => {
        const path = `/_plugins/_ml/memory_containers/${container}/memories/working/${id}`
        const [deleted, who] = await Promise.all([
          call(gateway.url, { method: 'DELETE', path, token, agent }),
          whoAmI(gateway, `user-${String(number)}`, ['admin']),
        ])
        const { user_name, principal } = who.body as { user_name?: string; principal?: string | null }
        const isSelf = user_name === `user-${String(number)}`
        return { deleted: deleted.status, asked: who.status, said: isSelf ? 'itself' : who.text, principal }
      }),
    )
    // The principal is that of the pair's own certificate: with the admin's it would name the admin.
    for (const one of seen) expect(one).toMatchObject({ deleted: 200, asked: 200, said: 'itself' })
    expect(seen.filter(({ principal }) => principal?.includes('CN=admin') === true)).toEqual([])
  })
})

onProxyAuth('a gateway does not start', () => {
  test('with the service pair for proxyHeaders', async () => {
    const { adminCert, adminKey } = theCluster().access
    await expect(start({ identity: 'proxyHeaders', cert: adminCert, key: adminKey })).rejects.toThrow(
      "is the service identity's too",
    )
  })

  test('with proxyHeaders and no pair, nor with a pair for another identity', async () => {
    await expect(start({ identity: 'proxyHeaders' })).rejects.toThrow('needs cert and key')
    await expect(start({ ...ownPair(), identity: 'caller' })).rejects.toThrow('only with identity proxyHeaders')
  })
})
