import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose'

/** An issuer with an RSA and an elliptic key, its public keys as files. */
export interface BenchIssuer {
  readonly folder: string
  readonly jwks: string
  readonly pem: Readonly<Record<Algorithm, string>>
  sign(algorithm: Algorithm, scopes: string): Promise<string>
}

export type Algorithm = 'RS256' | 'ES256'

export const ISSUER = 'https://bench.local'
export const AUDIENCE = 'bench'

export async function makeIssuer(): Promise<BenchIssuer> {
  const folder = mkdtempSync(join(tmpdir(), 'memory-gateway-bench-'))
  const pairs = { RS256: await generateKeyPair('RS256'), ES256: await generateKeyPair('ES256') }
  const algorithms = ['RS256', 'ES256'] as const
  const keys = await Promise.all(
    algorithms.map(async (alg) => ({ ...(await exportJWK(pairs[alg].publicKey)), alg, kid: alg, use: 'sig' })),
  )
  const jwks = join(folder, 'jwks.json')
  writeFileSync(jwks, JSON.stringify({ keys }))
  const pem = { RS256: join(folder, 'rs256.pem'), ES256: join(folder, 'es256.pem') }
  for (const algorithm of algorithms) writeFileSync(pem[algorithm], await exportSPKI(pairs[algorithm].publicKey))
  return {
    folder,
    jwks,
    pem,
    sign: (alg, scope) =>
      new SignJWT({ scope })
        .setProtectedHeader({ alg, kid: alg, typ: 'JWT' })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject('alice')
        .setIssuedAt()
        .setExpirationTime('4h')
        .sign(pairs[alg].privateKey),
  }
}

/** A process under measurement. */
export interface Running {
  readonly pid: number
  readonly url: string
  /** From the start of the process until it said that it was ready, in milliseconds. */
  readonly readyAfterMs: number
  stop(): Promise<void>
}

const CLI = join(import.meta.dirname, '../dist/cli.js')

/** The built gateway, as it is deployed, with its access log and its audit on. */
export async function startGateway(
  issuer: BenchIssuer,
  name: string,
  settings: Readonly<Record<string, unknown>>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Running> {
  if (!existsSync(CLI)) throw new Error('Run npm run build first: what is measured is what is deployed')
  const config = {
    listen: { port: 0 },
    ops: { port: 0 },
    auth: {
      issuers: [{ issuer: ISSUER, audience: AUDIENCE, algorithms: ['RS256', 'ES256'], jwks: { file: issuer.jwks } }],
    },
    audit: { sink: 'file', file: join(issuer.folder, `${name}.audit`) },
    ...settings,
  }
  const file = join(issuer.folder, `${name}.yaml`)
  writeFileSync(file, JSON.stringify(config))
  return startProcess(process.execPath, [CLI, 'start', '--config', file], /"url":"([^"]+)"/, env)
}

/** Starts a process, and waits for the line that says where it listens. Its later output is read and thrown away. */
export async function startProcess(
  program: string,
  args: readonly string[],
  ready: RegExp,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Running> {
  const startedAt = performance.now()
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  const url = await new Promise<string>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${program} ended with ${String(code)}`)))
    lines.on('line', (line) => {
      const found = ready.exec(line)?.[1]
      if (found !== undefined) resolve(found)
    })
  })
  return { pid: child.pid ?? 0, url, readyAfterMs: performance.now() - startedAt, stop: () => endOf(child) }
}

/** Ends a process that this bench started. */
export async function endOf(child: ReturnType<typeof spawn>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  await ended
}

/** Keeps a process, all its threads, on one core, where the machine allows it. */
export function pin(pid: number, core: number): void {
  spawnSync('taskset', ['-acp', String(core), String(pid)], { stdio: 'ignore' })
}

export function removeIssuer({ folder }: BenchIssuer): void {
  rmSync(folder, { recursive: true, force: true })
}
