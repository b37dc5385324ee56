import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

import type { Pool } from 'undici'

import { openLocalIssuer } from '../src/auth/local-issuer.ts'
import { startOpenSearch } from '../src/local-cluster/start-opensearch.ts'
import { cpuMicroseconds } from './cpu.ts'
import { runLoad } from './load.ts'
import type { LoadResult, Target } from './load.ts'
import { spreadOf } from './statistics.ts'

// Deletes side by side: through the gateway with all its checks, by a plain DELETE without any, and by GET and DELETE with if_seq_no by hand, which
// gives the same guarantee. Interleaved rounds; what counts are ratios within a round. Usage: npm run bench [-- --rounds N] [--deletes N]

const ROUNDS = numberOption('--rounds', 5)
const DELETES = numberOption('--deletes', 4000)
const CALLERS = listOption('--callers', [1, 8, 64, 256])
const INDEX = 'bench-memory-working'
const PATH = '/_plugins/_ml/memory_containers/bench/memories/working'

type Way = 'gateway' | 'plain' | 'byHand'

interface Measured extends LoadResult {
  readonly clusterCpu: number
  readonly gatewayCpu: number
}

function numberOption(name: string, byDefault: number): number {
  const at = process.argv.indexOf(name)
  return at === -1 ? byDefault : Number(process.argv[at + 1])
}

function listOption(name: string, byDefault: readonly number[]): readonly number[] {
  const at = process.argv.indexOf(name)
  return at === -1 ? byDefault : (process.argv[at + 1] ?? '').split(',').map(Number)
}

async function expectStatus(
  pool: Pool,
  method: 'GET' | 'DELETE',
  path: string,
  headers: Record<string, string>,
): Promise<unknown> {
  const { statusCode, body } = await pool.request({ method, path, headers })
  const answer = await body.json()
  if (statusCode !== 200) throw new Error(`${method} ${path}: ${String(statusCode)} ${JSON.stringify(answer)}`)
  return answer
}

function makeTargets(cluster: string, gateway: string, token: string): Record<Way, Target> {
  return {
    gateway: {
      origin: gateway,
      deleteOne: async (pool, id) => {
        await expectStatus(pool, 'DELETE', `${PATH}/${id}`, { authorization: `Bearer ${token}` })
      },
    },
    plain: {
      origin: cluster,
      deleteOne: async (pool, id) => {
        await expectStatus(pool, 'DELETE', `/${INDEX}/_doc/${id}`, {})
      },
    },
    byHand: {
      origin: cluster,
      async deleteOne(pool, id) {
        const source = '_source_includes=memory_container_id,owner_id'
        const found = (await expectStatus(pool, 'GET', `/${INDEX}/_doc/${id}?${source}`, {})) as {
          _seq_no: number
          _primary_term: number
        }
        const condition = `if_seq_no=${String(found._seq_no)}&if_primary_term=${String(found._primary_term)}`
        await expectStatus(pool, 'DELETE', `/${INDEX}/_doc/${id}?${condition}`, {})
      },
    },
  }
}

async function seed(cluster: string, ids: readonly string[]): Promise<void> {
  const text = 'The user likes swimming in the morning and reads about sailing boats. '.repeat(8)
  for (let from = 0; from < ids.length; from += 2000) {
    const lines = ids.slice(from, from + 2000).flatMap((id) => [
      { index: { _index: INDEX, _id: id } },
      {
        memory_container_id: 'bench',
        owner_id: 'alice',
        payload_type: 'conversational',
        messages: [{ role: 'user', content: [{ text, type: 'text' }] }],
      },
    ])
    const body = `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`
    const response = await fetch(`${cluster}/_bulk?refresh=true`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/x-ndjson' },
    })
    if (!response.ok) throw new Error(`seeding: ${String(response.status)}`)
    await response.body?.cancel()
  }
}

async function put(url: string, body: unknown): Promise<void> {
  const response = await fetch(url, {
    method: 'PUT',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  })
  if (!response.ok) throw new Error(`${url}: ${String(response.status)} ${await response.text()}`)
}

async function startGateway(
  folder: string,
  cluster: string,
): Promise<{ child: ChildProcessByStdio<null, Readable, null>; url: string }> {
  const config = {
    listen: { port: 0 },
    ops: { port: 0 },
    auth: { issuers: [{ issuer: 'https://bench.local', audience: 'bench', jwks: { file: 'jwks.json' } }] },
    clusters: { main: { nodes: [cluster], service: { kind: 'none' } } },
    memory: { containerIndex: 'bench-containers' },
  }
  writeFileSync(join(folder, 'gateway.yaml'), JSON.stringify(config))
  const cli = join(import.meta.dirname, '../src/cli.ts')
  const child = spawn(process.execPath, [cli, 'start', '--config', join(folder, 'gateway.yaml')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  // The access log is read and thrown away: it is on, as in production.
  const lines = createInterface({ input: child.stdout })
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => reject(new Error('the gateway ended')))
    lines.on('line', (line) => {
      if (line.includes('listening')) resolve((JSON.parse(line) as { url: string }).url)
    })
  })
  return { child, url }
}

