import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { startOpenSearch } from '../../src/local-cluster/start-opensearch.ts'
import { clusterTokens } from '../support/cluster-tokens.ts'
import { plainCluster, securedCluster } from '../support/clusters.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { askPlainly, complaintsOf, makeGuardWorld } from '../support/guard-world.ts'
import type { Ask, GuardWorld } from '../support/guard-world.ts'
import { sendRaw } from '../support/raw-http.ts'
import { adminUser, securedMemories } from '../support/secured-memories.ts'
import { bodySpellings, parameterSpellings } from '../vectors/guard-body-attacks.ts'
import { harmlessSpellings, pathSpellings, routeSpellings } from '../vectors/guard-paths.ts'
import { wireOf } from '../vectors/guard-spelling.ts'
import type { GuardNames, Spelling } from '../vectors/guard-spelling.ts'

const seed = randomBytes(4).readUInt32BE()
/** Of all of them, with security: the decisions are the same, and only what lies behind them is not. */
const SAMPLE = process.env['TEST_LONG'] === '1' ? Infinity : 300

const SCOPES = ['opensearch:read', 'opensearch:write']

const spellingsOf = (names: GuardNames): readonly Spelling[] =>
  [pathSpellings, routeSpellings, parameterSpellings, bodySpellings, harmlessSpellings].flatMap((make) => make(names))

const told = ({ row, method, target, headers = [], body = '' }: Spelling): string =>
  `[${row}] ${method} ${target} ${headers.join(' | ')} ${Buffer.from(body).toString('latin1').slice(0, 300)}`

/** A gateway that sees a cluster through a proxy, and a caller who may read and write. */
interface Before {
  readonly proxy: FaultProxy
  readonly gateway: TestGateway
  readonly token: string
  readonly ask: Ask
  /** What the cluster gives to whoever the gateway passes requests through as, asked without the gateway. */
  readonly withoutUs: (path: string) => Promise<string>
  close(): Promise<void>
}

async function beforePlain(): Promise<Before> {
  const { url } = plainCluster()
  const proxy = await startFaultProxy(url)
  const gateway = await startTestGateway({ cluster: { nodes: [proxy.url] } })
  const ask = askPlainly(url)
  return {
    proxy,
    gateway,
    token: await gateway.token({ scopes: SCOPES }),
    ask,
    withoutUs: async (path) => (await ask({ path })).text,
    async close() {
      await gateway.close()
      await proxy.close()
    },
  }
}

/** The cluster lets its caller do anything: as `caller` by the roles in the token, as `service` whoever it is. */
async function beforeSecured(identity: 'caller' | 'service'): Promise<Before> {
  const cluster = securedCluster()
  if (cluster === undefined) throw new Error('skipped')
  const proxy = await startFaultProxy(cluster.url, readFileSync(cluster.access.ca))
  const tokens = await clusterTokens(cluster)
  const service = adminUser(cluster)
  const gateway = await startTestGateway({
    cluster: { nodes: [proxy.url], service, passThrough: { identity } },
    moreIssuers: [tokens.issuer],
  })
  const token = tokens.token({ subject: 'carol', roles: ['admin'], scopes: SCOPES })
  const { username, password } = cluster.access.adminUser
  const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  const memories = securedMemories(cluster)
  return {
    proxy,
    gateway,
    token,
    ask: (request) => memories.asAdmin(request),
    withoutUs: async (path) => {
      const authorization = identity === 'caller' ? `Bearer ${token}` : basic
      return (
        await sendRaw(proxy.url, wireOf({ row: '', method: 'GET', target: path }, [`Authorization: ${authorization}`]))
      ).text
    },
    async close() {
      await gateway.close()
      await proxy.close()
      await tokens.close()
    },
  }
}

const WORLDS = [
  ['a cluster without security', beforePlain],
  ['a cluster with security, passed through as the caller', () => beforeSecured('caller')],
  ['a cluster with security, passed through as the service identity', () => beforeSecured('service')],
] as const

