import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

import { collect, collectingInChild, collectStream } from '../../support/collected.ts'
import { cloneInto } from '../../readme/clone.ts'

const ROOT = join(import.meta.dirname, '../../..')
const long = process.env['TEST_LONG'] === '1' ? describe : describe.skip

long('the package that npm pack makes, installed as by npm install --global', () => {
  let scratch: string
  let gateway: ChildProcess | undefined
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` }
  const run = async (program: string, args: readonly string[], cwd = scratch): Promise<string> =>
    (await promisify(execFile)(program, [...args], { cwd, env, maxBuffer: 2 ** 26 })).stdout
  const command = (): string => join(scratch, 'prefix/bin/memory-gateway')

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'memory-gateway-package-'))
    const clone = join(scratch, 'clone')
    mkdirSync(clone)
    cloneInto(clone, ROOT)
    symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'))
    await run('npm', ['pack', '--pack-destination', scratch], clone)
    const [packed = ''] = readdirSync(scratch).filter((name) => name.endsWith('.tgz'))
    const where = ['--global', '--prefix', join(scratch, 'prefix'), '--ignore-scripts', '--prefer-offline']
    await run('npm', ['install', ...where, join(scratch, packed)])
    const issuers = [{ issuer: 'https://idp.example', audience: 'a', jwks: { file: 'jwks.json' } }]
    const clusters = { main: { nodes: ['http://127.0.0.1:9'], service: { kind: 'none' } } }
    const config = { listen: { port: 0 }, ops: { port: 0 }, auth: { issuers }, clusters }
    writeFileSync(join(scratch, 'gateway.yaml'), JSON.stringify(config))
    writeFileSync(join(scratch, 'jwks.json'), JSON.stringify({ keys: [] }))
  }, 300_000)

  afterAll(async () => {
    if (gateway?.exitCode === null && gateway.kill('SIGKILL')) await once(gateway, 'exit')
    rmSync(scratch, { recursive: true, force: true })
  }, 60_000)

  test('has the program, its configuration and its pages, and neither sources nor tests', () => {
    const installed = join(scratch, 'prefix/lib/node_modules/opensearch-memory-gateway')
    const expected = ['CHANGELOG.md', 'LICENSE', 'README.md', 'config', 'dist', 'docs', 'node_modules', 'package.json']
    expect(readdirSync(installed).sort()).toEqual(expected)
    expect(readdirSync(join(installed, 'config'))).toEqual(
      expect.arrayContaining(['gateway.yaml', 'gateway.schema.json']),
    )
  })

  test('knows its version', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
    expect(await run(command(), ['--version'])).toBe(`${version}\n`)
  })

  test('checks a configuration, and starts with it', async () => {
    const checked = await run(command(), ['check', '--config', 'gateway.yaml'])
    collect('check', checked)
    expect(checked).toBe('gateway.yaml is good\n')
    gateway = spawn(command(), ['start', '--config', 'gateway.yaml'], {
      cwd: scratch,
      env: { ...env, ...collectingInChild('by NODE_OPTIONS').env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [gateway.stdout, gateway.stderr]) collectStream('log', stream)
    const opsUrl = await new Promise<string>((resolve, reject) => {
      let printed = ''
      gateway?.stdout?.setEncoding('utf8').on('data', (text: string) => {
        printed += text
        const url = /"listening".*"opsUrl":"([^"]+)"/.exec(printed)?.[1]
        if (url !== undefined) resolve(url)
      })
      gateway?.once('exit', () => reject(new Error(printed)))
    })
    expect((await fetch(`${opsUrl}/livez`)).status).toBe(200)
    const ended = once(gateway, 'exit')
    gateway.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
  })
})
