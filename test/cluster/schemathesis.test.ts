import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { SCOPES } from '../../src/core/principal.ts'
import { prepareSchemathesis } from '../clients/prepare-client.ts'
import type { Script } from '../clients/prepare-client.ts'
import { OPERATIONS } from '../support/api-description.ts'
import { plainCluster } from '../support/clusters.ts'
import { collectDocuments } from '../support/collected.ts'
import { OPS_TOKEN } from '../support/erasure-world.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'
import { seedOfThisRun } from '../vectors/odd-texts.ts'

const long = process.env['TEST_LONG'] === '1' ? describe : describe.skip
const DESCRIPTION = fileURLToPath(new URL('../../config/openapi.yaml', import.meta.url))
const HOOKS = fileURLToPath(new URL('../clients/schemathesis/hooks.py', import.meta.url))
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
]
const seed = seedOfThisRun()

long(`requests that schemathesis makes of the description (seed ${String(seed)})`, () => {
  const memories = testMemories(plainCluster().url)
  let gateway: TestGateway
  let script: Script
  let scratch: string
  beforeAll(async () => {
    // It keeps what it found where it runs.
    scratch = await mkdtemp(join(tmpdir(), 'memory-gateway-schemathesis-'))
    script = await prepareSchemathesis()
    // A list that was never read refuses everybody.
    await writeFile(join(scratch, 'revocations.jsonl'), '')
    gateway = await startTestGateway({
      cluster: { nodes: [plainCluster().url] },
      memory: { containerIndex: memories.containerIndex },
      legacy: { container: 'nQRbAKIBPCoxE759eHuW' },
      ops: { port: 0, token: OPS_TOKEN },
      erasures: { cluster: 'main', index: `${memories.prefix}-erasures`, interval: '100ms' },
      revocation: { file: join(scratch, 'revocations.jsonl'), accept: true },
      audit: { sink: 'file', file: join(scratch, 'audit.jsonl'), writer: 'gateway-1' },
    })
  }, 300_000)
  afterAll(async () => {
    await gateway.close()
    await memories.removeAll()
    await collectDocuments(`${memories.prefix}-erasures`, (method, path) => memories.ask(method, path))
    await memories.ask('DELETE', `/${memories.prefix}-erasures`)
    await rm(scratch, { recursive: true, force: true })
  })

  /** By the id that the description's examples name. */
  async function plant(): Promise<void> {
    await memories.putContainer('nQRbAKIBPCoxE759eHuW', { owner: { name: 'alice' } })
    for (const type of ['sessions', 'working', 'long-term', 'history'] as const) {
      for (const owner of ['bob', 'alice']) {
        await memories.putMemory(type, owner, { memory_container_id: 'nQRbAKIBPCoxE759eHuW', owner_id: owner })
      }
    }
  }

  /** @returns what it printed, and the statuses by which each operation was answered */
  async function run(url: string, token: string, more: readonly string[]) {
    const options = [
      '--checks',
      CHECKS.join(),
      '--seed',
      String(seed),
      '--max-examples',
      '40',
      '--no-color',
      '--suppress-health-check',
      'all',
    ]
    const [program, ...before] = script
    const args = ['run', DESCRIPTION, '--url', url, '-H', `Authorization: Bearer ${token}`, ...options, ...more]
    const seen = join(scratch, 'seen.jsonl')
    const env = { ...process.env, SCHEMATHESIS_HOOKS: HOOKS, SCHEMATHESIS_SEEN: seen }
    const { stdout } = await promisify(execFile)(program, [...before, ...args], {
      env,
      cwd: scratch,
      maxBuffer: 2 ** 26,
    }).catch((error: unknown) => {
      throw new Error((error as { stdout?: string }).stdout ?? String(error), { cause: error })
    })
    const statuses = new Map<string, Map<number, number>>()
    for (const line of (await readFile(seen, 'utf8')).trim().split('\n')) {
      const [method, path, status] = JSON.parse(line) as [string, string, number]
      const name = `${method} ${path}`
      const counts = statuses.get(name) ?? new Map<number, number>()
      statuses.set(name, counts.set(status, (counts.get(status) ?? 0) + 1))
    }
    await rm(seen)
    for (const [name, counts] of statuses) {
      const told = [...counts].map(([status, count]) => `${String(status)} ${String(count)} times`).join(', ')
      process.stdout.write(`schemathesis: ${name}: ${told}\n`)
    }
    return { stdout, statuses }
  }

  /** Operations that nobody got further with than to be refused for who they are. */
  const notReached = (statuses: ReadonlyMap<string, ReadonlyMap<number, number>>, isOps: boolean): readonly string[] =>
    OPERATIONS.filter((one) => one.isOps === isOps)
      .map(({ method, path }) => `${method} ${path}`)
      .filter((name) => [...(statuses.get(name)?.keys() ?? [])].every((status) => [401, 403, 421].includes(status)))

  test('the first port answers each as the description says, and never with a failure of its own', async () => {
    await plant()
    const token = await gateway.token({ scopes: SCOPES })
    const included = ['--include-path-regex', '^/(_plugins|api|.well-known)/', '--phases', 'examples,coverage,fuzzing']
    const { stdout, statuses } = await run(gateway.url, token, included)
    expect(stdout).toMatch(/\d+ generated, \d+ passed/)
    expect(notReached(statuses, false)).toEqual([])
  }, 400_000)

  test('so does the ops port, with erasures on: they are planned, applied and cancelled', async () => {
    // The first port has deleted the container.
    await plant()
    const phases = ['--phases', 'examples,coverage,fuzzing,stateful']
    const excluded = ['--exclude-path-regex', '^/(_plugins|api|.well-known)/', ...phases]
    const { stdout, statuses } = await run(gateway.opsUrl, OPS_TOKEN, excluded)
    expect(stdout).toMatch(/\d+ generated, \d+ passed/)
    expect(notReached(statuses, true)).toEqual([])
    const done = [
      ['GET /erasures', 200],
      ['POST /erasures', 201],
      ['GET /erasures/{id}', 200],
      ['POST /erasures/{id}/apply', 202],
      ['POST /erasures/{id}/cancel', 202],
    ] as const
    expect(done.filter(([name, status]) => statuses.get(name)?.has(status) !== true)).toEqual([])
  }, 300_000)
})
