import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { call } from './call.ts'

export interface Haproxy {
  readonly url: string
  /** The servers that get requests, by name. */
  up(): Promise<readonly string[]>
  close(): Promise<void>
}

interface Backend {
  readonly name: string
  readonly port: number
  readonly opsPort: number
}

// Debian's package is there, which a user's PATH may lack.
const ENV = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` }

/** Debian's package: CI installs it. */
export function hasHaproxy(): boolean {
  return spawnSync('haproxy', ['-v'], { stdio: 'ignore', env: ENV }).status === 0
}

/** A port that was free a moment ago, for what must be found on the same one again. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** HAProxy before gateways, as docs/operators.md says, but that it asks more often; it sends nothing twice, so that whatever fails is seen. */
export async function startHaproxy(backends: readonly Backend[]): Promise<Haproxy> {
  const folder = mkdtempSync(join(tmpdir(), 'memory-gateway-haproxy-'))
  const [port, statusPort] = [await freePort(), await freePort()]
  const servers = backends.map(
    (one) => `  server ${one.name} 127.0.0.1:${String(one.port)} port ${String(one.opsPort)}\n`,
  )
  const file = join(folder, 'haproxy.cfg')
  writeFileSync(
    file,
    `defaults
  mode http
  retries 0
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout check 10s
frontend first
  bind 127.0.0.1:${String(port)}
  default_backend gateways
frontend status
  bind 127.0.0.1:${String(statusPort)}
  stats enable
  stats uri /
backend gateways
  option httpchk GET /readyz
  default-server check inter 100ms fall 1 rise 1
${servers.join('')}`,
  )
  const child = spawn('haproxy', ['-f', file], { stdio: 'ignore', env: ENV })
  return {
    url: `http://127.0.0.1:${String(port)}`,
    async up() {
      const page = await call(`http://127.0.0.1:${String(statusPort)}`, { path: '/;csv' }).catch(() => undefined)
      const rows = (page?.text ?? '').split('\n').map((row) => row.split(','))
      const column = rows[0]?.indexOf('status') ?? -1
      const up = rows.filter((row) => row[0] === 'gateways' && row[column] === 'UP').flatMap(([, name]) => name ?? [])
      return up.filter((name) => name !== 'BACKEND')
    },
    async close() {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
