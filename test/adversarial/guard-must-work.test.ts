import { afterAll, beforeAll, expect, test } from '@jest/globals'

import { plainCluster } from '../support/clusters.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { askPlainly, complaintsOf, makeGuardWorld, outcomeOf, putJson } from '../support/guard-world.ts'
import type { GuardWorld } from '../support/guard-world.ts'
import { readsThatWork, writesThatWork } from '../vectors/guard-must-work.ts'
import type { OpenNames } from '../vectors/guard-must-work.ts'
import { wireOf } from '../vectors/guard-spelling.ts'
import type { Spelling } from '../vectors/guard-spelling.ts'

const cluster = plainCluster().url
let world: GuardWorld
let names: OpenNames
let gateway: TestGateway
let authorization: string

beforeAll(async () => {
  world = await makeGuardWorld(askPlainly(cluster))
  const { stem, open, id } = world.names
  names = { stem, first: open, second: `${stem}-other`, alias: `${stem}-both`, id }
  await putJson(askPlainly(cluster), `/${names.second}/_doc/${id}?refresh=true`, {
    text: 'ordinary too',
    user: 'bob',
    n: 2,
  })
  await putJson(askPlainly(cluster), `/${names.first},${names.second}/_alias/${names.alias}`, {})
  gateway = await startTestGateway({ cluster: { nodes: [cluster] } })
  authorization = `Authorization: Bearer ${await gateway.token({ scopes: ['opensearch:read', 'opensearch:write'] })}`
})
afterAll(async () => {
  await gateway.close()
  await world.remove(names.second, `${names.stem}-other-new`)
})

const told = ({ method, target, headers = [], body = '' }: Spelling): string =>
  `${method} ${target} ${headers.join(' | ')} ${Buffer.from(body).toString('latin1').slice(0, 300)}`

test('they are many, and no two are the same bytes', () => {
  const wires = [...readsThatWork(names), ...writesThatWork(names)].map((spelling) =>
    Buffer.from(wireOf(spelling, [])).toString('latin1'),
  )
  expect(new Set(wires).size).toBe(wires.length)
  expect(wires.length).toBeGreaterThan(300)
})

test('reads answer what the cluster answers, byte for byte but for the time that it took', async () => {
  const complaints = await complaintsOf(readsThatWork(names), async (spelling) => {
    const [ours, theirs] = await Promise.all([
      outcomeOf(gateway.url, wireOf(spelling, [authorization])),
      outcomeOf(cluster, wireOf(spelling, [])),
    ])
    if (ours.status === theirs.status && ours.body === theirs.body) return undefined
    return `${told(spelling)}\n  ${String(ours.status)} ${ours.body.slice(0, 300)}\n  ${String(theirs.status)} ${theirs.body.slice(0, 300)}`
  })
  expect(complaints).toEqual([])
})

test('writes succeed, in whatever form they come', async () => {
  const complaints: string[] = []
  // One after another: some change what the one before made.
  for (const spelling of writesThatWork(names)) {
    const { status, body } = await outcomeOf(gateway.url, wireOf(spelling, [authorization]))
    if (status < 200 || status >= 300 || body.includes('"errors":true')) {
      complaints.push(`${told(spelling)}\n  ${String(status)} ${body.slice(0, 300)}`)
    }
  }
  expect(complaints).toEqual([])
})
