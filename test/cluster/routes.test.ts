import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'

const memories = testMemories(plainCluster().url)
let other: Server
let gateway: TestGateway

beforeAll(async () => {
  await memories.putContainer('c', { owner: { name: 'alice' } })
  other = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' }).end(`the other one: ${request.url ?? ''}`)
  })
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const otherUrl = `http://127.0.0.1:${String((other.address() as AddressInfo).port)}`
  gateway = await startTestGateway({
    cluster: { nodes: [plainCluster().url] },
    moreClusters: {
      other: { nodes: [otherUrl], service: { kind: 'none' } },
      strict: { nodes: [plainCluster().url], service: { kind: 'none' } },
    },
    routes: [
      { when: { claim: { tenant: 'acme' } }, cluster: 'other' },
      { when: { claim: { tenant: 'strict' } }, require: { claim: { region: 'eu' } }, cluster: 'strict' },
      { when: { paths: ['/_cluster/**', '/_plugins/**', '/api/**'] }, cluster: 'main' },
    ],
    memory: { containerIndex: memories.containerIndex },
  })
})
afterAll(async () => {
  await gateway.close()
  other.closeAllConnections()
  other.close()
  await memories.removeAll()
})

const ask = async (path: string, scopes: readonly string[], extra: Readonly<Record<string, unknown>> = {}) => {
  const token = await gateway.token({ scopes, extra })
  return call(gateway.url, { method: path.includes('/memories/') ? 'DELETE' : 'GET', path, token })
}

describe('pass-through', () => {
  test('a claim leads to another cluster', async () => {
    const { status, text } = await ask('/_cluster/health', ['opensearch:admin'], { tenant: 'acme' })
    expect({ status, text }).toEqual({ status: 200, text: 'the other one: /_cluster/health' })
  })

  test('without it the path does', async () => {
    const { status, body } = await ask('/_cluster/health', ['opensearch:admin'])
    expect({ status, body }).toMatchObject({ status: 200, body: { cluster_name: expect.any(String) } })
  })

  test('what no route takes is refused by the gateway, in the words of the API', async () => {
    const { status, body } = await ask('/elsewhere/_search', ['opensearch:admin'])
    const reason = 'No route of the gateway leads this request to a cluster'
    expect({ status, body }).toMatchObject({ status: 403, body: { error: { type: 'security_exception', reason } } })
  })

  test('a claim that a route requires is named', async () => {
    const { status, body } = await ask('/_cluster/health', ['opensearch:admin'], { tenant: 'strict' })
    const reason = 'The route of this request requires the claim region with another value than this token has'
    expect({ status, body }).toMatchObject({ status: 403, body: { error: { reason } } })
  })
})

describe('a scope that is bound to a cluster', () => {
  const path = '/_plugins/_ml/memory_containers/c/memories/working/m'

  test('deletes there', async () => {
    await memories.putMemory('working', 'm', { memory_container_id: 'c', owner_id: 'alice' })
    const { status } = await ask(path, ['strict/memory:delete'], { tenant: 'strict', region: 'eu' })
    expect([status, await memories.hasMemory('working', 'm')]).toEqual([200, false])
  })

  test('and nowhere else', async () => {
    await memories.putMemory('working', 'm', { memory_container_id: 'c', owner_id: 'alice' })
    const { status } = await ask(path, ['strict/memory:delete'])
    expect([status, await memories.hasMemory('working', 'm')]).toEqual([403, true])
  })
})

test('each cluster has checks of its own', async () => {
  const { body } = await call(gateway.opsUrl, { path: '/readyz' })
  expect(Object.keys((body as { checks: object }).checks)).toEqual(
    expect.arrayContaining(['keys', 'main.cluster', 'other.cluster', 'strict.circuit', 'drain']),
  )
})
