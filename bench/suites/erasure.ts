import { setTimeout as delay } from 'node:timers/promises'

import type { Erasure } from '../../src/core/erasure/record.ts'
import { startOpenSearch } from '../../src/local-cluster/start-opensearch.ts'
import { cpuMicroseconds, residentMiB } from '../cpu.ts'
import { isWarmUp, turnOf } from '../measurements.ts'
import type { Measurement, Suite } from '../measurements.ts'
import { OPTIONS } from '../options.ts'
import { freePort } from '../peers/ports.ts'
import { writeReport } from '../report.ts'
import { makeIssuer, removeIssuer, startGateway } from '../world.ts'

const SUITE: Suite = {
  name: 'erasure',
  title: 'All memories of one person: planned, erased and verified by the gateway, and by a raw _delete_by_query',
  contenders: ['erasure', 'raw _delete_by_query'],
  figures: [
    { name: 'plan', unit: 's', digits: 2, hasRatio: false },
    { name: 'apply', unit: 's', digits: 2, hasRatio: false },
    { name: 'delete', unit: 's', digits: 2, hasRatio: true },
    { name: 'whole', unit: 's', digits: 2, hasRatio: true },
    { name: 'cluster CPU', unit: 'us a memory', digits: 0, hasRatio: true },
    { name: 'gateway CPU', unit: 'us a memory', digits: 1, hasRatio: false },
    { name: 'gateway memory', unit: 'MiB afterwards', digits: 0, hasRatio: false },
  ],
}

const TOKEN = 'bench-ops-token-1234'
const INDEX = 'bench-memory-working'
const HEADERS = { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` }
/** Somebody else's, beside each of the person's. */
const OTHERS = 0.25
const ALIKE = OPTIONS.lookAlikes
const LINES = 5_000
const POLL_MS = 100

export async function benchErasure(): Promise<void> {
  const server = await startOpenSearch({ heapMegabytes: 1024, onProgress: (message) => console.error(message) })
  const issuer = await makeIssuer()
  await send(server.url, 'PUT', '/bench-containers/_doc/bench?refresh=true', {
    configuration: { index_prefix: 'bench', use_system_index: false },
  })
  const port = await freePort()
  const gateway = await startGateway(issuer, 'gateway', {
    clusters: { main: { nodes: [server.url], service: { kind: 'none' } } },
    memory: { containerIndex: 'bench-containers' },
    ops: { port, token: TOKEN },
    erasures: { cluster: 'main' },
  })
  const ops = `http://127.0.0.1:${String(port)}`
  const measurements: Measurement[] = []
  const count = OPTIONS.memories
  try {
    for (let round = 0; round <= OPTIONS.rounds; round++) {
      for (const contender of turnOf(SUITE.contenders, round)) {
        const memories = isWarmUp(round) ? Math.min(count, 20_000) : count
        await fill(server.url, memories)
        const before = { cluster: cpuMicroseconds(server.pid), gateway: cpuMicroseconds(gateway.pid) }
        const isOurs = contender === 'erasure'
        const times = isOurs ? await erase(ops, memories) : await deleteRaw(server.url, memories + ALIKE)
        const figures = {
          ...times,
          'cluster CPU': (cpuMicroseconds(server.pid) - before.cluster) / memories,
          ...(isOurs ? { 'gateway CPU': (cpuMicroseconds(gateway.pid) - before.gateway) / memories } : {}),
          ...(isOurs ? { 'gateway memory': residentMiB(gateway.pid) } : {}),
        }
        console.error(`erasure ${String(round)} ${contender}`, figures)
        // Who deletes by a filter takes the look-alikes along.
        await expectLeft(server.url, Math.round(memories * OTHERS) + (isOurs ? ALIKE : 0))
        const name = `${String(memories)} memories${ALIKE === 0 ? '' : `, ${String(ALIKE)} look-alikes`}`
        if (!isWarmUp(round)) measurements.push({ suite: SUITE.name, case: name, contender, round, figures })
      }
    }
  } finally {
    await gateway.stop()
    await server.stop()
    removeIssuer(issuer)
  }
  console.log(writeReport(SUITE, measurements))
}

