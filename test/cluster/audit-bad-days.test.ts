import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { openTestAudit } from '../support/audit.ts'
import type { AuditRecord, TestAudit } from '../support/audit.ts'
import { call } from '../support/call.ts'
import { CLI } from '../support/cli.ts'
import { plainCluster } from '../support/clusters.ts'
import { collect } from '../support/collected.ts'
import { pathOf } from '../support/dialects.ts'
import { bulk, startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { openGatewayProcesses } from '../support/gateway-process.ts'
import type { GatewayProcess, GatewayProcesses } from '../support/gateway-process.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { GatewayOverrides, TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'
import { until } from '../support/until.ts'

const memories = testMemories(plainCluster().url)
const index = memories.indexOf('working')
const agent = new Agent({ keepAlive: true, maxSockets: 32 })
let proxy: FaultProxy
let processes: GatewayProcesses

beforeAll(async () => {
  proxy = await startFaultProxy(plainCluster().url)
  processes = await openGatewayProcesses()
  await memories.putContainer('c', { owner: { name: 'alice' } })
})
afterEach(async () => {
  proxy.reset()
  await processes.killAll()
})
afterAll(async () => {
  agent.destroy()
  await processes.close()
  await proxy.close()
  await memories.removeAll()
})

async function storeAll(ids: readonly string[]): Promise<void> {
  const source = JSON.stringify({ memory_container_id: 'c', owner_id: 'alice' })
  const body = ids.map((id) => `${JSON.stringify({ index: { _index: index, _id: id } })}\n${source}\n`).join('')
  const headers = { 'content-type': 'application/x-ndjson' }
  await fetch(`${plainCluster().url}/_bulk?refresh=true`, { method: 'POST', headers, body })
}

/** Which of the documents are there. */
async function present(ids: readonly string[]): Promise<ReadonlySet<string>> {
  const { body } = await memories.ask('POST', `/${index}/_mget?_source=false`, { ids })
  const { docs } = body as { readonly docs: readonly { readonly _id: string; readonly found: boolean }[] }
  return new Set(docs.filter(({ found }) => found).map(({ _id }) => _id))
}

const idsWith = (records: readonly AuditRecord[], phase: string): ReadonlySet<unknown> =>
  new Set(records.filter((record) => record['memory.phase'] === phase).map((record) => record['memory.id']))

const path = (id: string): string => pathOf('opensearch', 'c', 'working', id)

describe('a gateway that is killed', () => {
  let audit: TestAudit
  beforeAll(() => {
    audit = openTestAudit()
  })
  afterAll(() => audit.remove())

  const start = (): Promise<GatewayProcess> =>
    processes.start({
      clusters: { main: { nodes: [proxy.url], service: { kind: 'none' }, attemptTimeout: '20s' } },
      memory: { containerIndex: memories.containerIndex },
      audit: audit.required,
    })

  test('has an intent for every document that is gone; the next start settles what has no outcome, once the cluster can be asked', async () => {
    const ids = Array.from({ length: 400 }, (_, number) => `k-${String(number)}`)
    await storeAll([...ids, 'ordered', 'held'])
    const first = await start()
    const { token } = processes
    const remove = (id: string): Promise<number> =>
      call(first.url, { method: 'DELETE', path: path(id), token, agent }).then(
        ({ status }) => status,
        () => 0,
      )
    const left = [...ids]
    let answered = 0
    const callers = Array.from({ length: 16 }, async () => {
      for (let id = left.pop(); id !== undefined; id = left.pop()) if ((await remove(id)) === 200) answered += 1
    })
    await until(() => answered >= 150)
    // One order is carried out and not answered, another never gets to the cluster.
    const asked = Promise.withResolvers<undefined>()
    proxy.on(
      (request) => bulk(request) && request.body.includes('"ordered"'),
      async ({ ask }) => {
        await ask()
        asked.resolve(undefined)
      },
    )
    const hold = proxy.hold((request) => bulk(request) && request.body.includes('"held"'))
    const both = [remove('ordered')]
    await asked.promise
    // In a batch of its own.
    both.push(remove('held'))
    await hold.arrived
    first.child.kill('SIGKILL')
    await first.ended
    await Promise.all([...callers, ...both])

    const all = [...ids, 'ordered', 'held']
    const there = await present(all)
    const gone = all.filter((id) => !there.has(id))
    expect(gone.length).toBeGreaterThanOrEqual(answered)
    const intents = idsWith(audit.deletes(), 'intent')
    expect(gone.filter((id) => !intents.has(id))).toEqual([])
    expect(there.has('held')).toBe(true)

    proxy.reset()
    await proxy.refuse()
    const second = await start()
    expect(idsWith(audit.deletes(), 'settled')).toEqual(new Set())
    await proxy.accept()
    const open = (): readonly unknown[] => {
      const records = audit.deletes()
      const ended = new Set(
        records.flatMap((one) =>
          ['outcome', 'settled'].includes(String(one['memory.phase'])) ? [one['event.id']] : [],
        ),
      )
      return records.filter((one) => one['memory.phase'] === 'intent' && !ended.has(one['event.id']))
    }
    await until(() => open().length === 0)
    const settled = audit.deletes().filter((one) => one['memory.phase'] === 'settled')
    expect(settled.find((one) => one['memory.id'] === 'ordered')).toMatchObject({
      'memory.outcome': 'settled-gone',
      'event.outcome': 'success',
      'user.id': 'alice',
    })
    expect(settled.find((one) => one['memory.id'] === 'held')).toMatchObject({
      'memory.outcome': 'settled-present',
      'event.outcome': 'failure',
    })

    // Rotated while it runs, as logrotate does: renamed, and told.
    renameSync(audit.path, `${audit.path}.1`)
    second.child.kill('SIGHUP')
    expect((await call(second.url, { method: 'DELETE', path: path('held'), token: processes.token })).status).toBe(200)
    // Some of these refusals are still listed together when it ends.
    const strangers = await Promise.all(
      Array.from({ length: 60 }, () => call(second.url, { method: 'DELETE', path: path('held'), agent })),
    )
    second.child.kill('SIGTERM')
    expect(await second.ended).toEqual({ code: 0 })
    const wanted = new Set(strangers.map(({ headers }) => headers['x-request-id']))
    const told = audit.refused().filter((id) => wanted.has(String(id)))
    expect([wanted.size, told.length, new Set(told)]).toEqual([60, 60, wanted])
    expect(runVerify([`${audit.path}.1`, audit.path])).toMatchObject({
      code: 0,
      text: expect.stringMatching(/: intact\n$/),
    })
    expect(runVerify([audit.path])).toMatchObject({
      code: 3,
      text: expect.stringContaining(`${audit.path}:1: missing: record 0 of `),
    })
    expect(await audit.verify({ isPartial: true })).toMatchObject({ intact: true })
  }, 90_000)
})

/** As an auditor calls it. */
function runVerify(args: readonly string[]): { readonly code: number; readonly text: string } {
  try {
    const text = execFileSync(process.execPath, [CLI, 'audit', 'verify', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    collect('audit', text.toString())
    return { code: 0, text: text.toString() }
  } catch (error) {
    const { status, stdout, stderr } = error as { readonly status: number; readonly stdout: Buffer; stderr: Buffer }
    collect('audit', `${stdout.toString()}${stderr.toString()}`)
    return { code: status, text: stdout.toString() }
  }
}

/** A file system of 1 MiB, where this user may mount one. */
function mountSmall(folder: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

describe('a disk that is full', () => {
  let folder: string
  let isMounted: boolean
  let audit: TestAudit
  let gateway: TestGateway | undefined

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'memory-gateway-small-'))
    mkdirSync(join(folder, 'disk'))
    isMounted = mountSmall(join(folder, 'disk'))
    if (!isMounted) process.stderr.write('no tmpfs can be mounted here: a full disk is not tried\n')
    audit = openTestAudit(join(folder, 'disk'))
  })
  afterEach(async () => {
    await gateway?.close()
    gateway = undefined
    rmSync(audit.path, { force: true })
  })
  afterAll(() => {
    if (isMounted) execFileSync('umount', [join(folder, 'disk')])
    rmSync(folder, { recursive: true, force: true })
  })

  const filler = (): string => join(folder, 'disk', 'filler')
  const fill = (): void => {
    try {
      writeFileSync(filler(), Buffer.alloc(1_048_576))
    } catch {
      // As full as it gets.
    }
  }

  async function start(
    settings: GatewayOverrides['audit'],
  ): Promise<{ readonly token: string; readonly url: string; readonly opsUrl: string }> {
    gateway = await startTestGateway({
      cluster: { nodes: [plainCluster().url] },
      memory: { containerIndex: memories.containerIndex },
      audit: { sink: 'file', file: audit.path, writer: 'gateway-1', ...settings },
    })
    return { url: gateway.url, opsUrl: gateway.opsUrl, token: await gateway.token() }
  }
  const sample = async (opsUrl: string, name: string): Promise<number> => {
    const { text } = await call(opsUrl, { path: '/metrics' })
    return Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.split(' ')[1],
    )
  }

  test('with required: nothing is deleted without its record, callers get 503, and deletes go on when there is room again', async () => {
    if (!isMounted) return
    const ids = Array.from({ length: 120 }, (_, number) => `f-${String(number)}`)
    await storeAll(ids)
    const { url, opsUrl, token } = await start({ required: true, fsync: 'always' })
    const remove = async (id: string) => call(url, { method: 'DELETE', path: path(id), token, agent })
    expect((await remove('f-0')).status).toBe(200)
    fill()
    const replies = await Promise.all(ids.slice(1).map(remove))
    const refused = replies.filter(({ status }) => status === 503)
    expect(replies.every(({ status }) => status === 200 || status === 503)).toBe(true)
    expect(refused.length).toBeGreaterThan(0)
    expect(refused[0]?.body).toMatchObject({
      error: { reason: expect.stringContaining('cannot be recorded') },
      status: 503,
    })
    expect(refused[0]?.headers['retry-after']).toBe('1')
    expect((await call(opsUrl, { path: '/readyz' })).status).toBe(503)
    expect(await sample(opsUrl, 'memory_gateway_audit_failures_total')).toBeGreaterThan(0)
    const there = await present(ids)
    const intents = idsWith(audit.deletes(), 'intent')
    expect(ids.filter((id) => !there.has(id) && !intents.has(id))).toEqual([])
    expect(replies.filter(({ status }, position) => status === 503 && !there.has(ids[position + 1] ?? ''))).toEqual([])

    rmSync(filler())
    // A refused one, as soon as it can be recorded.
    const again = ids[replies.findIndex(({ status }) => status === 503) + 1] ?? ''
    const answers: number[] = []
    while (answers.at(-1) !== 200) answers.push((await remove(again)).status)
    expect(new Set(answers.slice(0, -1))).toEqual(new Set(answers.length > 1 ? [503] : []))
    expect((await call(opsUrl, { path: '/readyz' })).status).toBe(200)
    await gateway?.close()
    gateway = undefined
    expect(await audit.verify()).toMatchObject({ intact: true })
    // The refusals were told later.
    const told = audit.deletes().filter((one) => one['memory.outcome'] === 'auditUnavailable')
    expect(told.length).toBeGreaterThanOrEqual(refused.length)
  })

  test('with required: a bulk whose records do not all fit is refused before any of it has run, and they say so', async () => {
    if (!isMounted) return
    const ids = Array.from({ length: 6_000 }, (_, number) => `d-${String(number)}`)
    const stored = [ids[0] ?? '', ids.at(-1) ?? '']
    await storeAll(stored)
    const { url } = await start({ required: true, fsync: 'always' })
    const token = await gateway?.token({ scopes: ['opensearch:admin'] })
    await until(() => audit.text() !== '')
    writeFileSync(filler(), Buffer.alloc(900_000))
    const body = ids.map((id) => `${JSON.stringify({ delete: { _index: index, _id: id } })}\n`).join('')
    const headers = { 'content-type': 'application/x-ndjson' }
    const { status } = await call(url, { method: 'POST', path: '/_bulk', headers, body, ...(token && { token }) })
    expect([status, await present(stored)]).toEqual([503, new Set(stored)])
    rmSync(filler())
    await gateway?.close()
    gateway = undefined
    expect(await audit.verify()).toMatchObject({ intact: true })
    const intents = audit.deletes().filter((one) => one['memory.phase'] === 'intent')
    const ends = audit.deletes().filter((one) => one['memory.phase'] !== 'intent')
    expect(intents.length).toBeGreaterThan(0)
    expect(intents.filter((one) => !ends.some((end) => end['event.id'] === one['event.id']))).toEqual([])
    expect(new Set(ends.map((end) => `${String(end['event.outcome'])} ${String(end['memory.outcome'])}`))).toEqual(
      new Set(['failure auditUnavailable']),
    )
  })

  test('without it: deletes go on, and what is lost is counted', async () => {
    if (!isMounted) return
    const ids = Array.from({ length: 120 }, (_, number) => `g-${String(number)}`)
    await storeAll(ids)
    const { url, opsUrl, token } = await start({ required: false, fsync: 'never', maxWaiting: 10 })
    await until(() => audit.text() !== '')
    fill()
    const replies = await Promise.all(
      ids.map(async (id) => call(url, { method: 'DELETE', path: path(id), token, agent })),
    )
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]))
    expect((await call(opsUrl, { path: '/readyz' })).status).toBe(200)
    rmSync(filler())
    // From here on none is lost: what still waits is written, at the latest when it ends.
    const lost = await sample(opsUrl, 'memory_gateway_audit_records_total{result="lost"}')
    expect(lost).toBeGreaterThan(0)
    await gateway?.close()
    gateway = undefined
    expect(await audit.verify()).toMatchObject({ intact: true })
    // Whatever is not there was counted.
    expect(audit.deletes().length + lost).toBe(2 * ids.length)
  })
})
