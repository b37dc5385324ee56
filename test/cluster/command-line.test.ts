import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { CHILD_ENVIRONMENT } from '../support/child-environment.ts'
import { CLI } from '../support/cli.ts'
import { plainCluster } from '../support/clusters.ts'
import { collectingInChild, collectStream } from '../support/collected.ts'
import { bulk, startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { testMemories } from '../support/memories.ts'

// The commands as users run them: processes of their own.

const memories = testMemories(plainCluster().url)
let folder: string
let proxy: FaultProxy

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'memory-gateway-cli-'))
  proxy = await startFaultProxy(plainCluster().url)
  await memories.putContainer('c')
})
afterAll(async () => {
  await proxy.close()
  await memories.removeAll()
  rmSync(folder, { recursive: true, force: true })
})

function run(...words: string[]) {
  const collecting = collectingInChild()
  const child = spawn(process.execPath, [...collecting.flags, CLI, ...words], {
    cwd: folder,
    env: { ...CHILD_ENVIRONMENT, ...collecting.env },
  })
  // A token is what `token` prints.
  for (const stream of words[0] === 'token' ? [child.stderr] : [child.stdout, child.stderr]) {
    collectStream('log', stream)
  }
  const printed = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (printed.out += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (printed.err += chunk))
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as unknown,
    signal: signal as unknown,
    ...printed,
  }))
  return { child, printed, ended }
}

function writeConfig(name: string, more: object = {}): string {
  const path = join(folder, name)
  const config = {
    listen: { port: 0 },
    ops: { port: 0 },
    auth: {
      issuers: [
        {
          issuer: 'https://memory-gateway.local',
          audience: 'memory-gateway',
          jwks: { file: 'memory-gateway-keys/jwks.json' },
        },
      ],
    },
    clusters: { main: { nodes: [proxy.url], service: { kind: 'none' } } },
    memory: { containerIndex: memories.containerIndex },
    legacy: { container: 'c' },
    ...more,
  }
  writeFileSync(path, JSON.stringify(config))
  return path
}

async function makeToken(): Promise<string> {
  const { code, out } = await run('token', '--subject', 'alice', '--scope', 'memory:delete', '--ttl', '90d').ended
  expect(code).toBe(0)
  return out.trim()
}

/** Starts a gateway; resolves with its addresses, from the first line of stdout that says `listening`. */
async function start(config: string) {
  const running = run('start', '--config', config)
  const line = new Promise<string>((resolve, reject) => {
    running.child.stdout.on('data', () => {
      const listening = running.printed.out.split('\n').find((text) => text.includes('listening'))
      if (listening !== undefined) resolve(listening)
    })
    void running.ended.then(({ err }) => reject(new Error(`it ended: ${err}`)))
  })
  const { url, opsUrl } = JSON.parse(await line) as { url: string; opsUrl: string }
  return { ...running, url, opsUrl }
}

const remove = (url: string, token: string, id: string) =>
  fetch(`${url}/api/memories/${id}`, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } })

describe('memory-gateway token', () => {
  test('signs what start accepts, with a key that it makes once, for as long as asked', async () => {
    const first = run('token', '--subject', 'alice', '--scope', 'memory:delete', '--ttl', '90d')
    const { code, out, err } = await first.ended
    expect(code).toBe(0)
    expect(err).toMatch(/^Made a new signing key; its public half is memory-gateway-keys\/jwks.json\n$/)
    const claims = JSON.parse(Buffer.from(out.split('.')[1] ?? '', 'base64url').toString()) as {
      exp: number
      iat: number
    }
    expect(claims).toMatchObject({ sub: 'alice', scope: 'memory:delete', aud: 'memory-gateway' })
    expect(claims.exp - claims.iat).toBe(90 * 24 * 3600)
    const second = await run('token', '--subject', 'bob', '--scope', 'memory:delete', 'memory:read').ended
    expect(second).toMatchObject({ code: 0, err: '' })
  })

  test.each([
    [['--subject', 'alice', '--scope', 'memory:everything'], 'memory:everything is not one of'],
    [
      ['--subject', 'alice', '--scope', 'memory:delete', '--ttl', '3 months'],
      'write a whole number and ms, s, m, h or d',
    ],
    [['--scope', 'memory:delete'], "required option '--subject <name>' not specified"],
  ])('refuses %j, and says why', async (words, why) => {
    const { code, out, err } = await run('token', ...words).ended
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(why)
  })
})

