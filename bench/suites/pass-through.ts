import type { Pool } from 'undici'

import { startOpenSearch } from '../../src/local-cluster/start-opensearch.ts'
import { cpuMicroseconds } from '../cpu.ts'
import { runLoad } from '../load.ts'
import { isWarmUp, turnOf } from '../measurements.ts'
import type { Measurement, Suite } from '../measurements.ts'
import { OPTIONS } from '../options.ts'
import { hasHaproxy, startHaproxy } from '../peers/haproxy.ts'
import { hasNginx, startNginx } from '../peers/nginx.ts'
import { writeReport } from '../report.ts'
import { makeIssuer, pin, removeIssuer, startGateway, startProcess } from '../world.ts'
import type { Algorithm, BenchIssuer, Running } from '../world.ts'

const CONTENDERS = [
  'gateway (undici)',
  'gateway (http-proxy-middleware)',
  'HAProxy, RS256',
  'HAProxy, ES256',
  'nginx, no checks',
  'bare node:http + undici',
  'direct',
] as const

type Contender = (typeof CONTENDERS)[number]

const SUITE: Suite = {
  name: 'pass-through',
  title: 'Pass-through: CPU of the proxy a request, each on one core, the token checked unless said otherwise',
  contenders: CONTENDERS,
  figures: [
    { name: 'CPU', unit: 'us a request', digits: 0, hasRatio: true },
    { name: 'throughput', unit: 'requests/s', digits: 1, hasRatio: true },
    { name: 'p50', unit: 'ms', digits: 2, hasRatio: true },
  ],
}

interface Case {
  readonly name: string
  readonly callers: number
  readonly requests: number
  readonly runOne: (pool: Pool, token: string) => Promise<void>
}

const INDEX = 'bench-documents'
const LARGE = 'bench-large'
const BULK = bulkOf(5_000)
const LARGE_BYTES = 50 * 1024 * 1024
/** It takes V8 some tens of thousands of requests to compile the whole of their way (seen: 376 us in the first 4,000, 199 after 80,000). */
const WARM_UP_TIMES = 5

const CASES: readonly Case[] = [
  {
    name: 'GET of a small document, 32 callers',
    callers: 32,
    requests: OPTIONS.requests,
    runOne: (pool, token) => ask(pool, token, { method: 'GET', path: `/${INDEX}/_doc/one` }),
  },
  {
    name: 'bulk of 10,000 lines',
    callers: 1,
    requests: 10,
    runOne: (pool, token) =>
      ask(pool, token, { method: 'POST', path: `/${INDEX}-bulk/_bulk?filter_path=took`, body: BULK }),
  },
  {
    name: 'answer of 50 MiB',
    callers: 1,
    requests: 5,
    runOne: (pool, token) => ask(pool, token, { method: 'GET', path: `/${LARGE}/_doc/one` }),
  },
]

export async function benchPassThrough(): Promise<void> {
  const server = await startOpenSearch({ heapMegabytes: 2048, onProgress: (message) => console.error(message) })
  const issuer = await makeIssuer()
  await fill(server.url)
  const running = await startAll(server.url, issuer)
  const tokens: Record<Algorithm, string> = {
    RS256: await issuer.sign('RS256', 'opensearch:read opensearch:write'),
    ES256: await issuer.sign('ES256', 'opensearch:read opensearch:write'),
  }
  // One core for the proxies, the other for the load and the cluster.
  for (const { pid } of running.values()) if (pid !== server.pid) pin(pid, 0)
  pin(server.pid, 1)
  pin(process.pid, 1)
  const measurements: Measurement[] = []
  try {
    for (let round = 0; round <= OPTIONS.rounds; round++) {
      for (const { name, callers, requests, runOne } of CASES) {
        for (const contender of turnOf([...running.keys()], round)) {
          const { pid, url } = running.get(contender) ?? { pid: 0, url: '' }
          const token = tokens[contender === 'HAProxy, ES256' ? 'ES256' : 'RS256']
          const count = isWarmUp(round) ? requests * WARM_UP_TIMES : requests
          const ids = Array.from({ length: count }, (_, position) => String(position))
          await writeBuffers(server.url)
          const before = cpuMicroseconds(pid)
          const target = { origin: url, runOne: (pool: Pool) => runOne(pool, token) }
          const { perSecond, p50 } = await runLoad(target, ids, callers)
          const cpu = (cpuMicroseconds(pid) - before) / count
          const shared = { throughput: perSecond, p50 }
          const figures = contender === 'direct' ? shared : { CPU: cpu, ...shared }
          console.error(
            `pass-through ${String(round)} ${name} ${contender}: CPU ${cpu.toFixed(0)} us, ${perSecond.toFixed(1)}/s`,
          )
          if (!isWarmUp(round)) measurements.push({ suite: SUITE.name, case: name, contender, round, figures })
        }
      }
    }
  } finally {
    for (const [contender, one] of running) if (contender !== 'direct') await one.stop()
    await server.stop()
    removeIssuer(issuer)
  }
  console.log(writeReport(SUITE, measurements))
}

