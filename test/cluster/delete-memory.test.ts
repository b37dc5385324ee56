import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import request from 'supertest'

import { MEMORY_TYPES } from '../../src/core/memory.ts'
import { plainCluster } from '../support/clusters.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'

describe('two containers on one index prefix', () => {
  const memories = testMemories(plainCluster().url)
  let gateway: TestGateway

  beforeAll(async () => {
    await memories.putContainer('of-alice', { owner: { name: 'alice' } })
    await memories.putContainer('of-bob', { owner: { name: 'bob' } })
    gateway = await startTestGateway({
      cluster: { nodes: [plainCluster().url] },
      memory: { containerIndex: memories.containerIndex },
    })
  })
  afterAll(async () => {
    await gateway.close()
    await memories.removeAll()
  })

  test.each(MEMORY_TYPES)('a foreign memory of type %s is not found, and stays, in both dialects', async (type) => {
    // Even one that names the caller as its owner: it is not of the container that the caller named.
    await memories.putMemory(type, 'foreign', { memory_container_id: 'of-bob', owner_id: 'alice' })
    await memories.putMemory(type, 'nobodys', { owner_id: 'alice' })
    await memories.putMemory(type, 'own', { memory_container_id: 'of-alice', owner_id: 'alice' })
    const token = await gateway.token({ extra: { memory_container: 'of-alice' } })

    for (const id of ['foreign', 'nobodys']) {
      const path = `/_plugins/_ml/memory_containers/of-alice/memories/${type}/${id}`
      const answer = await request(gateway.url).delete(path).auth(token, { type: 'bearer' })
      expect(answer.status).toBe(404)
      expect(answer.body).toEqual({
        error: {
          root_cause: [{ type: 'status_exception', reason: 'Memory not found' }],
          type: 'status_exception',
          reason: 'Memory not found',
        },
        status: 404,
      })
      const legacy = await request(gateway.url).delete(`/api/memories/${id}`).auth(token, { type: 'bearer' })
      expect({ status: legacy.status, body: legacy.body as unknown }).toEqual({
        status: 404,
        body: { error: 'Memory not found' },
      })
      expect(await memories.hasMemory(type, id)).toBe(true)
    }
    const path = `/_plugins/_ml/memory_containers/of-alice/memories/${type}/own`
    const own = await request(gateway.url).delete(path).auth(token, { type: 'bearer' })
    expect(own.status).toBe(200)
    expect(await memories.hasMemory(type, 'own')).toBe(false)
  })
})
