import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { MEMORY_TYPES } from '../../src/core/memory.ts'
import { call } from '../support/call.ts'
import { securedCluster } from '../support/clusters.ts'
import type { SecuredCluster } from '../support/clusters.ts'
import { deleteIn, DIALECTS, errorBody } from '../support/dialects.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { GatewayOverrides, TestGateway } from '../support/gateway.ts'
import { until } from '../support/key-server.ts'
import { adminCertificate, adminUser, securedMemories, securedNode } from '../support/secured-memories.ts'
import type { SecuredMemories } from '../support/secured-memories.ts'

// Server versions without a security plugin on Maven Central have no secured cluster.
const secured = securedCluster()
const onSecured = secured === undefined ? describe.skip : describe
const alice = (container: string): Readonly<Record<string, unknown>> => ({
  memory_container_id: container,
  owner_id: 'alice',
  namespace: { user_id: 'alice' },
})

onSecured('protected system indices', () => {
  let cluster: SecuredCluster
  let memories: SecuredMemories
  const gateways: TestGateway[] = []

  async function start(
    service: GatewayOverrides['cluster']['service'],
    memory: NonNullable<GatewayOverrides['memory']> = {},
  ): Promise<TestGateway> {
    if (service === undefined) throw new Error('name a service identity')
    const gateway = await startTestGateway({ cluster: securedNode(cluster, service), memory })
    gateways.push(gateway)
    return gateway
  }

  beforeAll(() => {
    if (secured === undefined) throw new Error('skipped')
    cluster = secured
    memories = securedMemories(cluster)
  })
  afterEach(async () => {
    for (const gateway of gateways.splice(0)) await gateway.close()
  })
  afterAll(() => memories.removeAll())

  describe("with the super admin's certificate", () => {
    test.each(DIALECTS)('a memory of every type is deleted, and a foreign one stays (%s)', async (dialect) => {
      const container = `${memories.prefix}-${dialect.toLowerCase()}`
      await memories.putContainer(container)
      const gateway = await start(adminCertificate(cluster))
      for (const type of MEMORY_TYPES) {
        const index = memories.indexOf(type)
        const id = `${dialect}-${type}`
        await memories.put(index, id, alice(container), '')
        await memories.put(index, `${id}-foreign`, alice('another'), '')

        const foreign = await deleteIn(dialect, gateway, { container, type, id: `${id}-foreign` })
        const notFound = { type: 'status_exception', reason: 'Memory not found' }
        expect({ status: foreign.status, body: foreign.body }).toEqual({
          status: 404,
          body: errorBody(dialect, 404, notFound),
        })
        expect(await memories.has(index, `${id}-foreign`)).toBe(true)

        const { status, headers, body } = await deleteIn(dialect, gateway, { container, type, id })
        const deleted = {
          _index: index,
          _id: id,
          _version: 2,
          result: 'deleted',
          _shards: { total: 2, successful: 1, failed: 0 },
          _seq_no: expect.any(Number),
          _primary_term: 1,
        }
        expect({ status, body }).toEqual({
          status: 200,
          body: dialect === 'opensearch' ? deleted : { message: 'Memory deleted' },
        })
        expect(headers['x-memory-recovered']).toBeUndefined()
        expect(await memories.has(index, id)).toBe(false)
      }
    })

    test('the backend roles of a container admit, and its owner decides', async () => {
      const container = `${memories.prefix}-roles`
      await memories.putContainer(container, { owner: { name: 'carol' }, backend_roles: ['eng'] })
      const gateway = await start(adminCertificate(cluster))
      await memories.put(memories.indexOf('working'), 'of-alice', alice(container), '')
      const ask = async (roles: readonly string[]): Promise<number> => {
        const token = await gateway.token({ extra: { backend_roles: roles } })
        return (await deleteIn('opensearch', gateway, { container, type: 'working', id: 'of-alice', token })).status
      }
      expect(await ask(['sales'])).toBe(403)
      expect(await ask(['eng'])).toBe(200)
    })

    test('/readyz is content', async () => {
      const gateway = await start(adminCertificate(cluster))
      const { status, body } = await call(gateway.opsUrl, { path: '/readyz' })
      expect({ status, body }).toMatchObject({
        status: 200,
        body: { status: 'ready', checks: { cluster: { ok: true }, maskedIndices: { ok: true, indices: [] } } },
      })
    })
  })

  describe('with a user, from whom they are hidden whatever the roles', () => {
    const masked = {
      type: 'bad_gateway_exception',
      reason: 'The gateway cannot tell whether this exists: the cluster hides the index from the gateway',
    }
    /** A container's index that is like the plugin's, and of this test alone. */
    const hidden = (name: string): string => `.plugins-ml-${memories.prefix}-${name}`

    test.each(DIALECTS)('a hidden container is neither not found nor deleted: 502 (%s)', async (dialect) => {
      const containerIndex = hidden(`containers-${dialect.toLowerCase()}`)
      await memories.putContainer('c', {}, containerIndex)
      await memories.put(memories.indexOf('working'), 'm', alice('c'))
      const gateway = await start(adminUser(cluster), { containerIndex })
      for (const container of ['c', 'of-no-container']) {
        const { status, body } = await deleteIn(dialect, gateway, { container, type: 'working', id: 'm' })
        expect({ status, body }).toEqual({ status: 502, body: errorBody(dialect, 502, masked) })
      }
      expect(await memories.has(memories.indexOf('working'), 'm')).toBe(true)
      const remedy = gateway.logLines.find((line) => line.includes('admin_dn') && line.includes('upstreamMasked'))
      expect(remedy).toContain('clientCertificate')
      const { status, body } = await call(gateway.opsUrl, { path: '/readyz' })
      expect({ status, body }).toMatchObject({
        status: 503,
        body: { checks: { cluster: { ok: true }, maskedIndices: { ok: false, indices: [containerIndex] } } },
      })
    })

    test.each(DIALECTS)('a hidden memory of a container that can be read: 502 (%s)', async (dialect) => {
      const containerIndex = `${memories.prefix}-open-containers-${dialect.toLowerCase()}`
      await memories.putContainer('c', {}, containerIndex)
      const index = memories.indexOf('long-term')
      await memories.put(index, 'm', alice('c'))
      const gateway = await start(adminUser(cluster), { containerIndex })
      const { status, body } = await deleteIn(dialect, gateway, { container: 'c', type: 'long-term', id: 'm' })
      expect({ status, body }).toEqual({ status: 502, body: errorBody(dialect, 502, masked) })
      expect(await memories.has(index, 'm')).toBe(true)
      const ready = await call(gateway.opsUrl, { path: '/readyz' })
      expect(ready.body).toMatchObject({ checks: { maskedIndices: { ok: false, indices: [index] } } })
    })

    test('a hidden memory that no search can show yet: 502 too', async () => {
      const containerIndex = `${memories.prefix}-open-unrefreshed`
      await memories.putContainer('c', {}, containerIndex)
      const index = memories.indexOf('history')
      await memories.put(index, 'first', alice('c'))
      await memories.asAdmin({ method: 'DELETE', path: `/${index}/_doc/first?refresh=true` })
      await memories.asAdmin({
        method: 'PUT',
        path: `/${index}/_settings`,
        json: { index: { refresh_interval: '-1' } },
      })
      await memories.put(index, 'm', alice('c'), '')
      const gateway = await start(adminUser(cluster), { containerIndex })
      const { status, body } = await deleteIn('opensearch', gateway, { container: 'c', type: 'history', id: 'm' })
      expect({ status, body }).toEqual({ status: 502, body: errorBody('opensearch', 502, masked) })
      expect(await memories.has(index, 'm')).toBe(true)
    })

    test('an index without documents hides nothing: an honest 404', async () => {
      const containerIndex = hidden('emptied')
      await memories.putContainer('c', {}, containerIndex)
      await memories.asAdmin({ method: 'DELETE', path: `/${containerIndex}/_doc/c?refresh=true` })
      const gateway = await start(adminUser(cluster), { containerIndex })
      const { status, body } = await deleteIn('opensearch', gateway, { container: 'c', type: 'working', id: 'm' })
      const words = { type: 'status_exception', reason: 'Memory container not found' }
      expect({ status, body }).toEqual({ status: 404, body: errorBody('opensearch', 404, words) })
      expect((await call(gateway.opsUrl, { path: '/readyz' })).status).toBe(200)
    })

    test('an index that is not there hides nothing either', async () => {
      const gateway = await start(adminUser(cluster), { containerIndex: hidden('absent') })
      const { status, body } = await deleteIn('opensearch', gateway, { container: 'c', type: 'working', id: 'm' })
      const words = { type: 'status_exception', reason: 'Memory container not found' }
      expect({ status, body }).toEqual({ status: 404, body: errorBody('opensearch', 404, words) })
      expect((await call(gateway.opsUrl, { path: '/readyz' })).status).toBe(200)
    })

    test('what becomes readable is readable, without a restart', async () => {
      const containerIndex = hidden('later')
      await memories.putContainer('c', {}, containerIndex)
      const gateway = await start(adminUser(cluster), { containerIndex })
      const ask = async (): Promise<number> =>
        (await deleteIn('opensearch', gateway, { container: 'other', type: 'working', id: 'm' })).status
      expect(await ask()).toBe(502)
      await memories.asAdmin({ method: 'DELETE', path: `/${containerIndex}/_doc/c?refresh=true` })
      expect(await ask()).toBe(404)
      expect((await call(gateway.opsUrl, { path: '/readyz' })).status).toBe(200)
    })
  })

  describe('with credentials that the cluster refuses', () => {
    const refused = { type: 'bad_gateway_exception', reason: 'The cluster refused the credentials of the gateway' }
    const unreachable = { type: 'bad_gateway_exception', reason: 'The cluster cannot be reached' }

    test.each<[string, () => GatewayOverrides['cluster'], { type: string; reason: string }, string]>([
      [
        'a wrong password',
        () => securedNode(cluster, { kind: 'basic', username: 'admin', password: 'wrong-password' }),
        refused,
        'upstreamRefusedGateway',
      ],
      [
        'a token that is none',
        () => securedNode(cluster, { kind: 'bearer', token: 'a.b.c' }),
        refused,
        'upstreamRefusedGateway',
      ],
      ['no credentials', () => securedNode(cluster, { kind: 'none' }), refused, 'upstreamRefusedGateway'],
      [
        'a certificate without rights',
        () =>
          securedNode(cluster, {
            kind: 'clientCertificate',
            cert: cluster.access.clientCert,
            key: cluster.access.clientKey,
          }),
        refused,
        'upstreamRefusedGateway',
      ],
      [
        'no knowledge of the authority that signed its certificate',
        () => ({ ...securedNode(cluster, adminCertificate(cluster)), tls: {} }),
        unreachable,
        'upstreamUnavailable',
      ],
    ])('(%s): 502, and never 401 or 403', async (_, node, words, problem) => {
      const gateway = await startTestGateway({ cluster: node() })
      gateways.push(gateway)
      for (const dialect of DIALECTS) {
        const { status, headers, body } = await deleteIn(dialect, gateway, {
          container: 'c',
          type: 'working',
          id: 'm',
        })
        expect({ status, body }).toEqual({ status: 502, body: errorBody(dialect, 502, words) })
        expect(headers['www-authenticate']).toBeUndefined()
      }
      await until(async () => JSON.stringify((await call(gateway.opsUrl, { path: '/readyz' })).body).includes(problem))
      expect(gateway.logLines.join('\n')).not.toContain('wrong-password')
    })
  })
})