async function measure(
  target: Target,
  ids: readonly string[],
  callers: number,
  pids: { cluster: number; gateway: number },
): Promise<Measured> {
  const before = { cluster: cpuMicroseconds(pids.cluster), gateway: cpuMicroseconds(pids.gateway) }
  const result = await runLoad(target, ids, callers)
  return {
    ...result,
    clusterCpu: (cpuMicroseconds(pids.cluster) - before.cluster) / ids.length,
    gatewayCpu: (cpuMicroseconds(pids.gateway) - before.gateway) / ids.length,
  }
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'memory-gateway-bench-'))
  const server = await startOpenSearch({ heapMegabytes: 1024, onProgress: (message) => console.error(message) })
  const issuer = await openLocalIssuer(folder, { issuer: 'https://bench.local', create: true })
  const token = await issuer.sign({ subject: 'alice', scopes: ['memory:delete'], audience: 'bench', ttlMs: 7_200_000 })
  const settings = { settings: { number_of_shards: 1, number_of_replicas: 0 } }
  await put(`${server.url}/${INDEX}`, settings)
  await put(`${server.url}/bench-containers`, settings)
  await put(`${server.url}/bench-containers/_doc/bench?refresh=true`, {
    owner: { name: 'alice' },
    configuration: { index_prefix: 'bench', use_system_index: false },
  })
  const gateway = await startGateway(folder, server.url)
  const pids = { cluster: server.pid, gateway: gateway.child.pid ?? 0 }
  const targets = makeTargets(server.url, gateway.url, token)
  const ways: readonly Way[] = ['gateway', 'plain', 'byHand']
  const results: { round: number; callers: number; way: Way; measured: Measured }[] = []
  let serial = 0
  try {
    // Round 0 warms everything up and does not count.
    for (let round = 0; round <= ROUNDS; round++) {
      for (const callers of CALLERS) {
        const turn = ways.map((_, position) => ways[(position + round) % ways.length] ?? 'plain')
        for (const way of turn) {
          const count = callers === 1 ? Math.ceil(DELETES / 8) : DELETES
          const ids = Array.from({ length: count }, () => `m${String(serial++)}`)
          await seed(server.url, ids)
          const measured = await measure(targets[way], ids, callers, pids)
          if (round > 0) results.push({ round, callers, way, measured })
          console.error(
            `round ${String(round)}, ${String(callers)} callers, ${way}: ${measured.perSecond.toFixed(0)}/s, p50 ${measured.p50.toFixed(2)} ms, cluster ${measured.clusterCpu.toFixed(0)} us, gateway ${measured.gatewayCpu.toFixed(0)} us`,
          )
        }
      }
    }
  } finally {
    gateway.child.kill('SIGTERM')
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  report(results)
}

function report(results: readonly { round: number; callers: number; way: Way; measured: Measured }[]): void {
  const of = (way: Way, callers: number, figure: keyof Measured): number[] =>
    results.filter((row) => row.way === way && row.callers === callers).map(({ measured }) => measured[figure])
  const ratio = (figure: keyof Measured, callers: number, against: Way): string => {
    const others = of(against, callers, figure)
    const { min, median, max } = spreadOf(
      of('gateway', callers, figure).map((value, round) => value / (others[round] ?? NaN)),
    )
    return `${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)})`
  }
  const lines = [
    '| callers | figure | gateway | plain DELETE | GET + DELETE by hand | gateway / plain | gateway / by hand |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...CALLERS.flatMap((callers) =>
      (['perSecond', 'p50', 'p99', 'clusterCpu', 'gatewayCpu'] as const).map((figure) => {
        const medians = (['gateway', 'plain', 'byHand'] as const).map((way) =>
          spreadOf(of(way, callers, figure)).median.toFixed(figure.startsWith('p5') || figure.startsWith('p9') ? 2 : 0),
        )
        const ratios =
          figure === 'gatewayCpu' ? ['', ''] : [ratio(figure, callers, 'plain'), ratio(figure, callers, 'byHand')]
        return `| ${String(callers)} | ${UNITS[figure]} | ${[...medians, ...ratios].join(' | ')} |`
      }),
    ),
  ]
  const folder = join(import.meta.dirname, 'results')
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'delete.json'),
    `${JSON.stringify({ node: process.version, rounds: ROUNDS, deletes: DELETES, results }, undefined, 1)}\n`,
  )
  writeFileSync(join(folder, 'delete.md'), `${lines.join('\n')}\n`)
  console.log(lines.join('\n'))
}

const UNITS: Record<keyof Measured, string> = {
  perSecond: 'deletes/s',
  p50: 'p50, ms',
  p99: 'p99, ms',
  clusterCpu: 'cluster CPU, us a delete',
  gatewayCpu: 'gateway CPU, us a delete',
}

await main()
