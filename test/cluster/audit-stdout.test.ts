import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import { CLI } from '../support/cli.ts'
import { plainCluster } from '../support/clusters.ts'
import { collect } from '../support/collected.ts'
import { openGatewayProcesses } from '../support/gateway-process.ts'
import type { GatewayProcess, GatewayProcesses } from '../support/gateway-process.ts'
import { testMemories } from '../support/memories.ts'

const memories = testMemories(plainCluster().url)
const folder = mkdtempSync(join(tmpdir(), 'memory-gateway-stdout-'))
let processes: GatewayProcesses
let gateway: GatewayProcess

beforeAll(async () => {
  await memories.putContainer('c', { owner: { name: 'alice' } })
  for (let n = 0; n < 50; n++) await memories.putMemory('working', `m-${String(n)}`, OWN)
  processes = await openGatewayProcesses()
  gateway = await processes.start({
    clusters: { main: { nodes: [plainCluster().url], service: { kind: 'none' } } },
    memory: { containerIndex: memories.containerIndex },
    audit: { sink: 'stdout', writer: 'gateway-1' },
  })
})
afterAll(async () => {
  await processes.close()
  await memories.removeAll()
  rmSync(folder, { recursive: true })
})

const OWN = { memory_container_id: 'c', owner_id: 'alice' }
const remove = async (id: string, token?: string): Promise<number> =>
  (
    await call(gateway.url, {
      method: 'DELETE',
      path: `/_plugins/_ml/memory_containers/c/memories/working/${id}`,
      ...(token === undefined ? {} : { token }),
    })
  ).status

/** As an auditor calls it, with what was captured. */
function verify(text: string): { readonly code: number | null; readonly text: string } {
  const file = join(folder, 'captured.log')
  writeFileSync(file, text)
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, 'audit', 'verify', file])
  collect('audit', `${stdout.toString()}${stderr.toString()}`)
  return { code: status, text: stdout.toString() }
}

test('an audit on stdout verifies from what was captured there, and its lines are told from those of the log', async () => {
  const statuses = await Promise.all(
    Array.from({ length: 50 }, (_, n) => remove(`m-${String(n)}`, n === 7 ? undefined : processes.token)),
  )
  expect(statuses.filter((status) => status === 200)).toHaveLength(49)
  gateway.child.kill('SIGTERM')
  expect(await gateway.ended).toEqual({ code: 0 })

  const lines = gateway.printed().trim().split('\n')
  const parsed = lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
  // A record has its chain's hash, a line of the log a message.
  const records = parsed.filter((one) => 'event.hash' in one)
  expect(parsed.filter((one) => 'event.hash' in one === 'msg' in one)).toEqual([])
  expect(records.filter((one) => one['memory.phase'] === 'intent')).toHaveLength(49)
  expect(records.filter((one) => one['memory.phase'] === 'outcome')).toHaveLength(49)
  expect(records.filter((one) => one['memory.phase'] === 'refusal')).toHaveLength(1)
  expect(lines.length - records.length).toBeGreaterThan(50)

  const whole = verify(gateway.printed())
  expect(whole).toMatchObject({ code: 0, text: expect.stringMatching(/: intact\n$/) })
  const without = lines.toSpliced(
    parsed.findIndex((one) => one['memory.phase'] === 'outcome'),
    1,
  )
  expect(verify(`${without.join('\n')}\n`)).toMatchObject({ code: 3, text: expect.stringMatching(/: NOT intact\n$/) })
})
