import { randomUUID } from 'node:crypto'
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { GatewayOverrides, TestGateway } from '../support/gateway.ts'
import { openGatewayProcesses } from '../support/gateway-process.ts'
import type { GatewayProcess, GatewayProcesses } from '../support/gateway-process.ts'
import { headOf, openCallers } from '../support/upgrade-caller.ts'
import type { Caller } from '../support/upgrade-caller.ts'
import { until } from '../support/until.ts'
import { startWebSocketNode } from '../support/websocket-node.ts'
import type { WebSocketNode } from '../support/websocket-node.ts'

// Upgraded connections whose request would be refused by now.

const ENGINES = ['undici', 'http-proxy-middleware'] as const
const ENDED = 'an upgraded connection was ended'
const RULE = { paths: ['/live/**'], scopes: ['opensearch:admin'], upgrade: ['websocket' as const] }
const JSON_TYPE = { 'content-type': 'application/json' }
const callers = openCallers()
const closers: (() => unknown)[] = []
let node: WebSocketNode

beforeAll(async () => {
  node = await startWebSocketNode()
})
afterEach(async () => {
  callers.leave()
  await until(() => node.sockets.size === 0)
})
afterAll(async () => {
  for (const close of closers.reverse()) await close()
  await node.close()
})

async function upgrade(gateway: { readonly url: string }, token: string, path = '/live/feed'): Promise<Caller> {
  const caller = callers.open(gateway, headOf(token, `GET ${path} HTTP/1.1`))
  await until(() => caller.text().includes('\r\n\r\n'))
  expect(caller.status()).toBe(101)
  return caller
}

/** Whether what it sends still gets to the node and back. */
async function works(caller: Caller): Promise<boolean> {
  const before = caller.text().length
  // A frame without payload, masked with nothing (RFC 6455 section 5.2).
  caller.socket.write(Buffer.from([0x81, 0x80, 0, 0, 0, 0]))
  await until(() => caller.closed() || caller.text().length > before)
  return !caller.closed()
}

describe('a token that is revoked', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'memory-gateway-revoked-'))
    closers.push(() => rm(folder, { recursive: true, force: true }))
  })

  async function start(engine: (typeof ENGINES)[number], more: Partial<GatewayOverrides>): Promise<TestGateway> {
    const gateway = await startTestGateway({
      guard: { rules: [RULE] },
      ...more,
      cluster: { nodes: [node.url], passThrough: { engine } },
    })
    closers.push(() => gateway.close())
    return gateway
  }

  const admin = (gateway: TestGateway, subject: string): Promise<string> =>
    gateway.token({ subject, scopes: ['opensearch:admin'] })

  test.each(ENGINES)('in a file: its connections end on both sides, and those of others stay (%s)', async (engine) => {
    const file = join(folder, `${engine}.jsonl`)
    await writeFile(file, '')
    const gateway = await start(engine, { revocation: { file, interval: '100ms' } })
    const token = await admin(gateway, 'mallory')
    const revoked = [await upgrade(gateway, token), await upgrade(gateway, token)]
    const other = await upgrade(gateway, await admin(gateway, 'alice'))
    expect(node.sockets.size).toBe(3)
    await appendFile(file, '{"subject": "mallory"}\n')
    await until(() => revoked.every((caller) => caller.closed()))
    await until(() => node.sockets.size === 1)
    expect(await works(other)).toBe(true)
    const told = gateway.logLines.filter((line) => line.includes(ENDED))
    expect(told.map((line) => (JSON.parse(line) as { why: string }).why)).toEqual([
      'its token was revoked',
      'its token was revoked',
    ])
  })

  test.each(ENGINES)('before the node has answered: the connection does not outlive its 101 (%s)', async (engine) => {
    const file = join(folder, `${engine}-early.jsonl`)
    await writeFile(file, '')
    const gateway = await start(engine, { revocation: { file, interval: '100ms' } })
    const token = await admin(gateway, 'mallory')
    let answer: () => void = () => undefined
    node.onUpgrade((socket) => {
      answer = () =>
        void socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')
    })
    const caller = callers.open(gateway, headOf(token, 'GET /live/feed HTTP/1.1'))
    await until(() => node.sockets.size === 1)
    await appendFile(file, '{"subject": "mallory"}\n')
    await until(async () => (await call(gateway.url, { path: '/x', token })).status === 401)
    answer()
    await until(caller.closed)
    await until(() => node.sockets.size === 0)
    node.reset()
  })

  test('in an index, by another gateway: its connection ends', async () => {
    const index = `.revocations-${randomUUID()}`
    const lists = { nodes: [plainCluster().url], service: { kind: 'none' as const } }
    closers.push(() => call(plainCluster().url, { method: 'DELETE', path: `/${index}` }))
    const gateway = await start('undici', {
      moreClusters: { lists },
      routes: [{ when: {}, cluster: 'main' }],
      revocation: { index: { cluster: 'lists', name: index }, interval: '100ms' },
    })
    const caller = await upgrade(gateway, await admin(gateway, 'mallory'))
    const { status } = await call(plainCluster().url, {
      method: 'PUT',
      path: `/${index}/_doc/1?refresh=true`,
      headers: JSON_TYPE,
      body: '{"subject": "mallory"}',
    })
    expect(status).toBe(201)
    await until(caller.closed)
  })
})

