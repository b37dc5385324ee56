import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { KeyPair } from '../../src/local-cluster/certificates.ts'
import { collect, isCollecting } from './collected.ts'

/** A real Valkey or Redis server of the test's own, with nothing kept on disk. */
export interface SharedServer {
  readonly url: string
  readonly port: number
  /** Ends the process; what it held is gone. */
  kill(): Promise<void>
  /** Starts it again on the same port. */
  start(): Promise<void>
  /** Holds the process still: connections stand, and nothing is answered. */
  pause(): void
  resume(): void
  /** Runs a command, as in `('config', 'set', 'maxmemory', '1mb')`. @returns what the server says, as text */
  command(...words: string[]): string
  close(): Promise<void>
}

export type SharedServerName = 'valkey' | 'redis'

const COMMAND_MS = 10_000
/** All keys and texts that a server holds. */
const EVERYTHING = `local all = {}
for _, key in ipairs(redis.call('keys', '*')) do
  all[#all + 1] = key
  if redis.call('type', key).ok == 'string' then all[#all + 1] = redis.call('get', key) end
end
return all`

const installed = (name: SharedServerName): boolean => spawnSync(`${name}-server`, ['--version']).status === 0

/** Those of the two that this machine has. Throws where it has none: nothing that gateways share could be tested. */
export function sharedServerNames(): readonly SharedServerName[] {
  const names = (['valkey', 'redis'] as const).filter(installed)
  if (names.length > 0) return names
  throw new Error('This test needs valkey-server or redis-server (apt-get install redis-server)')
}

interface Options {
  readonly password?: string
  /** Speaks TLS only, and asks for a client's certificate, as both servers do by default. */
  readonly tls?: { readonly ca: string; readonly server: KeyPair; readonly client: KeyPair }
}

export async function startSharedServer(
  name: SharedServerName,
  { password, tls }: Options = {},
): Promise<SharedServer> {
  const folder = mkdtempSync(join(tmpdir(), `memory-gateway-${name}-`))
  const port = await freePort()
  const authority = tls === undefined ? [] : ['--tls-ca-cert-file', tls.ca]
  const listening =
    tls === undefined
      ? ['--port', String(port)]
      : [
          '--port',
          '0',
          '--tls-port',
          String(port),
          ...authority,
          ...pair('--tls-cert-file', '--tls-key-file', tls.server),
        ]
  let child: ChildProcess | undefined
  let isPaused = false

  async function start(): Promise<void> {
    const plain = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder]
    const secret = password === undefined ? [] : ['--requirepass', password, '--masterauth', password]
    const started = spawn(`${name}-server`, [...listening, ...plain, ...secret])
    child = started
    let printed = ''
    await new Promise<void>((resolve, reject) => {
      started.stdout.setEncoding('utf8').on('data', (text: string) => {
        printed += text
        if (printed.includes('Ready to accept connections')) resolve()
      })
      started.once('exit', () => reject(new Error(`${name}-server ended: ${printed}`)))
    })
  }
  /** What gateways keep here, whoever may read it. */
  function collectHeld(): void {
    // Who is paused answers nobody.
    if (isCollecting() && !isPaused) collect('shared', runCommand(['eval', EVERYTHING, '0']).stdout.toString())
  }
  async function kill(): Promise<void> {
    if (child?.exitCode !== null || child.signalCode !== null) return
    collectHeld()
    const ended = once(child, 'exit')
    isPaused = false
    child.kill('SIGKILL')
    await ended
  }
  function runCommand(words: readonly string[]) {
    const secret = password === undefined ? [] : ['-a', password, '--no-auth-warning']
    const secured = tls === undefined ? [] : ['--tls', '--cacert', tls.ca, ...pair('--cert', '--key', tls.client)]
    return spawnSync(`${name}-cli`, ['-p', String(port), ...secret, ...secured, ...words], { timeout: COMMAND_MS })
  }
  function command(...words: string[]): string {
    const { stdout, status } = runCommand(words)
    const said = String(stdout).trim()
    if (status !== 0 || said.startsWith('ERR')) throw new Error(`${words.join(' ')}: ${said}`)
    return said
  }
  await start()
  return {
    url: `${tls === undefined ? 'redis' : 'rediss'}://127.0.0.1:${String(port)}`,
    port,
    kill,
    start,
    pause() {
      isPaused = true
      child?.kill('SIGSTOP')
    },
    resume() {
      isPaused = false
      child?.kill('SIGCONT')
    },
    command,
    async close() {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const pair = (certOption: string, keyOption: string, { cert, key }: KeyPair): string[] => [
  certOption,
  cert,
  keyOption,
  key,
]

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
