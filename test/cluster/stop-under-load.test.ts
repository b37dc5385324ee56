import { Agent } from 'node:http'

import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { pathOf } from '../support/dialects.ts'
import { bulk, multiGet, neverAnswer, startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { openGatewayProcesses } from '../support/gateway-process.ts'
import type { GatewayProcess, GatewayProcesses } from '../support/gateway-process.ts'
import { until } from '../support/key-server.ts'
import { testMemories } from '../support/memories.ts'

// SIGTERM, as a deployment sends it: to a process of its own, while callers are busy.

const memories = testMemories(plainCluster().url)
const index = memories.indexOf('working')
let proxy: FaultProxy
let processes: GatewayProcesses
let token: string

beforeAll(async () => {
  proxy = await startFaultProxy(plainCluster().url)
  processes = await openGatewayProcesses()
  token = processes.token
  await memories.putContainer('c', { owner: { name: 'alice' } })
})
afterEach(async () => {
  proxy.reset()
  await processes.killAll()
})
afterAll(async () => {
  await processes.close()
  await proxy.close()
  await memories.removeAll()
})

const start = (drain: string): Promise<GatewayProcess> =>
  processes.start({
    clusters: { main: { nodes: [proxy.url], service: { kind: 'none' } } },
    memory: { containerIndex: memories.containerIndex },
    limits: { drain, deadline: '20s' },
  })

async function storeAll(ids: readonly string[]): Promise<void> {
  const source = JSON.stringify({ memory_container_id: 'c', owner_id: 'alice' })
  const body = ids.map((id) => `${JSON.stringify({ index: { _index: index, _id: id } })}\n${source}\n`).join('')
  const headers = { 'content-type': 'application/x-ndjson' }
  await fetch(`${plainCluster().url}/_bulk?refresh=true`, { method: 'POST', headers, body })
}

const remove = async (url: string, id: string, agent: Agent): Promise<number> =>
  (await call(url, { method: 'DELETE', path: pathOf('opensearch', 'c', 'working', id), token, agent })).status

test('every delete that reached the cluster is answered, and the process ends well', async () => {
  const ids = Array.from({ length: 3_000 }, (_, number) => `d-${String(number)}`)
  await storeAll(ids)
  const { child, ended, url } = await start('20s')
  const agent = new Agent({ keepAlive: true, maxSockets: 32 })
  const statuses = new Map<string, number | 'no answer'>()
  const todo = ids.toReversed()
  let isStopping = false
  async function caller(): Promise<void> {
    for (let id = todo.pop(); id !== undefined; id = todo.pop()) {
      const status = await remove(url, id, agent).catch(() => 'no answer' as const)
      statuses.set(id, status)
      if (status === 'no answer' && isStopping) return
      if (statuses.size > 500 && !isStopping) {
        isStopping = true
        child.kill('SIGTERM')
      }
    }
  }
  await Promise.all(Array.from({ length: 32 }, caller))
  expect(await ended).toEqual({ code: 0 })
  agent.destroy()

  const refused = [...statuses].flatMap(([id, status]) => (status === 'no answer' ? [id] : []))
  expect(refused.length).toBeGreaterThan(0)
  expect(new Set(statuses.values())).toEqual(new Set([200, 'no answer']))
  const ordered = new Set(
    proxy.requests.filter(bulk).flatMap(({ body }) => [...body.matchAll(/"_id":"([^"]+)"/g)].map(([, id]) => id)),
  )
  expect(refused.filter((id) => ordered.has(id))).toEqual([])
}, 60_000)

test('a second signal ends it at once, whatever is under way', async () => {
  await storeAll(['second'])
  const { child, ended, url } = await start('1m')
  const held = proxy.hold(multiGet)
  const agent = new Agent()
  const answer = remove(url, 'second', agent).catch(() => 'no answer')
  await held.arrived
  child.kill('SIGTERM')
  // It has stopped listening: the first signal is being obeyed.
  await until(() =>
    call(url, { path: '/' }).then(
      () => false,
      () => true,
    ),
  )
  child.kill('SIGTERM')
  expect(await ended).toEqual({ code: 1 })
  expect(await answer).toBe('no answer')
  held.release()
  expect(await memories.hasMemory('working', 'second')).toBe(true)
}, 60_000)

test('what does not finish within the drain is cut off', async () => {
  await storeAll(['late'])
  const { child, ended, url } = await start('300ms')
  proxy.on(multiGet, neverAnswer)
  const answer = remove(url, 'late', new Agent()).catch(() => 'no answer')
  await until(() => proxy.requests.some(multiGet))
  child.kill('SIGTERM')
  expect(await answer).toBe('no answer')
  expect(await ended).toEqual({ code: 0 })
}, 60_000)
