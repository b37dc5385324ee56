import { afterAll, beforeAll, expect, test } from '@jest/globals'
import request from 'supertest'

import type { ConfigInput } from '../../src/config/schema.ts'
import { plainCluster } from '../support/clusters.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { serving, startKeyServer } from '../support/key-server.ts'
import type { KeyServer } from '../support/key-server.ts'
import { testMemories } from '../support/memories.ts'
import { makeTokenWorld } from '../support/token-builder.ts'
import type { WorldIssuer } from '../support/token-builder.ts'

// Two issuers both have an alice, and both say that she is of the backend role eng. They are two people, of two roles.

const world = makeTokenWorld()
const memories = testMemories(plainCluster().url)
let keyServer: KeyServer
let gateway: TestGateway

function configured(issuer: WorldIssuer): ConfigInput['auth']['issuers'][number] {
  return {
    issuer: issuer.issuer,
    audience: world.audience,
    jwks: { uri: keyServer.origin + issuer.path },
    namePrefix: issuer.namePrefix,
  }
}

beforeAll(async () => {
  keyServer = await startKeyServer(serving(world.documents()))
  gateway = await startTestGateway({
    cluster: { nodes: [plainCluster().url] },
    auth: { issuers: [configured(world.main), configured(world.partner)] },
    memory: { containerIndex: memories.containerIndex },
  })
  await memories.putContainer('of-nobody')
  await memories.putContainer('of-alice', { owner: { name: 'alice' } })
  await memories.putContainer('of-eng', { owner: { name: 'somebody' }, backend_roles: ['eng'] })
  await memories.putContainer('of-partners-eng', {
    owner: { name: 'somebody' },
    backend_roles: [`${world.partner.namePrefix}eng`],
  })
})
afterAll(async () => {
  await gateway.close()
  await keyServer.close()
  await memories.removeAll()
})

async function remove(issuer: WorldIssuer, container: string, id: string): Promise<number> {
  const token = world.token({ issuer, claims: { sub: 'alice', backend_roles: ['eng'] } })
  const path = `/_plugins/_ml/memory_containers/${container}/memories/working/${id}`
  const { status } = await request(gateway.url).delete(path).auth(token, { type: 'bearer' })
  return status
}

test('a memory is its own issuer’s alice’s alone, in every container', async () => {
  expect(world.main.namePrefix).toBe('')
  const prefix = world.partner.namePrefix
  const rows = [
    { container: 'of-nobody', owner: 'alice', main: 200, partner: 403 },
    { container: 'of-nobody', owner: `${prefix}alice`, main: 403, partner: 200 },
    { container: 'of-alice', owner: 'alice', main: 200, partner: 403 },
    { container: 'of-alice', owner: `${prefix}alice`, main: 403, partner: 403 },
    { container: 'of-eng', owner: 'alice', main: 200, partner: 403 },
    { container: 'of-eng', owner: `${prefix}alice`, main: 403, partner: 403 },
    { container: 'of-partners-eng', owner: 'alice', main: 403, partner: 403 },
    { container: 'of-partners-eng', owner: `${prefix}alice`, main: 403, partner: 200 },
  ]
  for (const [position, row] of rows.entries()) {
    const id = `memory-${String(position)}`
    await memories.putMemory('working', id, { memory_container_id: row.container, owner_id: row.owner })
    // Whoever must not goes first: what the other one deletes cannot be refused any more.
    const partnerFirst = row.partner === 403
    const first = await remove(partnerFirst ? world.partner : world.main, row.container, id)
    expect({ row, status: first }).toEqual({ row, status: partnerFirst ? row.partner : row.main })
    expect(await memories.hasMemory('working', id)).toBe(first === 403)
    const second = await remove(partnerFirst ? world.main : world.partner, row.container, id)
    expect({ row, status: second }).toEqual({ row, status: partnerFirst ? row.main : row.partner })
    expect(await memories.hasMemory('working', id)).toBe(second === 403)
  }
})
