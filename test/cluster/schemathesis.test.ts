import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { SCOPES } from '../../src/core/principal.ts'
import { prepareSchemathesis } from '../clients/prepare-client.ts'
import type { Script } from '../clients/prepare-client.ts'
import { plainCluster } from '../support/clusters.ts'
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
    // The id that the description's examples name.
    await memories.putContainer('nQRbAKIBPCoxE759eHuW', { owner: { name: 'alice' } })
    for (const type of ['sessions', 'working', 'long-term', 'history'] as const) {
      await memories.putMemory(type, 'kept', { memory_container_id: 'nQRbAKIBPCoxE759eHuW', owner_id: 'bob' })
    }
    gateway = await startTestGateway({
      cluster: { nodes: [plainCluster().url] },
      memory: { containerIndex: memories.containerIndex },
      legacy: { container: 'nQRbAKIBPCoxE759eHuW' },
    })
  }, 300_000)
  afterAll(async () => {
    await gateway.close()
    await memories.removeAll()
    await rm(scratch, { recursive: true, force: true })
  })

  const run = async (url: string, more: readonly string[]): Promise<string> => {
    const token = await gateway.token({ scopes: SCOPES })
    const options = [
      '--checks',
      CHECKS.join(),
      '--seed',
      String(seed),
      '--max-examples',
      '40',
      '--no-color',
      '--phases',
      'examples,coverage,fuzzing',
      '--suppress-health-check',
      'all',
    ]
    const [program, ...before] = script
    const args = ['run', DESCRIPTION, '--url', url, '-H', `Authorization: Bearer ${token}`, ...options, ...more]
    const env = { ...process.env, SCHEMATHESIS_HOOKS: HOOKS }
    const { stdout } = await promisify(execFile)(program, [...before, ...args], {
      env,
      cwd: scratch,
      maxBuffer: 2 ** 26,
    }).catch((error: unknown) => {
      throw new Error((error as { stdout?: string }).stdout ?? String(error), { cause: error })
    })
    return stdout
  }

  test('the first port answers each as the description says, and never with a failure of its own', async () => {
    expect(await run(gateway.url, ['--include-path-regex', '^/(_plugins|api|.well-known)/'])).toMatch(
      /\d+ generated, \d+ passed/,
    )
  }, 400_000)

  test('so does the ops port', async () => {
    const excluded = ['--exclude-path-regex', '^/(_plugins|api|.well-known)/']
    expect(await run(gateway.opsUrl, excluded)).toMatch(/\d+ generated, \d+ passed/)
  }, 200_000)
})
