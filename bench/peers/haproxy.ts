import { spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { AUDIENCE, endOf, ISSUER } from '../world.ts'
import type { Algorithm, BenchIssuer, Running } from '../world.ts'
import { freePort, waitForPort } from './ports.ts'

export function hasHaproxy(): boolean {
  return spawnSync('haproxy', ['-v'], { stdio: 'ignore' }).status === 0
}

/** HAProxy on one thread: signature, issuer and expiry of the token checked for each request, and the access log on. */
export async function startHaproxy(upstream: string, issuer: BenchIssuer, algorithm: Algorithm): Promise<Running> {
  const port = await freePort()
  const file = join(issuer.folder, `haproxy-${algorithm}.cfg`)
  writeFileSync(
    file,
    `global
  nbthread 1
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  timeout client 60s
  timeout server 60s
  timeout connect 5s
frontend first
  bind 127.0.0.1:${String(port)}
  http-request set-var(txn.bearer) http_auth_bearer
  http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
  http-request set-var(txn.iss) var(txn.bearer),jwt_payload_query('$.iss')
  http-request set-var(txn.aud) var(txn.bearer),jwt_payload_query('$.aud')
  http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 unless { var(txn.alg) -m str ${algorithm} }
  http-request deny deny_status 401 unless { var(txn.iss) -m str ${ISSUER} }
  http-request deny deny_status 401 unless { var(txn.aud) -m str ${AUDIENCE} }
  http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int lt 0 }
  http-request deny deny_status 401 unless { var(txn.bearer),jwt_verify(txn.alg,"${issuer.pem[algorithm]}") -m int 1 }
  default_backend nodes
backend nodes
  http-reuse always
  server one ${new URL(upstream).host}
`,
  )
  const startedAt = performance.now()
  const child = spawn('haproxy', ['-f', file], { stdio: ['ignore', 'pipe', 'inherit'] })
  // Its access log is read and thrown away, as the gateway's is.
  child.stdout.resume()
  await waitForPort(port)
  const url = `http://127.0.0.1:${String(port)}`
  return { pid: child.pid ?? 0, url, readyAfterMs: performance.now() - startedAt, stop: () => endOf(child) }
}
