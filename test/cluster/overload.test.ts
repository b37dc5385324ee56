import { Agent } from 'node:http'

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { pathOf } from '../support/dialects.ts'
import { anything, startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { openGatewayProcesses } from '../support/gateway-process.ts'
import type { GatewayProcesses } from '../support/gateway-process.ts'
import { testMemories } from '../support/memories.ts'

// More callers than the gateway takes, on one container, for a minute, before a cluster that is slow.

const SECONDS = Number(process.env['OVERLOAD_SECONDS'] ?? 60)
const CALLERS = 1_000
const IN_FLIGHT = 600
const DEADLINE_MS = 2_000
/** Callers, gateway and proxy share the machine's cores: a bound of life, not of speed. */
const SLACK_MS = 5_000

const memories = testMemories(plainCluster().url)
let proxy: FaultProxy
let processes: GatewayProcesses

const long = process.env['TEST_LONG'] === '1' ? describe : describe.skip

long(`${String(CALLERS)} callers for ${String(SECONDS)} s`, () => {
  beforeAll(async () => {
    proxy = await startFaultProxy(plainCluster().url)
    processes = await openGatewayProcesses()
    await memories.putContainer('c', { owner: { name: 'alice' } })
    await memories.putMemory('working', 'first', { memory_container_id: 'c', owner_id: 'alice' })
  })
  afterAll(async () => {
    processes.close()
    await proxy.close()
    await memories.removeAll()
  })

  test(
    'keep queue and memory bounded; nobody waits beyond the deadline, and who is too many is told at once',
    async () => {
      const gateway = await processes.start({
        clusters: { main: { nodes: [proxy.url], service: { kind: 'none' } } },
        memory: { containerIndex: memories.containerIndex },
        limits: { deadline: `${String(DEADLINE_MS)}ms`, inFlight: IN_FLIGHT },
      })
      const agent = new Agent({ keepAlive: true, maxSockets: CALLERS })
      const path = pathOf('opensearch', 'c', 'working', 'none')
      const tally: Record<string, number> = {}
      const residents: number[] = []
      let slowest = 0
      let waiting = 0
      proxy.on(anything, async ({ ask, answer }) => {
        const whole = await ask()
        setTimeout(() => void answer(whole), 300)
      })
      const end = performance.now() + SECONDS * 1_000
      async function caller(): Promise<void> {
        while (performance.now() < end) {
          const startedAt = performance.now()
          const { status } = await call(gateway.url, { method: 'DELETE', path, token: processes.token, agent })
          slowest = Math.max(slowest, performance.now() - startedAt)
          tally[status] = (tally[status] ?? 0) + 1
          if (status === 503) await new Promise((resolve) => setTimeout(resolve, 100))
        }
      }
      const watch = setInterval(() => {
        residents.push(gateway.residentMegabytes())
        void call(gateway.opsUrl, { path: '/metrics' }).then(({ text }) => {
          waiting = Math.max(
            waiting,
            ...[...text.matchAll(/^memory_gateway_queue_items\S* (\d+)$/gm)].map(([, n]) => Number(n)),
          )
          proxy.forget()
        })
      }, 1_000)
      try {
        await Promise.all(Array.from({ length: CALLERS }, caller))
      } finally {
        clearInterval(watch)
        agent.destroy()
      }
      const peak = Math.max(...residents)
      process.stdout.write(`${JSON.stringify({ tally, slowest, waiting, peak, last: residents.at(-1) })}\n`)
      expect(Object.keys(tally).toSorted()).toEqual(expect.arrayContaining(['404', '503']))
      expect(Object.keys(tally).filter((status) => !['404', '503', '504', '429'].includes(status))).toEqual([])
      expect(slowest).toBeLessThan(DEADLINE_MS + SLACK_MS)
      expect(waiting).toBeLessThanOrEqual(IN_FLIGHT)
      expect(peak).toBeLessThan(400)
    },
    (SECONDS + 60) * 1_000,
  )
})
