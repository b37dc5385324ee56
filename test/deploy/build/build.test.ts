import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { openLocalIssuer } from '../../../src/auth/local-issuer.ts'
import { cloneInto } from '../../readme/clone.ts'
import { collectingInChild, collectStream } from '../../support/collected.ts'
import { sharedServerNames, startSharedServer } from '../../support/shared-servers.ts'
import type { SharedServer } from '../../support/shared-servers.ts'

const ROOT = join(import.meta.dirname, '../../..')
const ISSUER = 'https://idp.example'
/** Whatever is asked: a version, a search that found nothing of ours, a document. */
const HELD = '{"_id":"held","version":{"number":"3.4.0"},"hits":{"total":{"value":1}}}'

describe('what npm run build makes, with no package beside it', () => {
  let folder: string
  let cli: string
  let token: string
  let nodeUrl: string
  let shared: SharedServer
  const asked: string[] = []
  const node = createServer((request, response) => {
    asked.push(`${String(request.method)} ${String(request.url)}`)
    response.setHeader('x-opensearch-version', 'OpenSearch/3.4.0 (opensearch)')
    response.setHeader('content-type', 'application/json').end(HELD)
  })
  const started: ChildProcess[] = []
  const run = async (...words: readonly string[]): Promise<string> =>
    (await promisify(execFile)(process.execPath, [cli, ...words], { cwd: folder, maxBuffer: 2 ** 22 })).stdout

  beforeAll(async () => {
    const scratch = mkdtempSync(join(tmpdir(), 'memory-gateway-dist-'))
    const clone = join(scratch, 'clone')
    folder = join(scratch, 'deployed')
    for (const path of [clone, folder, join(folder, 'config')]) mkdirSync(path)
    cloneInto(clone, ROOT)
    symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'))
    await promisify(execFile)('npm', ['run', '-s', 'build'], { cwd: clone })
    for (const path of ['dist', 'package.json', 'config/openapi.yaml']) {
      cpSync(join(clone, path), join(folder, path), { recursive: true })
    }
    rmSync(clone, { recursive: true })
    cli = join(folder, 'dist/cli.js')
    await new Promise<void>((resolve) => node.listen(0, '127.0.0.1', resolve))
    nodeUrl = `http://127.0.0.1:${String((node.address() as AddressInfo).port)}`
    const issuer = await openLocalIssuer(join(folder, 'keys'), { issuer: ISSUER, create: true })
    token = await issuer.sign({ subject: 'alice', scopes: ['opensearch:admin'], audience: 'a', ttlMs: 600_000 })
    shared = await startSharedServer(sharedServerNames()[0] ?? 'redis')
  }, 120_000)

  afterAll(async () => {
    for (const child of started) {
      if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit')
    }
    await shared.close()
    node.close()
    node.closeAllConnections()
    rmSync(join(folder, '..'), { recursive: true, force: true })
  }, 60_000)

  function configure(more: Readonly<Record<string, unknown>>, passThrough: Readonly<Record<string, unknown>>): string {
    const path = join(folder, 'gateway.yaml')
    const issuers = [{ issuer: ISSUER, audience: 'a', jwks: { file: 'keys/jwks.json' } }]
    const clusters = { main: { nodes: [nodeUrl], service: { kind: 'none' }, passThrough } }
    writeFileSync(path, JSON.stringify({ listen: { port: 0 }, ops: { port: 0 }, auth: { issuers }, clusters, ...more }))
    return path
  }

  async function start(config: string): Promise<{ url: string; opsUrl: string; child: ChildProcess }> {
    const collecting = collectingInChild()
    const child = spawn(process.execPath, [...collecting.flags, cli, 'start', '--config', config], {
      cwd: folder,
      env: { ...process.env, ...collecting.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    started.push(child)
    for (const stream of [child.stdout, child.stderr]) collectStream('log', stream)
    return new Promise((resolve, reject) => {
      let printed = ''
      const look = (text: string): void => {
        printed += text
        const line = printed.split('\n').find((one) => one.includes('"listening"') && one.endsWith('}'))
        if (line !== undefined) resolve({ ...(JSON.parse(line) as { url: string; opsUrl: string }), child })
      }
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', look)
      child.once('exit', () => reject(new Error(printed)))
    })
  }

  test('is this version, and knows its settings', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
    expect(await run('--version')).toBe(`${version}\n`)
    const schema = JSON.parse(readFileSync(join(ROOT, 'config/gateway.schema.json'), 'utf8')) as unknown
    expect(JSON.parse(await run('schema'))).toEqual(schema)
  })

  test.each(['undici', 'http-proxy-middleware'])(
    'passes on through %s, counts in what gateways share, shows its pages',
    async (engine) => {
      const more = { sharedState: { url: shared.url } }
      const { url, opsUrl, child } = await start(configure(more, { engine }))
      asked.length = 0
      const answer = await fetch(`${url}/notes/_doc/held`, { headers: { authorization: `Bearer ${token}` } })
      expect([answer.status, await answer.text()]).toEqual([200, HELD])
      expect(asked).toContain('GET /notes/_doc/held')
      const shown = [
        '/',
        '/page/main.js',
        '/docs',
        '/docs/swagger-ui-bundle.js',
        '/openapi.yaml',
        '/openapi.json',
        '/metrics',
      ]
      for (const path of shown) expect([path, (await fetch(opsUrl + path)).status]).toEqual([path, 200])
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      expect(await ended).toEqual([0, null])
    },
  )

  test('runs the demo', async () => {
    expect(await run('demo', '--once')).toContain('{"message":"Memory deleted"}')
  }, 60_000)

  test('has the terms of every package that has code in it', () => {
    const dist = join(folder, 'dist')
    const maps = readdirSync(dist).filter((name) => name.endsWith('.js.map'))
    const sources = maps.flatMap(
      (name) => (JSON.parse(readFileSync(join(dist, name), 'utf8')) as { sources: string[] }).sources,
    )
    const packages = sources.flatMap((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? [])
    expect(new Set(packages).size).toBeGreaterThan(60)
    const notices = readFileSync(join(dist, 'THIRD-PARTY-NOTICES.txt'), 'utf8')
    const named = [...notices.matchAll(/^((?:@[^/\s]+\/)?[^/\s]+) \d+\.\d+\.\d+\S* \([\w.-]+\)$/gm)].map(
      ([, name]) => name,
    )
    expect(named).toEqual(expect.arrayContaining([...new Set(packages)]))
  })

  test('has the names of its functions, for profiles and stacks', () => {
    const text = readdirSync(join(folder, 'dist'))
      .filter((name) => name.endsWith('.js'))
      .map((name) => readFileSync(join(folder, 'dist', name), 'utf8'))
      .join('')
    expect(text).toMatch(/function openErasures\(/)
  })
})
