import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

import { cacheFolder } from '../../src/local-cluster/cache.ts'
import { collectingInChild } from '../support/collected.ts'
import { plant } from '../support/planted.ts'
import { provokedBy } from '../vectors/doctor-findings.ts'
import { cloneInto } from './clone.ts'
import { fits, readBlocks, stepsOf } from './read-blocks.ts'
import { openReader, STEP_MS } from './reader.ts'
import type { Reader } from './reader.ts'

const ROOT = join(import.meta.dirname, '../..')
const page = readFileSync(join(ROOT, 'README.md'), 'utf8')
const steps = stepsOf(readBlocks(page))
/** Of the page: the gateway's two, and the cluster's. */
const PORTS = [8080, 9090, 9200]
/** Of the memories that the page has its reader store, and has nobody read. */
const MEMORIES = [...page.matchAll(/"memory": "([^"]+)"/g)].map(([, text = '']) => text)
const titleOf = (text: string): string => text.split('\n')[0] ?? ''

describe('README.md, followed from its first block to its last in a clean clone with an empty home folder', () => {
  let reader: Reader
  let scratch: string
  const printed: string[] = []

  beforeAll(async () => {
    for (const port of PORTS) await requireFree(port)
    scratch = mkdtempSync(join(tmpdir(), 'memory-gateway-readme-'))
    const [folder, home] = [join(scratch, 'clone'), join(scratch, 'home')]
    for (const made of [folder, home]) mkdirSync(made)
    cloneInto(folder, ROOT)
    for (const memory of MEMORIES) plant(memory)
    reader = openReader({ folder, scratch, env: environment(home) })
  }, 60_000)

  afterAll(async () => {
    await reader.leave()
    // Ctrl-C has ended both servers.
    for (const port of PORTS) await requireFree(port)
    await rm(scratch, { recursive: true, force: true })
  }, 180_000)

  test.each(steps.map((step) => ({ step, line: step.block.line, title: titleOf(step.block.text), where: step.where })))(
    'line $line, in a $where: $title',
    async ({ step }) => {
      printed.push(await reader.follow(step))
    },
    STEP_MS + 20_000,
  )

  test('and its deletes came out as the page says: those of alice are made, those of bob refused, in both dialects', () => {
    const all = printed.join('\n')
    expect(all).toMatch(/"result":"deleted".* -> 200/)
    expect(all).toMatch(/"status":403.* -> 403/)
    expect(all).toContain('{"message":"Memory deleted"} -> 200')
    expect(all).toContain('{"error":"Forbidden"} -> 403')
  })

  test('and before its cluster, which reads no tokens, doctor finds a gateway that passes callers’ own on', async () => {
    expect(provokedBy('readme', 'secured')).toEqual(['callers-unknown'])
    const config = 'with-own-tokens.yaml'
    const text = `sed '/passThrough:/d' gateway.yaml > ${config}; npm run -s gateway -- doctor --config ${config} --json || test $? = 4`
    const said: unknown = JSON.parse(
      await reader.follow({ where: 'shell', block: { line: 0, language: 'sh', words: [], text }, shown: undefined }),
    )
    expect(said).toMatchObject({ findings: [{ id: 'callers-unknown', severity: 'error' }] })
  })
})

describe('no block of a shell can be left out', () => {
  const fence = '```'
  const page = (...infos: string[]): string => infos.map((info) => `${fence}${info}\ntrue\n${fence}\n`).join('\n')

  test.each(['', 'bash', 'console', 'shell', 'sh skip', 'sh terminal skip', 'sh terminal', 'text skip'])(
    'a fence "%s" is refused',
    (info) => {
      expect(() => stepsOf(readBlocks(page(info)))).toThrow(/^line 1:/)
    },
  )

  test('those of sh are run in order, with the text that follows as what they print', () => {
    const steps = stepsOf(readBlocks(page('sh', 'yaml', 'sh terminal', 'text', 'sh', 'text')))
    expect(steps.map(({ where, block, shown }) => [block.line, where, shown?.line])).toEqual([
      [1, 'shell', undefined],
      [9, 'terminal', 13],
      [17, 'shell', 21],
    ])
  })

  test('what the page shows must be printed', () => {
    expect(fits('a ... c', 'a b\nb c\n')).toBe(true)
    expect(fits('a ... c', 'a b')).toBe(false)
    expect(fits('201\n201', '201\n409')).toBe(false)
  })
})

/** What says how this machine reaches the registries, which Java it has, and where Node keeps what it has compiled. */
const OF_THE_MACHINE = [
  'PATH',
  'JAVA_HOME',
  'NODE_COMPILE_CACHE',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
]

/** Of a new user who has what the page asks for; servers and packages that this machine has fetched before are not fetched again. */
function environment(home: string): NodeJS.ProcessEnv {
  return {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => OF_THE_MACHINE.includes(name.toUpperCase()))),
    HOME: home,
    LANG: 'C.UTF-8',
    MEMORY_GATEWAY_CACHE: cacheFolder(process.env, homedir()),
    npm_config_cache: process.env['npm_config_cache'] ?? join(homedir(), '.npm'),
    npm_config_userconfig: join(homedir(), '.npmrc'),
    npm_config_prefer_offline: 'true',
    npm_config_update_notifier: 'false',
    ...collectingInChild('by NODE_OPTIONS').env,
  }
}

async function requireFree(port: number): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', () => reject(new Error(`README.md uses port ${String(port)}, and somebody else has it`)))
    server.listen(port, '127.0.0.1', resolve)
  })
  await new Promise((resolve) => server.close(resolve))
}
