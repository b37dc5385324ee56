import { afterAll, afterEach, describe, expect, test } from '@jest/globals'

import { securedCluster } from '../support/clusters.ts'
import { erasuresAt, OPS_TOKEN } from '../support/erasure-world.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { adminCertificate, adminUser, securedMemories, securedNode } from '../support/secured-memories.ts'

// Server versions without a security plugin on Maven Central have no secured cluster.
const secured = securedCluster()
const TYPES = ['sessions', 'long-term'] as const
const onSecured = secured === undefined || process.env['TEST_LONG'] !== '1' ? describe.skip : describe

onSecured('in protected system indices', () => {
  if (secured === undefined) return
  const cluster = secured
  const memories = securedMemories(cluster)
  const containerIndex = `.plugins-ml-am-${memories.prefix}-containers`
  const index = `.${memories.prefix}-erasures`
  let gateway: TestGateway

  async function start(service: ReturnType<typeof adminUser>) {
    gateway = await startTestGateway({
      cluster: securedNode(cluster, service),
      memory: { containerIndex },
      ops: { port: 0, token: OPS_TOKEN },
      erasures: { cluster: 'main', index, interval: '100ms' },
    })
    return erasuresAt(gateway.opsUrl)
  }

  afterEach(() => gateway.close())
  afterAll(async () => {
    await memories.removeAll()
    for (const one of [containerIndex, index]) await memories.asAdmin({ method: 'DELETE', path: `/${one}` })
  })

  test('nothing is claimed of what is hidden; with the certificate of the super admin all is erased', async () => {
    await memories.putContainer('c', {}, containerIndex)
    for (const type of TYPES) {
      await memories.put(memories.indexOf(type), 'hers', { memory_container_id: 'c', owner_id: 'alice' })
      await memories.put(memories.indexOf(type), 'his', { memory_container_id: 'c', owner_id: 'alice2' })
    }
    const masked = await (await start(adminUser(cluster))).ask('POST', '', { subject: 'alice' })
    expect([masked.status, masked.body]).toEqual([502, { error: expect.stringContaining('hides') as unknown }])
    await gateway.close()

    const ops = await start(adminCertificate(cluster))
    const planned = await ops.plan({ subject: 'alice' })
    expect(planned.total).toBe(2)
    await ops.apply(planned.id, planned.hash)
    expect(await ops.ended(planned.id)).toMatchObject({ state: 'done', deleted: 2 })
    for (const type of TYPES) {
      expect([type, await memories.has(memories.indexOf(type), 'hers')]).toEqual([type, false])
      expect([type, await memories.has(memories.indexOf(type), 'his')]).toEqual([type, true])
    }
  })
})
