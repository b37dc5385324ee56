import { randomBytes } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { plainCluster } from '../support/clusters.ts'
import { deleteIn, DIALECTS } from '../support/dialects.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'

const MIB = 1_048_576
const KIB = 1_024

describe('a memory of 5 MB', () => {
  const memories = testMemories(plainCluster().url)
  const source = { memory_container_id: 'c', owner_id: 'bob', namespace: { user_id: 'bob' } }
  let proxy: FaultProxy
  let gateway: TestGateway

  beforeAll(async () => {
    proxy = await startFaultProxy(plainCluster().url)
    // The field that decides by default, and a nested one.
    gateway = await startTestGateway({
      cluster: { nodes: [proxy.url] },
      memory: {
        containerIndex: memories.containerIndex,
        ownership: { fields: ['namespace.user_id', 'owner_id'] },
      },
    })
    // Neither a container's long description nor a memory's text is of use for a decision.
    const description = randomBytes(64 * KIB).toString('hex')
    await memories.putContainer('c', { description, owner: { name: 'alice' } })
    const index = memories.indexOf('working')
    await memories.ask('PUT', `/${index}`, {
      mappings: { properties: { text: { type: 'keyword', index: false, doc_values: false } } },
    })
    const text = randomBytes(2.5 * MIB).toString('hex')
    await memories.putMemory('working', 'large', { ...source, text })
  })
  afterAll(async () => {
    await gateway.close()
    await proxy.close()
    await memories.removeAll()
  })

  test.each(DIALECTS)('costs less than 16 KiB to look at and refuse (%s)', async (dialect) => {
    const before = proxy.bytes()
    const answer = await deleteIn(dialect, gateway, { container: 'c', type: 'working', id: 'large' })
    expect(answer.status).toBe(403)
    const after = proxy.bytes()
    expect(after.fromCluster - before.fromCluster).toBeGreaterThan(0)
    expect(after.fromCluster - before.fromCluster).toBeLessThan(16 * KIB)
    expect(after.toCluster - before.toCluster).toBeLessThan(16 * KIB)
    expect(await memories.hasMemory('working', 'large')).toBe(true)
  })

  test.each(DIALECTS)('costs less than 16 KiB to delete (%s)', async (dialect) => {
    const id = `large-${dialect}`
    const text = randomBytes(2.5 * MIB).toString('hex')
    await memories.putMemory('working', id, { memory_container_id: 'c', owner_id: 'alice', text })
    const before = proxy.bytes()
    const answer = await deleteIn(dialect, gateway, { container: 'c', type: 'working', id })
    expect(answer.status).toBe(200)
    expect(proxy.bytes().fromCluster - before.fromCluster).toBeLessThan(16 * KIB)
  })
})
