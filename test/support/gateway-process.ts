import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { openLocalIssuer } from '../../src/auth/local-issuer.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { CHILD_ENVIRONMENT } from './child-environment.ts'
import { CLI } from './cli.ts'
import { askOps, collectingInChild, collectStream, SPANS } from './collected.ts'
import type { Spans } from './collected-traces.ts'
import { plantSecretsOf } from './plant-secrets.ts'

const MAX_PRINTED = 1_000_000
const ISSUER = 'https://memory-gateway.local'

/** A gateway as deployments run it: a process of its own. */
export interface GatewayProcess {
  readonly url: string
  readonly opsUrl: string
  readonly child: ChildProcess
  /** Its configuration file. */
  readonly configPath: string
  /** What it wrote to stdout and stderr lately. */
  printed(): string
  /** Puts another configuration into its file. */
  readonly configure: (config: Omit<ConfigInput, 'auth'>) => void
  /** Its exit code. */
  readonly ended: Promise<{ readonly code: unknown }>
  /** Resident memory at the moment, in MiB. */
  residentMegabytes(): number
}

export interface GatewayProcesses {
  /** alice's. */
  readonly token: string
  /**
   * @param flags Node's own
   * @param spans of a gateway whose memory is measured none are kept; one whose time is measured makes none
   */
  start(config: Omit<ConfigInput, 'auth'>, flags?: readonly string[], spans?: Spans | 'none'): Promise<GatewayProcess>
  /** Kills those that still run. */
  killAll(): Promise<void>
  close(): Promise<void>
}

/** @param scopes of the token */
export async function openGatewayProcesses(scopes: readonly string[] = ['memory:delete']): Promise<GatewayProcesses> {
  const folder = mkdtempSync(join(tmpdir(), 'memory-gateway-process-'))
  const issuer = await openLocalIssuer(join(folder, 'keys'), { issuer: ISSUER, create: true })
  const token = await issuer.sign({
    subject: 'alice',
    scopes,
    audience: 'memory-gateway',
    ttlMs: 3_600_000,
  })
  const started: ChildProcess[] = []
  /** Their ops ports. */
  const running = new Map<ChildProcess, string>()
  const killAll = async (): Promise<void> => {
    await Promise.all([...running.values()].map((opsUrl) => askOps(opsUrl, undefined)))
    for (const child of started.splice(0)) child.kill('SIGKILL')
  }

  async function start(
    config: Omit<ConfigInput, 'auth'>,
    flags: readonly string[] = [],
    spans?: Spans | 'none',
  ): Promise<GatewayProcess> {
    const path = join(folder, `${String(started.length)}.yaml`)
    const issuers = [{ issuer: ISSUER, audience: 'memory-gateway', jwks: { file: 'keys/jwks.json' } }]
    const configure: GatewayProcess['configure'] = (changed) => {
      plantSecretsOf(changed, folder)
      writeFileSync(path, JSON.stringify({ listen: { port: 0 }, ops: { port: 0 }, auth: { issuers }, ...changed }))
    }
    configure(config)
    const collecting = collectingInChild()
    const args = [...flags, ...collecting.flags, CLI, 'start', '--config', path]
    const env = { ...CHILD_ENVIRONMENT, ...collecting.env, [SPANS]: spans }
    const child = spawn(process.execPath, args, { cwd: folder, env })
    started.push(child)
    const ended = once(child, 'exit').then(([code]) => ({ code: code as unknown }))
    let printed = ''
    const print = (chunk: string): void => {
      printed += chunk
      if (printed.length > 2 * MAX_PRINTED) printed = printed.slice(-MAX_PRINTED)
    }
    for (const stream of [child.stdout, child.stderr]) collectStream('log', stream)
    child.stderr.setEncoding('utf8').on('data', print)
    const line = await new Promise<string>((resolve, reject) => {
      child.stdout.setEncoding('utf8').on('data', print)
      child.stdout.on('data', function lookForListening() {
        const listening = printed.split('\n').find((one) => one.includes('"listening"'))
        if (listening === undefined) return
        child.stdout.off('data', lookForListening)
        resolve(listening)
      })
      void ended.then(() => reject(new Error(`it ended: ${printed}`)))
    })
    const { url, opsUrl } = JSON.parse(line) as { url: string; opsUrl: string }
    running.set(child, opsUrl)
    void ended.then(() => running.delete(child))
    const residentMegabytes = (): number => {
      const status = readFileSync(`/proc/${String(child.pid)}/status`, 'utf8')
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1_024
    }
    return { url, opsUrl, child, ended, residentMegabytes, configPath: path, configure, printed: () => printed }
  }

  return {
    token,
    start,
    killAll,
    async close() {
      await killAll()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