describe('a configuration that is replaced', () => {
  type Config = Parameters<GatewayProcesses['start']>[0]
  let processes: GatewayProcesses
  let gateway: GatewayProcess
  beforeAll(async () => {
    processes = await openGatewayProcesses(['opensearch:admin', 'extra'])
    closers.push(() => processes.close())
    gateway = await processes.start(configOf())
  })

  /** One cluster for each engine, by the path. */
  const configOf = (more: Partial<Config> = {}, connectTimeout = '1s'): Config => ({
    clusters: Object.fromEntries(
      ENGINES.map((engine) => [
        engine,
        { nodes: [node.url], service: { kind: 'none' }, passThrough: { engine }, connectTimeout },
      ]),
    ),
    routes: ENGINES.map((engine) => ({ when: { paths: [`/live/${engine}`] }, cluster: engine })),
    guard: { rules: [RULE] },
    reload: { watch: false },
    ...more,
  })

  const reload = async (config: Config): Promise<void> => {
    gateway.configure(config)
    const { body } = await call(gateway.opsUrl, { method: 'POST', path: '/reload', headers: JSON_TYPE })
    expect(body).toMatchObject({ lastReload: { result: 'applied' } })
  }
  const upgradeBoth = (): Promise<readonly Caller[]> =>
    Promise.all(ENGINES.map((engine) => upgrade(gateway, processes.token, `/live/${engine}`)))

  test('with one that lets it in as before, it stays', async () => {
    const both = await upgradeBoth()
    await reload(configOf({ limits: { drain: '3s' } }))
    await reload(configOf({ guard: { rules: [{ ...RULE, scopes: ['extra'] }] } }))
    expect(await Promise.all(both.map(works))).toEqual([true, true])
  })

  const timesTold = (): number => gateway.printed().split('the configuration lets it in no more').length - 1

  test.each<[what: string, more: () => Partial<Config>]>([
    ['the rule that let it in', () => ({ guard: { rules: [{ classes: ['admin'], scopes: ['opensearch:admin'] }] } })],
    ['what that rule says of upgrades', () => ({ guard: { rules: [{ paths: RULE.paths, scopes: RULE.scopes }] } })],
    ['its path, which is closed', () => ({ guard: { rules: [{ paths: RULE.paths, scopes: [] }] } })],
    [
      'its issuer',
      () => {
        const auth = { issuers: [{ issuer: 'https://new.test', audience: 'g', jwks: { file: 'keys/jwks.json' } }] }
        return { auth } as Partial<Config>
      },
    ],
    ['its cluster’s settings', () => configOf({}, '2s')],
  ])('without %s, it ends on both sides', async (_what, more) => {
    await reload(configOf())
    const both = await upgradeBoth()
    const toldBefore = timesTold()
    await reload(configOf(more()))
    await until(() => both.every((caller) => caller.closed()))
    await until(() => node.sockets.size === 0)
    await until(() => timesTold() > toldBefore)
  })
})