describe.each(securedCluster() === undefined ? WORLDS.slice(0, 1) : WORLDS)('before %s', (_says, open) => {
  let before: Before
  let world: GuardWorld
  let spellings: readonly Spelling[]

  beforeAll(async () => {
    before = await open()
    world = await makeGuardWorld(before.ask)
    spellings = spellingsOf(world.names)
  })
  afterAll(async () => {
    await world.remove()
    await before.close()
  })

  test('the cluster itself would give the memory out', async () => {
    const { canary, id } = world.names
    expect(await before.withoutUs(`/${canary}/_doc/${id}`)).toContain(world.secret)
  })

  test('they are many, and no two are the same bytes', () => {
    const wires = new Set(spellings.map((spelling) => Buffer.from(wireOf(spelling, [])).toString('latin1')))
    expect(wires.size).toBe(spellings.length)
    expect(wires.size).toBeGreaterThan(1_000)
  })

  test(`none reaches the memory, and what is refused is refused by us (seed ${String(seed)})`, async () => {
    const { proxy, gateway, token } = before
    const untouched = await world.canary()
    const asked = open === beforePlain ? spellings : sampleOf(spellings)
    const complaints = await complaintsOf(asked, async (spelling, position) => {
      const id = `${world.names.stem}-${String(position)}`
      const headers = [`Authorization: Bearer ${token}`, `X-Request-Id: ${id}`]
      const reply = await sendRaw(gateway.url, wireOf(spelling, headers))
      const status = reply.statuses.at(-1) ?? 0
      const isSeen = proxy.requests.some(({ headers: seen }) => seen['x-request-id'] === id)
      const complaint =
        complaintOf(spelling, status, isSeen, reply.text.includes(world.secret)) ??
        (!isSeen && tellsTooMuch(reply.text, proxy.url, token) ? 'tells too much' : undefined)
      return complaint && `${complaint} (${String(status)}): ${told(spelling)}`
    })
    expect(complaints).toEqual([])
    expect(await world.canary()).toEqual(untouched)
  })
})

function sampleOf(spellings: readonly Spelling[]): readonly Spelling[] {
  if (spellings.length <= SAMPLE) return spellings
  return (
    fc.sample(fc.shuffledSubarray([...spellings], { minLength: SAMPLE, maxLength: SAMPLE }), { numRuns: 1, seed })[0] ??
    []
  )
}

/** Of the process, of the cluster behind it, or of the token. */
function tellsTooMuch(text: string, node: string, token: string): boolean {
  const secrets = [new URL(node).host, process.cwd(), token, token.slice(-40)]
  return secrets.some((secret) => text.includes(secret)) || /\.[jt]s:\d|node:internal|\n {4}at /.test(text)
}

function complaintOf({ isHarmless }: Spelling, status: number, isSeen: boolean, isRead: boolean): string | undefined {
  if (isRead) return 'the memory was read'
  if (status === 0 || status >= 500) return 'no answer worth the name'
  if (isHarmless === true) return isSeen ? undefined : 'not let through'
  if (isSeen) return 'let through'
  return status >= 400 ? undefined : 'an answer'
}

test('without the guard, most of the reads get there', async () => {
  // Alone on a server: a search of everything shows ten documents, and beside other tests the canary is not always one of them.
  const cluster = await startOpenSearch({ heapMegabytes: 512, isShortLived: true })
  try {
    const world = await makeGuardWorld(askPlainly(cluster.url))
    const reads = spellingsOf(world.names).filter(({ isRead }) => isRead === true)
    const harmless = await complaintsOf(reads, async (spelling) => {
      const { text } = await sendRaw(cluster.url, wireOf(spelling, []))
      return text.includes(world.secret) ? undefined : told(spelling)
    })
    expect(reads.length - harmless.length).toBeGreaterThan(300)
  } finally {
    await cluster.stop()
  }
}, 120_000)
