import { Agent } from 'node:http'

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { readFileSync } from 'node:fs'

import { call } from '../support/call.ts'
import type { Reply } from '../support/call.ts'
import { clusterTokens } from '../support/cluster-tokens.ts'
import type { ClusterTokens } from '../support/cluster-tokens.ts'
import { securedCluster } from '../support/clusters.ts'
import type { SecuredCluster } from '../support/clusters.ts'
import { startConnectionTap } from '../support/connection-tap.ts'
import type { ConnectionTap } from '../support/connection-tap.ts'
import { deleteIn } from '../support/dialects.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { adminCertificate, securedMemories, securedNode } from '../support/secured-memories.ts'
import type { SecuredMemories } from '../support/secured-memories.ts'

// Server versions without a security plugin on Maven Central have no secured cluster.
const secured = securedCluster()
const onSecured = secured === undefined ? describe.skip : describe
const AUTHINFO = '/_plugins/_security/authinfo'
const ADMIN_DN = 'CN=admin'
const CANARY = 'canary-7b1e'

/** Who the cluster says that a request was. */
interface AuthInfo {
  readonly user_name: string
  readonly backend_roles: readonly string[]
  readonly principal: string | null
}

onSecured.each(['undici', 'http-proxy-middleware'] as const)(
  'a gateway that is the super admin toward the cluster, with the engine %s: a request passed through',
  (engine) => {
    let cluster: SecuredCluster
    let memories: SecuredMemories
    let tokens: ClusterTokens
    let tap: ConnectionTap
    let gateway: TestGateway
    let container: string
    /** Tokens that may pass the gateway. */
    let ofCarol: string
    let ofAllAccess: string
    let gatewayOnly: string
    const agent = new Agent({ keepAlive: true, maxSockets: 16 })

    beforeAll(async () => {
      if (secured === undefined) throw new Error('skipped')
      cluster = secured
      memories = securedMemories(cluster)
      tokens = await clusterTokens(cluster)
      tap = await startConnectionTap(cluster.url)
      container = `${memories.prefix}-c`
      await memories.putContainer(container)
      await memories.put(memories.indexOf('working'), 'canary', { text: CANARY })
      gateway = await startTestGateway({
        cluster: {
          ...securedNode(cluster, adminCertificate(cluster)),
          nodes: [tap.url],
          passThrough: { engine },
          // Connections close as soon as they are idle, so that sessions are resumed all the time.
          idleTimeout: '1ms',
        },
        moreIssuers: [tokens.issuer],
      })
      ofCarol = tokens.token({ subject: 'carol', scopes: ['opensearch:admin'] })
      ofAllAccess = tokens.token({ subject: 'root', roles: ['admin'], scopes: ['opensearch:admin'] })
      gatewayOnly = await gateway.token({ subject: 'mallory', scopes: ['opensearch:admin'] })
    })
    afterAll(async () => {
      agent.destroy()
      await gateway.close()
      await tap.close()
      await tokens.close()
      await memories.removeAll()
    })

    const pass = (path: string, token: string): Promise<Reply> => call(gateway.url, { path, token, agent })
    const direct = (path: string, token: string): Promise<Reply> =>
      call(cluster.url, { path, token, tls: { ca: readFileSync(cluster.access.ca) } })

    async function deleteOne(id: string): Promise<void> {
      await memories.put(memories.indexOf('working'), id, { memory_container_id: container, owner_id: 'alice' }, '')
      const { status } = await deleteIn('opensearch', gateway, { container, type: 'working', id })
      expect(status).toBe(200)
    }

    function expectToBe(user: string, { status, text, body }: Reply): void {
      expect(status).toBe(200)
      expect(body).toMatchObject({ user_name: user, principal: null } satisfies Partial<AuthInfo>)
      expect(text).not.toContain(ADMIN_DN)
    }

    test('is whom its token names, and 401 where the cluster does not know the token', async () => {
      expectToBe('carol', await pass(AUTHINFO, ofCarol))
      expectToBe('root', await pass(AUTHINFO, ofAllAccess))
      const unknown = await pass(AUTHINFO, gatewayOnly)
      const asked = await direct(AUTHINFO, gatewayOnly)
      expect({ status: unknown.status, text: unknown.text }).toEqual({ status: 401, text: asked.text })
    })

    test('reads a protected document as little as it would without the gateway', async () => {
      const index = memories.indexOf('working')
      for (const token of [ofCarol, ofAllAccess, gatewayOnly]) {
        for (const path of [`/${index}/_doc/canary`, `/${index}/_search`, `/.plugins-ml-*/_search?q=text:${CANARY}`]) {
          const through = await pass(path, token)
          const asked = await direct(path, token)
          const untimed = ({ text }: Reply): string => text.replace(/"took":\d+/, '"took":0')
          expect({ status: through.status, text: untimed(through) }).toEqual({
            status: asked.status,
            text: untimed(asked),
          })
          expect(through.text).not.toContain(CANARY)
        }
      }
      expect((await memories.asAdmin({ path: `/${index}/_doc/canary` })).text).toContain(CANARY)
    })

    test('stays so right after a memory delete on the same node', async () => {
      for (let round = 0; round < 10; round++) {
        await deleteOne(`${engine}-after-${String(round)}`)
        expectToBe('carol', await pass(AUTHINFO, ofCarol))
        expect((await pass(AUTHINFO, gatewayOnly)).status).toBe(401)
      }
    })

    test('stays so among 500 requests at once, while TLS sessions are resumed', async () => {
      const index = memories.indexOf('working')
      const ids = Array.from({ length: 200 }, (_, number) => `${engine}-among-${String(number)}`)
      const lines = ids.flatMap((id) => [
        JSON.stringify({ index: { _index: index, _id: id } }),
        JSON.stringify({ memory_container_id: container, owner_id: 'alice' }),
      ])
      await memories.asAdmin({
        method: 'POST',
        path: '/_bulk',
        body: `${lines.join('\n')}\n`,
        headers: { 'content-type': 'application/x-ndjson' },
      })
      const token = await gateway.token()
      const before = tap.offeredResumption.length
      const work = ids.flatMap((id) => [
        async () => {
          const path = `/_plugins/_ml/memory_containers/${container}/memories/working/${id}`
          expect((await call(gateway.url, { method: 'DELETE', path, token, agent })).status).toBe(200)
        },
        async () => expectToBe('carol', await pass(AUTHINFO, ofCarol)),
      ])
      const unknown = Array.from({ length: 100 }, () => async () => {
        const { status, text } = await pass(`/${index}/_doc/canary`, gatewayOnly)
        expect({ status, leaks: text.includes(CANARY) }).toEqual({ status: 401, leaks: false })
      })
      await Promise.all([...work, ...unknown].map((run) => run()))
      const offers = tap.offeredResumption.slice(before)
      expect(offers.filter((resumes) => resumes).length).toBeGreaterThan(20)
    })
  },
)