async function startAll(cluster: string, issuer: BenchIssuer): Promise<ReadonlyMap<Contender, Running>> {
  const gateway = (name: string, engine: string): Promise<Running> =>
    startGateway(issuer, name, {
      clusters: { main: { nodes: [cluster], service: { kind: 'none' }, passThrough: { engine } } },
    })
  const running = new Map<Contender, Running>()
  running.set('gateway (undici)', await gateway('undici', 'undici'))
  running.set('gateway (http-proxy-middleware)', await gateway('middleware', 'http-proxy-middleware'))
  if (hasHaproxy()) {
    running.set('HAProxy, RS256', await startHaproxy(cluster, issuer, 'RS256'))
    running.set('HAProxy, ES256', await startHaproxy(cluster, issuer, 'ES256'))
  } else console.error('haproxy is not installed: left out')
  if (hasNginx()) running.set('nginx, no checks', await startNginx(cluster, issuer))
  else console.error('nginx is not installed: left out')
  const bare = [`${import.meta.dirname}/../peers/bare-proxy.ts`, cluster]
  running.set('bare node:http + undici', await startProcess(process.execPath, bare, /"url":"([^"]+)"/))
  running.set('direct', { pid: process.pid, url: cluster, readyAfterMs: 0, stop: () => Promise.resolve() })
  return running
}

interface Question {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: string
}

async function ask(pool: Pool, token: string, { body, ...question }: Question): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' }
  const response = await pool.request({ ...question, headers, ...(body === undefined ? {} : { body }) })
  if (response.statusCode !== 200) {
    throw new Error(`${question.path}: ${String(response.statusCode)} ${(await response.body.text()).slice(0, 300)}`)
  }
  await response.body.dump({ limit: Number.MAX_SAFE_INTEGER })
}

function bulkOf(documents: number): string {
  return Array.from(
    { length: documents },
    (_, n) =>
      `{"index":{"_id":"${String(n)}"}}\n{"n":${String(n)},"text":"a short text of some words for document ${String(n)}"}\n`,
  ).join('')
}

async function fill(cluster: string): Promise<void> {
  const one = { settings: { number_of_shards: 1, number_of_replicas: 0 } }
  await put(`${cluster}/${INDEX}`, one)
  await put(`${cluster}/${INDEX}-bulk`, one)
  await put(`${cluster}/${LARGE}`, { ...one, mappings: { enabled: false } })
  await put(`${cluster}/${INDEX}/_doc/one?refresh=true`, { title: 'A small document', tags: ['a', 'b'], n: 1 })
  await put(`${cluster}/${LARGE}/_doc/one?refresh=true`, { text: 'x'.repeat(LARGE_BYTES) })
}

/**
 * Nobody searches here, so the node would keep all bulks in its indexing buffer (a tenth of the heap) and write them out when that is full: for seconds,
 * and in the turn of whoever sends the bulk that fills it, which was the same one in each run.
 */
async function writeBuffers(cluster: string): Promise<void> {
  const response = await fetch(`${cluster}/${INDEX}-bulk/_refresh`, { method: 'POST' })
  if (!response.ok) throw new Error(`refresh: ${String(response.status)} ${await response.text()}`)
  await response.body?.cancel()
}

async function put(url: string, body: unknown): Promise<void> {
  const response = await fetch(url, {
    method: 'PUT',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  })
  if (!response.ok) throw new Error(`${url}: ${String(response.status)} ${await response.text()}`)
  await response.body?.cancel()
}
