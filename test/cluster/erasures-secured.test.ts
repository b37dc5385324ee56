import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { plainCluster, securedCluster } from '../support/clusters.ts'
import type { SecuredCluster } from '../support/clusters.ts'
import { collectDocuments } from '../support/collected.ts'
import { erasuresAt, OPS_TOKEN } from '../support/erasure-world.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'
import { adminCertificate, adminUser, securedMemories, securedNode } from '../support/secured-memories.ts'
import type { SecuredMemories } from '../support/secured-memories.ts'

// Server versions without a security plugin on Maven Central have no secured cluster.
const secured = securedCluster()
const TYPES = ['sessions', 'long-term'] as const
const onSecured = secured === undefined || process.env['TEST_LONG'] !== '1' ? describe.skip : describe

onSecured('in protected system indices', () => {
  let cluster: SecuredCluster
  let memories: SecuredMemories
  let containerIndex: string
  let index: string
  let gateway: TestGateway

  beforeAll(() => {
    if (secured === undefined) throw new Error('skipped')
    cluster = secured
    memories = securedMemories(cluster)
    containerIndex = `.plugins-ml-am-${memories.prefix}-containers`
    index = `.${memories.prefix}-erasures`
  })

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
    await collectDocuments(index, (method, path) => memories.asAdmin({ method, path }))
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

const onBoth = secured === undefined ? describe.skip : describe

onBoth('on two clusters that requests are routed to', () => {
  const here = testMemories(plainCluster().url)
  let cluster: SecuredCluster
  let there: SecuredMemories
  let gateway: TestGateway

  beforeAll(() => {
    if (secured === undefined) throw new Error('skipped')
    cluster = secured
    there = securedMemories(cluster)
  })
  afterAll(async () => {
    await gateway.close()
    await here.removeAll()
    await here.ask('DELETE', `/${here.prefix}-erasures`)
    await there.removeAll()
    await there.asAdmin({ method: 'DELETE', path: `/${here.containerIndex}` })
  })

  test('one plan finds the memories of both, and one erasure deletes them', async () => {
    await here.putContainer('here')
    await there.putContainer('there', {}, here.containerIndex)
    for (const owner of ['alice', 'alice2']) {
      await here.putMemory('working', owner, { memory_container_id: 'here', owner_id: owner })
      await there.put(there.indexOf('working'), owner, { memory_container_id: 'there', owner_id: owner })
    }
    const service = adminCertificate(cluster)
    gateway = await startTestGateway({
      cluster: { nodes: [plainCluster().url] },
      moreClusters: { eu: { ...securedNode(cluster, service), service } },
      routes: [{ when: { claim: { tenant: 'acme' } }, cluster: 'eu' }, { cluster: 'main' }],
      memory: { containerIndex: here.containerIndex },
      ops: { port: 0, token: OPS_TOKEN },
      erasures: { cluster: 'main', index: `${here.prefix}-erasures`, interval: '100ms' },
    })
    const ops = erasuresAt(gateway.opsUrl)
    const planned = await ops.plan({ subject: 'alice' })
    const places = planned.parts.map(({ cluster: of, container, total }) => [of, container, total])
    expect(places.sort()).toEqual([
      ['eu', 'there', 1],
      ['main', 'here', 1],
    ])
    await ops.apply(planned.id, planned.hash)
    expect(await ops.ended(planned.id)).toMatchObject({ state: 'done', deleted: 2 })
    const left = async (id: string): Promise<boolean[]> => [
      await here.hasMemory('working', id),
      await there.has(there.indexOf('working'), id),
    ]
    expect([await left('alice'), await left('alice2')]).toEqual([
      [false, false],
      [true, true],
    ])
  })
})