describe('memory-gateway start', () => {
  test('serves, and at SIGTERM finishes what is under way, takes no more, and ends well', async () => {
    const token = await makeToken()
    await memories.putMemory('working', 'one', { memory_container_id: 'c', owner_id: 'alice' })
    await memories.putMemory('working', 'two', { memory_container_id: 'c', owner_id: 'alice' })
    const gateway = await start(writeConfig('gateway.yaml'))
    const answer = await remove(gateway.url, token, 'one')
    expect([answer.status, await answer.json()]).toEqual([200, { message: 'Memory deleted' }])
    expect((await fetch(`${gateway.opsUrl}/readyz`)).status).toBe(200)
    expect((await fetch(`${gateway.opsUrl}/livez`)).status).toBe(200)

    const hold = proxy.hold(bulk)
    const underWay = remove(gateway.url, token, 'two')
    await hold.arrived
    gateway.child.kill('SIGTERM')
    // It has stopped listening as soon as a new connection is refused.
    for (let refused = false; !refused;) {
      refused = await fetch(`${gateway.url}/api/memories/x`, { method: 'DELETE' }).then(
        async (response) => {
          await response.body?.cancel()
          return false
        },
        () => true,
      )
    }
    hold.release()
    expect((await underWay).status).toBe(200)
    expect(await gateway.ended).toMatchObject({ code: 0, err: '' })
    expect(gateway.printed.out).not.toContain(token)
    hold.remove()
  })

  test('does not start with a wrong configuration, and lists all that is wrong', async () => {
    const config = writeConfig('wrong.yaml', { listen: { port: 'x' }, limits: { drain: 'soon' }, colour: 'blue' })
    const { code, out, err } = await run('start', '--config', config).ended
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(/wrong\.yaml has 3 problems:\n {2}listen\.port: .*\n {2}limits\.drain: .*\n {2}colour: .*\n$/)
    const checked = await run('check', '--config', config).ended
    expect(checked).toMatchObject({ code: 2, err })
  })

  test('says that a port is taken, and a variable or a file missing', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const taken = await run('start', '--config', writeConfig('taken.yaml', { listen: { port } })).ended
    other.close()
    expect(taken.code).toBe(1)
    expect(taken.err).toContain(String(port))
    expect(taken.err).toMatch(/in use/)
    expect(taken.err).not.toMatch(/\n {4}at /)

    const unset = writeConfig('unset.yaml', { legacy: { container: '${NO_SUCH_NAME}' } })
    expect(await run('check', '--config', unset).ended).toMatchObject({
      code: 2,
      err: expect.stringContaining('legacy.container: the environment variable NO_SUCH_NAME is not set') as unknown,
    })
    expect(await run('start', '--config', 'nowhere.yaml').ended).toMatchObject({
      code: 2,
      err: expect.stringContaining('nowhere.yaml has 1 problem:\n  (file): cannot be read (ENOENT)') as unknown,
    })
  })

  test('starts with the cluster away, says so in /readyz, and is ready when it is back', async () => {
    const token = await makeToken()
    await memories.putMemory('working', 'three', { memory_container_id: 'c', owner_id: 'alice' })
    await proxy.refuse()
    const gateway = await start(writeConfig('away.yaml'))
    const notReady = await fetch(`${gateway.opsUrl}/readyz`)
    expect([notReady.status, await notReady.json()]).toMatchObject([503, { checks: { cluster: { ok: false } } }])
    expect((await remove(gateway.url, token, 'three')).status).toBe(502)
    await proxy.accept()
    for (let ready = false; !ready;) ready = (await fetch(`${gateway.opsUrl}/readyz`)).status === 200
    expect((await remove(gateway.url, token, 'three')).status).toBe(200)
    gateway.child.kill('SIGTERM')
    expect(await gateway.ended).toMatchObject({ code: 0 })
  })
})

test('check: 0 and a word when the configuration is good, 2 with every problem when it is not', async () => {
  expect(await run('check', '--config', writeConfig('good.yaml')).ended).toMatchObject({
    code: 0,
    out: expect.stringMatching(/good\.yaml is good\n$/) as unknown,
    err: '',
  })
  const bad = writeConfig('bad.yaml', { ops: { token: 'short' }, sharedState: { password: 'file:nowhere' } })
  const { code, out, err } = await run('check', '--config', bad).ended
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toMatch(/bad\.yaml has 2 problems:\n {2}sharedState\.password: .*\n {2}ops\.token: .*\n$/)
  expect(err).not.toContain('short')
  expect(await run('check').ended).toMatchObject({ code: 2 })
})
