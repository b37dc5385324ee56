import { readdirSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:http'

import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import type { Reply } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { pathOf } from '../support/dialects.ts'
import { multiGet, startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { openGatewayProcesses } from '../support/gateway-process.ts'
import type { GatewayProcess, GatewayProcesses } from '../support/gateway-process.ts'
import { testMemories } from '../support/memories.ts'
import { until } from '../support/until.ts'

// Changes of the configuration, to a gateway that is a process of its own and busy meanwhile.

const NOBODY = 'http://127.0.0.1:9'
const RELOADS = 200
const CALLERS = 8
const worlds = { a: testMemories(plainCluster().url), b: testMemories(plainCluster().url) }
let processes: GatewayProcesses
let proxy: FaultProxy
let token: string

type World = keyof typeof worlds
type Config = Parameters<GatewayProcesses['start']>[0]

beforeAll(async () => {
  processes = await openGatewayProcesses(['memory:read', 'memory:delete'])
  token = processes.token
  proxy = await startFaultProxy(plainCluster().url)
  for (const [name, world] of Object.entries(worlds)) {
    await world.putContainer('c', { owner: { name: 'alice' } })
    const [mine, other] = name === 'a' ? ['owner_a', 'owner_b'] : ['owner_b', 'owner_a']
    await world.putMemory('working', 'm', {
      memory_container_id: 'c',
      [mine]: 'alice',
      [other]: 'bob',
      tags: { world: name },
    })
  }
})
afterEach(async () => {
  proxy.reset()
  await processes.killAll()
})
afterAll(async () => {
  await processes.close()
  await proxy.close()
  for (const world of Object.values(worlds)) await world.removeAll()
})

/** Two configurations that differ in what is looked at early in a request, in its middle and for its answer. */
const configOf = (world: World, more: Partial<Config> = {}): Config => ({
  clusters: { main: { nodes: [plainCluster().url], service: { kind: 'none' } } },
  memory: { containerIndex: worlds[world].containerIndex, ownership: { fields: [`owner_${world}`] } },
  legacy: {
    container: 'c',
    missing: world === 'a' ? 200 : 404,
    cors: { origins: [`https://${world}.example`] },
  },
  reload: { watch: false },
  ...more,
})

const JSON_TYPE = { 'content-type': 'application/json' }
const reload = ({ opsUrl }: GatewayProcess): Promise<Reply> =>
  call(opsUrl, { method: 'POST', path: '/reload', headers: JSON_TYPE })

interface Report {
  readonly hash: string
  readonly needRestart: readonly string[]
  readonly lastReload?: { readonly cause: string; readonly result: string; readonly problems: readonly unknown[] }
}

async function report({ opsUrl }: GatewayProcess): Promise<Report> {
  return (await call(opsUrl, { path: '/config' })).body as Report
}

async function metric({ opsUrl }: GatewayProcess, sample: string): Promise<number | undefined> {
  const { text } = await call(opsUrl, { path: '/metrics' })
  const line = text.split('\n').find((one) => one.startsWith(`${sample} `))
  return line === undefined ? undefined : Number(line.slice(sample.length + 1))
}

const openFiles = ({ child }: GatewayProcess): number => readdirSync(`/proc/${String(child.pid)}/fd`).length

/** Every way to break it, each found at another moment. */
const BROKEN: readonly ((gateway: GatewayProcess) => void)[] = [
  ({ configPath }) => writeFileSync(configPath, 'listen: { port: 1'),
  ({ configure }) => configure({ ...configOf('a'), limits: { deadline: 'soon' } }),
  ({ configure }) => configure({ ...configOf('a'), ops: { token: '${NOT_SET}' } }),
  ({ configure }) =>
    configure({
      ...configOf('a'),
      clusters: { main: { nodes: [NOBODY], service: { kind: 'none' }, tls: { ca: 'x' } } },
    }),
  ({ configure }) => configure({ ...configOf('a'), routes: [{ cluster: 'nowhere' }] }),
]

/** Which configuration a reply is of; `mix` where its parts do not agree. */
function worldOfMemory({ status, body }: Reply): World | 'mix' {
  const { tags } = (status === 200 ? body : {}) as { tags?: { world: World } }
  return tags?.world ?? 'mix'
}

function worldOfMissing({ status, headers }: Reply): World | 'mix' {
  const isAllowed = headers['access-control-allow-origin'] === 'https://a.example'
  if (status === 200 && isAllowed) return 'a'
  return status === 404 && !isAllowed ? 'b' : 'mix'
}

test('200 reloads under load, every tenth of a broken configuration: no request fails, none sees two, the last good one stays', async () => {
  const gateway = await processes.start(configOf('a'))
  let applied: World = 'a'
  let isReloading = false
  let changes = 0
  let isOver = false
  const replies: { readonly world: World | 'mix'; readonly allowed: ReadonlySet<World>; readonly text: string }[] = []

  async function ask(agent: Agent, kind: number): Promise<void> {
    const [before, changesBefore] = [applied, changes]
    const wasReloading = isReloading
    const origin = { origin: 'https://a.example' }
    const reply =
      kind === 0
        ? await call(gateway.url, { path: pathOf('opensearch', 'c', 'working', 'm'), token, agent })
        : await call(gateway.url, { method: 'DELETE', path: '/api/memories/none', token, agent, headers: origin })
    const isUnsure = wasReloading || isReloading || changes !== changesBefore
    const allowed = new Set<World>(isUnsure ? ['a', 'b'] : [before])
    const world = kind === 0 ? worldOfMemory(reply) : worldOfMissing(reply)
    if (world === 'mix' || !allowed.has(world))
      replies.push({ world, allowed, text: `${String(reply.status)} ${reply.text}` })
    else counts[world] += 1
  }
  const counts = { a: 0, b: 0 }

  async function caller(): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (let turn = 0; !isOver; turn++) await ask(agent, turn % 2)
    agent.destroy()
  }
  // The token is verified by the first request, and by no other.
  await ask(new Agent(), 0)
  const callers = Promise.all(Array.from({ length: CALLERS }, caller))
  const filesBefore = openFiles(gateway)

  for (let turn = 1; turn <= RELOADS; turn++) {
    if (turn % 10 === 0) {
      const { hash } = await report(gateway)
      BROKEN[(turn / 10) % BROKEN.length]?.(gateway)
      const refused = await reload(gateway)
      expect(refused).toMatchObject({ status: 422, body: { hash, lastReload: { result: 'refused' } } })
      expect((refused.body as Report).lastReload?.problems).not.toEqual([])
      continue
    }
    const next: World = applied === 'a' ? 'b' : 'a'
    gateway.configure(configOf(next))
    isReloading = true
    expect(await reload(gateway)).toMatchObject({ status: 200, body: { lastReload: { result: 'applied' } } })
    applied = next
    changes += 1
    isReloading = false
  }
  isOver = true
  await callers

  expect(replies.slice(0, 5)).toEqual([])
  expect(Math.min(counts.a, counts.b)).toBeGreaterThan(RELOADS)
  expect(await metric(gateway, 'memory_gateway_config_reloads_total{result="applied"}')).toBe(RELOADS * 0.9)
  expect(await metric(gateway, 'memory_gateway_config_reloads_total{result="refused"}')).toBe(RELOADS * 0.1)
  // Its issuer has never changed.
  expect(await metric(gateway, 'memory_gateway_token_verifications_total{result="verified"}')).toBe(1)
  await until(() => openFiles(gateway) < filesBefore + 50)
}, 120_000)

test('requests under way end on the old connections, which are closed then; what is learnt of other clusters stays', async () => {
  const other = { nodes: [NOBODY, plainCluster().url], service: { kind: 'none' as const }, ejection: { failures: 1 } }
  const routes = [{ when: { paths: ['/_cluster/**'] }, cluster: 'other' }, { cluster: 'main' }]
  const settings = { routes, limits: { deletes: { perMinute: 3 } } }
  const through = (node: string): Config =>
    configOf('a', { ...settings, clusters: { main: { nodes: [node], service: { kind: 'none' } }, other } })
  const gateway = await processes.start(through(proxy.url))
  const down = `memory_gateway_node_up{cluster="other",node="${NOBODY}"}`
  await until(async () => (await metric(gateway, down)) === 0)
  const ejections = await metric(gateway, 'memory_gateway_node_ejections_total{cluster="other"}')

  const read = (): Promise<Reply> => call(gateway.url, { path: pathOf('opensearch', 'c', 'working', 'm'), token })
  const remove = (id: string, key: string): Promise<Reply> =>
    call(gateway.url, {
      method: 'DELETE',
      path: pathOf('opensearch', 'c', 'working', id),
      token,
      headers: { 'idempotency-key': key },
    })
  expect((await remove('gone', 'once')).status).toBe(404)
  const held = proxy.hold(multiGet)
  const underWay = read()
  await held.arrived
  gateway.configure(through(plainCluster().url))
  expect((await reload(gateway)).status).toBe(200)

  const asked = proxy.requests.length
  expect((await read()).status).toBe(200)
  // Counted in the same minute, under the same limit; and an answer that was kept is still kept.
  expect((await remove('gone', 'once')).headers['idempotent-replayed']).toBe('true')
  expect([
    (await remove('x', 'k1')).status,
    (await remove('x', 'k2')).status,
    (await remove('x', 'k3')).status,
  ]).toEqual([404, 404, 429])
  expect(proxy.requests.length).toBe(asked)
  expect(await metric(gateway, down)).toBe(0)
  expect(await metric(gateway, 'memory_gateway_node_ejections_total{cluster="other"}')).toBe(ejections)

  expect(proxy.openConnections()).toBeGreaterThan(0)
  held.release()
  expect((await underWay).status).toBe(200)
  await until(() => proxy.openConnections() === 0)
}, 60_000)

test('SIGHUP, and a file that is watched; what needs a restart is named in the log, in a metric and on the ops port', async () => {
  const gateway = await processes.start(configOf('a', { reload: { interval: '20ms' } }))
  const first = await report(gateway)
  const log = { subject: 'hash', subjectKey: 'a-key-of-the-log-s-hashes' } as const
  gateway.configure(configOf('b', { reload: { interval: '20ms' }, log }))
  await until(async () => (await report(gateway)).lastReload?.result === 'applied')
  expect(await report(gateway)).toMatchObject({ needRestart: [], lastReload: { cause: 'file', problems: [] } })
  expect((await report(gateway)).hash).not.toBe(first.hash)

  gateway.configure(configOf('b', { reload: { interval: '20ms' }, log, listen: { port: 1 }, limits: { drain: '1s' } }))
  await until(async () => (await report(gateway)).needRestart.length > 0)
  expect((await report(gateway)).needRestart).toEqual(['listen.port', 'limits.drain'])
  for (const setting of ['listen.port', 'limits.drain']) {
    expect(await metric(gateway, `memory_gateway_config_restart_needed{setting="${setting}"}`)).toBe(1)
    await until(() => gateway.printed().includes(`"setting":"${setting}"`))
  }
  expect((await call(gateway.url, { path: pathOf('opensearch', 'c', 'working', 'm'), token })).status).toBe(200)
  await until(() => /"subject":"[\w-]{22}"/.test(gateway.printed()))
  expect(gateway.printed()).not.toContain('"subject":"alice"')

  writeFileSync(gateway.configPath, '{ clusters: { main: { service: { kind: basic, password: hunter2 ')
  await until(async () => (await metric(gateway, 'memory_gateway_config_last_reload_successful')) === 0)
  gateway.child.kill('SIGHUP')
  await until(async () => (await report(gateway)).lastReload?.cause === 'signal')
  expect((await report(gateway)).lastReload?.result).toBe('refused')
  const before = await metric(gateway, 'memory_gateway_config_last_reload_success_timestamp_seconds')

  gateway.configure(configOf('a', { reload: { interval: '20ms' } }))
  gateway.child.kill('SIGHUP')
  await until(async () => (await metric(gateway, 'memory_gateway_config_last_reload_successful')) === 1)
  expect(await metric(gateway, 'memory_gateway_config_last_reload_success_timestamp_seconds')).toBeGreaterThan(
    before ?? 0,
  )
  const { hash, needRestart } = await report(gateway)
  expect([hash, needRestart]).toEqual([first.hash, []])
  expect(await metric(gateway, `memory_gateway_config_info{hash="${hash}"}`)).toBe(1)
  expect(gateway.printed()).not.toContain('hunter2')
}, 60_000)