/** The index anew, with texts as long as those of agents are. */
async function fill(url: string, memories: number): Promise<void> {
  await fetch(`${url}/${INDEX}`, { method: 'DELETE' })
  const keyword = { type: 'keyword' }
  await send(url, 'PUT', `/${INDEX}`, {
    settings: { number_of_shards: 1, number_of_replicas: 0, refresh_interval: '-1' },
    mappings: { properties: { memory_container_id: keyword, owner_id: keyword, namespace: { type: 'flat_object' } } },
  })
  const others = Math.round(memories * OTHERS)
  const all = memories + others + ALIKE
  for (let from = 0; from < all; from += LINES) {
    const lines: string[] = []
    for (let at = from; at < Math.min(from + LINES, all); at++) {
      const owner = at < memories ? 'alice' : `alice${String(at % 100)}`
      // To an index a list of one is the same as that one.
      const owner_id = at < memories + others ? owner : ['alice']
      const memory = { memory_container_id: 'bench', owner_id, namespace: { user_id: owner }, memory: text(at) }
      lines.push(`{"index":{}}\n${JSON.stringify(memory)}\n`)
    }
    await send(url, 'POST', `/${INDEX}/_bulk`, lines.join(''))
  }
  await send(url, 'POST', `/${INDEX}/_refresh`)
}

function text(at: number): string {
  return `The user said, the ${String(at)}th time, that the meeting is on another day, and that nobody had told them so.`
}

async function erase(ops: string, memories: number): Promise<Readonly<Record<string, number>>> {
  const start = performance.now()
  const planned = (await send(ops, 'POST', '/erasures', { subject: 'alice' })) as Erasure
  if (planned.total !== memories) throw new Error(`${String(planned.total)} were planned`)
  const plannedAt = performance.now()
  await send(ops, 'POST', `/erasures/${planned.id}/apply`, { hash: planned.hash })
  const appliedAt = performance.now()
  let deletedAt = 0
  for (;;) {
    const { state, deleted, reason } = (await send(ops, 'GET', `/erasures/${planned.id}`)) as Erasure
    if (deleted === memories && deletedAt === 0) deletedAt = performance.now()
    if (state === 'done') break
    if (state !== 'running' && state !== 'verifying') throw new Error(`${state}: ${String(reason)}`)
    await delay(POLL_MS)
  }
  const seconds = (from: number, to: number): number => (to - from) / 1_000
  return {
    plan: seconds(start, plannedAt),
    apply: seconds(plannedAt, appliedAt),
    delete: seconds(appliedAt, deletedAt),
    whole: seconds(start, performance.now()),
  }
}

async function deleteRaw(url: string, memories: number): Promise<Readonly<Record<string, number>>> {
  const start = performance.now()
  const query = { bool: { filter: [{ term: { memory_container_id: 'bench' } }, { term: { owner_id: 'alice' } }] } }
  const path = `/${INDEX}/_delete_by_query?wait_for_completion=false&conflicts=proceed`
  const { task } = (await send(url, 'POST', path, { query })) as { task: string }
  for (;;) {
    const told = (await send(url, 'GET', `/_tasks/${task}`)) as { completed: boolean; response?: { deleted: number } }
    if (told.completed) {
      if (told.response?.deleted !== memories) throw new Error('not all were deleted')
      break
    }
    await delay(POLL_MS)
  }
  const seconds = (performance.now() - start) / 1_000
  return { delete: seconds, whole: seconds }
}

async function expectLeft(url: string, others: number): Promise<void> {
  await send(url, 'POST', `/${INDEX}/_refresh`)
  const { count } = (await send(url, 'GET', `/${INDEX}/_count`)) as { count: number }
  if (count !== others) throw new Error(`${String(count)} are left, not ${String(others)}`)
}

async function send(url: string, method: string, path: string, body?: unknown): Promise<unknown> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const response = await fetch(url + path, { method, headers: HEADERS, ...(body === undefined ? {} : { body: text }) })
  const answer = (await response.json()) as { errors?: boolean }
  if (!response.ok || answer.errors === true)
    throw new Error(`${method} ${path}: ${JSON.stringify(answer).slice(0, 500)}`)
  return answer
}
