import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { pathOf } from '../support/dialects.ts'
import { anything, startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { openGatewayProcesses } from '../support/gateway-process.ts'
import type { GatewayProcess, GatewayProcesses } from '../support/gateway-process.ts'
import { testMemories } from '../support/memories.ts'

// More callers than the gateway takes, on one container, for a minute, before a cluster that is slow. Gateway and callers have a process each; times are the gateway's own.

const SECONDS = Number(process.env['OVERLOAD_SECONDS'] ?? 60)
const TRACED_SECONDS = 3
const CALLERS = 1_000
const IN_FLIGHT = 600
const DEADLINE_MS = 2_000
const ANSWER_MS = 300

/** What docs/operators.md plans with, in MiB: a process of Node's own needs, the heap that it was given, and thrice a half of its youngest part. */
const OLD_SPACE = 128
const SEMI_SPACE = 16
const RESIDENT = 120 + OLD_SPACE + 3 * SEMI_SPACE

const memories = testMemories(plainCluster().url)
let proxy: FaultProxy
let processes: GatewayProcesses

const long = process.env['TEST_LONG'] === '1' ? describe : describe.skip

interface AccessLine {
  readonly status: number
  readonly durationMs: number
}

long(`${String(CALLERS)} callers for ${String(SECONDS)} s`, () => {
  const lines: AccessLine[] = []
  const residents: number[] = []
  let tally: Record<string, number> = {}
  let mostWaiting = 0
  /** Of the log, of which this process may not have read as much at a time as there was: the gateway tells how many. */
  let dropped = 0
  /** For how long the gateway's own event loop was held up at most: no timer can be earlier. */
  let longestLagMs = 0

  beforeAll(
    async () => {
      proxy = await startFaultProxy(plainCluster().url)
      processes = await openGatewayProcesses()
      await memories.putContainer('c', { owner: { name: 'alice' } })
      await memories.putMemory('working', 'first', { memory_container_id: 'c', owner_id: 'alice' })
      const config = {
        clusters: { main: { nodes: [proxy.url], service: { kind: 'none' as const } } },
        memory: { containerIndex: memories.containerIndex },
        limits: { deadline: `${String(DEADLINE_MS)}ms`, inFlight: IN_FLIGHT },
      }
      const flags = [`--max-old-space-size=${String(OLD_SPACE)}`, `--max-semi-space-size=${String(SEMI_SPACE)}`]
      const gateway = await processes.start(config, flags, 'none')
      const chunks: string[] = []
      gateway.child.stdout?.on('data', (chunk: string) => chunks.push(chunk))
      proxy.on(anything, async ({ ask, answer }) => {
        const whole = await ask()
        setTimeout(() => void answer(whole), ANSWER_MS)
      })
      const watch = setInterval(() => void look(gateway), 1_000)
      tally = await runCallers(gateway.url, SECONDS)
      clearInterval(watch)
      // Its last lines may be read after it has ended.
      const closed = once(gateway.child, 'close')
      gateway.child.kill('SIGTERM')
      expect(await gateway.ended).toEqual({ code: 0 })
      await closed
      for (const line of chunks.join('').split('\n')) {
        if (line.includes('"durationMs"')) lines.push(JSON.parse(line) as AccessLine)
        if (line.includes('log lines were dropped')) dropped += (JSON.parse(line) as { lines: number }).lines
      }
      // What spans say under such a load is looked at where no time is measured.
      const traced = await processes.start(config, flags, 'looked at as they end')
      await runCallers(traced.url, TRACED_SECONDS)
    },
    (SECONDS + 60) * 1_000,
  )
  afterAll(async () => {
    await processes.close()
    await proxy.close()
    await memories.removeAll()
  })

  async function runCallers(url: string, seconds: number): Promise<Record<string, number>> {
    const script = join(import.meta.dirname, '../support/delete-callers.ts')
    const path = pathOf('opensearch', 'c', 'working', 'none')
    const child = spawn(process.execPath, [script, url, path, String(CALLERS), String(seconds)], {
      env: { PATH: process.env['PATH'], TOKEN: processes.token },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    return JSON.parse(await text(child.stdout)) as Record<string, number>
  }

  async function look(gateway: GatewayProcess): Promise<void> {
    residents.push(gateway.residentMegabytes())
    proxy.forget()
    const { text: metrics } = await call(gateway.opsUrl, { path: '/metrics' })
    const values = (name: RegExp): number[] => [...metrics.matchAll(name)].map(([, value]) => Number(value))
    mostWaiting = Math.max(mostWaiting, ...values(/^memory_gateway_queue_items\S* (\S+)$/gm))
    longestLagMs = Math.max(longestLagMs, ...values(/^nodejs_eventloop_lag_max_seconds (\S+)$/gm).map((s) => s * 1_000))
  }

  const durations = (isWanted: (status: number) => boolean): number[] =>
    lines
      .filter(({ status }) => isWanted(status))
      .map(({ durationMs }) => durationMs)
      .sort((one, other) => one - other)

  test('every call is answered, with 404, or with 503 where there are too many', () => {
    const peak = Math.round(Math.max(...residents))
    process.stdout.write(
      `${JSON.stringify({ tally, mostWaiting, peak, dropped, longestLagMs: Math.round(longestLagMs) })}\n`,
    )
    expect(Object.keys(tally).filter((status) => !['404', '503', '504'].includes(status))).toEqual([])
    expect(tally['404']).toBeGreaterThan(CALLERS)
    expect(tally['503']).toBeGreaterThan(CALLERS)
    const untold = Object.values(tally).reduce((sum, count) => sum + count, 0) - lines.length
    // Where none was dropped each call has its line. Lines of other kinds are dropped too.
    expect([untold >= 0, untold <= dropped]).toEqual([true, true])
  })

  test('no answer comes after its deadline', () => {
    const all = durations(() => true)
    process.stdout.write(`${JSON.stringify({ median: all[all.length >> 1], last: all.at(-1) })}\n`)
    expect(all.at(-1)).toBeLessThan(DEADLINE_MS + longestLagMs + 100)
  })

  test('who is too many is told at once', () => {
    const refused = durations((status) => status === 503)
    process.stdout.write(
      `${JSON.stringify({ p99: refused[Math.floor(refused.length * 0.99)], last: refused.at(-1) })}\n`,
    )
    expect(refused.at(-1)).toBeLessThan(ANSWER_MS + longestLagMs)
    expect(refused[Math.floor(refused.length * 0.99)]).toBeLessThan(50)
  })

  test('the queue holds no more than what is under way', () => {
    expect(mostWaiting).toBeGreaterThan(0)
    expect(mostWaiting).toBeLessThanOrEqual(IN_FLIGHT)
  })

  test(`no more than the ${String(RESIDENT)} MiB that the operator planned with are resident`, () => {
    expect(Math.max(...residents)).toBeLessThan(RESIDENT)
  })
})
