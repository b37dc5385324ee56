import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'

import { describe, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import { securedCluster } from '../support/clusters.ts'
import { startTestGateway } from '../support/gateway.ts'
import { securedMemories, securedNode } from '../support/secured-memories.ts'
import type { SecuredMemories } from '../support/secured-memories.ts'
import { until } from '../support/until.ts'

const secured = securedCluster()
const onSecured = secured === undefined ? describe.skip : describe
const DOCUMENT = readFileSync(new URL('../../docs/audit.md', import.meta.url), 'utf8')
/** What the document says that the service identity needs on the index. */
const rightsIn = (text: RegExp): readonly string[] => text.exec(DOCUMENT)?.[1]?.match(/[a-z]+:[\w/*]+/g) ?? []
const ON_INDEX = rightsIn(/which needs (`indices:[^]*?) on it, and in that case/)
const ON_CLUSTER = rightsIn(/on it, and in that case\s+(`indices:[^]*?) on the cluster\./)
const OPS_TOKEN = 'operator-token-0123456789'

onSecured('a deny list on a cluster with the security plugin', () => {
  test('works with the rights that the document names', async () => {
    if (secured === undefined) return
    const memories = securedMemories(secured)
    const { prefix } = memories
    const asAdmin: SecuredMemories['asAdmin'] = (request) => memories.asAdmin(request)
    const index = `.revocations-${prefix}`
    const [username, password] = [`revocations-${prefix}`, `Aa1!${randomBytes(12).toString('base64url')}`]
    const security = '/_plugins/_security/api'
    const put = async (path: string, json: unknown): Promise<void> =>
      expect((await asAdmin({ method: 'PUT', path: `${security}/${path}`, json })).status).toBe(201)
    expect([ON_INDEX.length, ON_CLUSTER.length]).toEqual([5, 2])
    await put(`internalusers/${username}`, { password })
    const index_permissions = [{ index_patterns: [index], allowed_actions: ON_INDEX }]
    await put(`roles/${username}`, { cluster_permissions: ON_CLUSTER, index_permissions })
    await put(`rolesmapping/${username}`, { users: [username] })
    const gateway = await startTestGateway({
      cluster: securedNode(secured, { kind: 'basic', username, password }),
      ops: { port: 0, token: OPS_TOKEN },
      revocation: { index: { name: index }, interval: '200ms', accept: true },
    })
    try {
      const token = await gateway.token({ subject: 'eve', scopes: [] })
      const statusOf = async (): Promise<number> =>
        (await call(gateway.url, { method: 'DELETE', path: '/api/memories/x', token })).status
      await until(async () => (await statusOf()) === 403)
      const answer = await call(gateway.opsUrl, {
        method: 'POST',
        path: '/revocations',
        token: OPS_TOKEN,
        headers: { 'content-type': 'application/json' },
        body: '{"subject":"eve"}',
      })
      expect([answer.status, await statusOf()]).toEqual([201, 401])
      await asAdmin({ method: 'PUT', path: `/${index}/_doc/over?refresh=true`, json: { jti: 'a', until: 1_000 } })
      const isOverThere = async (): Promise<boolean> => (await asAdmin({ path: `/${index}/_doc/over` })).status === 200
      expect(await isOverThere()).toBe(true)
      await until(async () => !(await isOverThere()))
      expect(gateway.logLines.filter((line) => line.includes('deny list of tokens cannot'))).toEqual([])
    } finally {
      await gateway.close()
      for (const path of ['rolesmapping', 'roles', 'internalusers'])
        await asAdmin({ method: 'DELETE', path: `${security}/${path}/${username}` })
      await asAdmin({ method: 'DELETE', path: `/${index}` })
    }
  })
})
