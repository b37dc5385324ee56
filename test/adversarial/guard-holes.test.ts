import { afterAll, beforeAll, expect, test } from '@jest/globals'

import { plainCluster } from '../support/clusters.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { complaintsOf, makeGuardWorld } from '../support/guard-world.ts'
import type { GuardWorld } from '../support/guard-world.ts'
import { sendRaw } from '../support/raw-http.ts'
import { bodySpellings, parameterSpellings } from '../vectors/guard-body-attacks.ts'
import { harmlessSpellings, pathSpellings, routeSpellings } from '../vectors/guard-paths.ts'
import { wireOf } from '../vectors/guard-spelling.ts'
import type { Spelling } from '../vectors/guard-spelling.ts'

const cluster = plainCluster().url
let world: GuardWorld
let spellings: readonly Spelling[]
let proxy: FaultProxy
let gateway: TestGateway
let token: string
let before: unknown

beforeAll(async () => {
  world = await makeGuardWorld(cluster)
  const { names } = world
  spellings = [pathSpellings, routeSpellings, parameterSpellings, bodySpellings, harmlessSpellings].flatMap((make) =>
    make(names),
  )
  before = await world.canary()
  proxy = await startFaultProxy(cluster)
  gateway = await startTestGateway({ cluster: { nodes: [proxy.url] } })
  token = await gateway.token({ scopes: ['opensearch:read', 'opensearch:write'] })
})
afterAll(async () => {
  await gateway.close()
  await proxy.close()
  await world.remove()
})

const told = ({ row, method, target, headers = [], body = '' }: Spelling): string =>
  `[${row}] ${method} ${target} ${headers.join(' | ')} ${Buffer.from(body).toString('latin1').slice(0, 300)}`

test('they are many, and no two are the same bytes', () => {
  const wires = new Set(spellings.map((spelling) => Buffer.from(wireOf(spelling, [])).toString('latin1')))
  expect(wires.size).toBe(spellings.length)
  expect(wires.size).toBeGreaterThan(900)
})

test('none reaches the memory, and what is refused is refused by us', async () => {
  const complaints = await complaintsOf(spellings, async (spelling, position) => {
    const id = `${world.names.stem}-${String(position)}`
    const reply = await sendRaw(
      gateway.url,
      wireOf(spelling, [`Authorization: Bearer ${token}`, `X-Request-Id: ${id}`]),
    )
    const status = reply.statuses.at(-1) ?? 0
    const isSeen = proxy.requests.some(({ headers }) => headers['x-request-id'] === id)
    const complaint = complaintOf(spelling, status, isSeen, reply.text.includes(world.secret))
    return complaint && `${complaint} (${String(status)}): ${told(spelling)}`
  })
  expect(complaints).toEqual([])
  expect(await world.canary()).toEqual(before)
})

function complaintOf({ isHarmless }: Spelling, status: number, isSeen: boolean, isRead: boolean): string | undefined {
  if (isRead) return 'the memory was read'
  if (status === 0 || status >= 500) return 'no answer worth the name'
  if (isHarmless === true) return isSeen ? undefined : 'not let through'
  if (isSeen) return 'let through'
  return status >= 400 ? undefined : 'an answer'
}

test('without the guard, most of the reads get there', async () => {
  const reads = spellings.filter(({ isRead }) => isRead === true)
  const harmless = await complaintsOf(reads, async (spelling) => {
    const { text } = await sendRaw(cluster, wireOf(spelling, []))
    return text.includes(world.secret) ? undefined : told(spelling)
  })
  expect(reads.length - harmless.length).toBeGreaterThan(300)
})
