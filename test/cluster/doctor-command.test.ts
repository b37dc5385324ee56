import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import type { ConfigInput } from '../../src/config/schema.ts'
import { CLI } from '../support/cli.ts'
import { plainCluster, securedCluster } from '../support/clusters.ts'
import { collect } from '../support/collected.ts'
import { doctorWorld } from '../support/doctor-world.ts'
import type { DoctorWorld } from '../support/doctor-world.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { testMemories } from '../support/memories.ts'
import { adminCertificate, securedMemories } from '../support/secured-memories.ts'

const SECRET = 'a memory that nobody may print'
const memories = testMemories(plainCluster().url)
const secured = securedCluster()
let world: DoctorWorld

beforeAll(async () => {
  world = await doctorWorld()
  await memories.putContainer('c', { owner: { name: 'alice' }, description: SECRET })
  await memories.putMemory('working', 'one', { memory_container_id: 'c', owner_id: 'alice', text: SECRET })
})
afterAll(async () => {
  await world.close()
  await memories.removeAll()
})

function configOf(cluster: ConfigInput['clusters'][string], containerIndex: string): ConfigInput {
  const issuer = {
    issuer: 'https://issuer.test',
    audience: 'memory-gateway',
    jwks: { file: 'jwks.json' },
    claims: { backendRoles: 'roles' },
  }
  return { auth: { issuers: [issuer] }, clusters: { main: cluster }, memory: { containerIndex } }
}

const onPlain = (nodes = [plainCluster().url], containerIndex = memories.containerIndex): ConfigInput =>
  configOf({ nodes, service: { kind: 'none' }, passThrough: { identity: 'service' } }, containerIndex)

async function doctor(config: ConfigInput, ...words: readonly string[]) {
  const path = join(world.folder, 'gateway.yaml')
  writeFileSync(path, JSON.stringify(config))
  const child = spawn(process.execPath, [CLI, 'doctor', '--config', path, ...words])
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number]>,
  ])
  collect('doctor', out + err)
  return { code, out, err }
}

describe('the command', () => {
  test('says what it saw and that nothing is wrong: exit code 0, a plain line for each step beside it', async () => {
    const { code, out, err } = await doctor(onPlain())
    expect(code).toBe(0)
    expect(out).toContain(`node ${plainCluster().url}: OpenSearch ${plainCluster().version}`)
    expect(out).toContain(`index ${memories.indexOf('working')}: 1 documents; may be read, and deleted in`)
    expect(out).toMatch(/Nothing was found. Nothing was written.\n$/)
    expect(err.trim().split('\n')).toEqual([
      'Asking the nodes of main',
      'Asking main who the service identity is',
      'Reading the containers of main',
      'Looking at the indices of main: 5 of 5',
      'Fetching the keys of the issuers',
    ])
    expect(out + err).not.toContain(SECRET)
  })

  test('warnings are exit code 3, as JSON with what they stand on', async () => {
    const { code, out } = await doctor(onPlain([plainCluster().url, 'http://127.0.0.1:9']), '--json')
    expect(code).toBe(3)
    expect(JSON.parse(out)).toMatchObject({
      findings: [
        {
          id: 'node-unreachable',
          severity: 'warning',
          about: 'clusters.main.nodes',
          seen: expect.stringContaining('ECONNREFUSED') as unknown,
          means: expect.any(String) as unknown,
          remedy: { text: expect.stringContaining('clusters.main.nodes') as unknown },
        },
      ],
      clusters: [{ name: 'main', containers: [{ id: 'c', hasOwner: true }] }],
      issuers: [{ issuer: 'https://issuer.test', keys: [{ type: 'EC', algorithms: ['ES256'] }] }],
    })
    expect(out).not.toContain(SECRET)
  })

  test('errors are exit code 4, with the remedy in words', async () => {
    const { code, out } = await doctor(onPlain(['http://127.0.0.1:9']))
    expect(code).toBe(4)
    expect(out).toContain('error node-unreachable: clusters.main.nodes\n  seen:   http://127.0.0.1:9 does not answer')
    expect(out).toContain('  remedy: start the node,')
    expect(out).toContain('1 error, 0 warnings.')
  })
})

/** What a write would change: numbers of operations, documents, translogs, refreshes, and the indices' metadata. */
async function stateOf(ask: (path: string) => Promise<unknown>, indices: readonly string[]): Promise<unknown> {
  const names = indices.join(',')
  const stats = await ask(
    `/${names}/_stats/docs,translog,indexing,refresh,flush?level=shards&filter_path=indices.*.shards.*.seq_no,indices.*.shards.*.docs,indices.*.shards.*.translog.operations,indices.*.shards.*.indexing.*_total,indices.*.shards.*.refresh.total,indices.*.shards.*.flush.total`,
  )
  const metadata = await ask(`/_cluster/state/metadata/${names}?filter_path=metadata.indices.*.version`)
  return { stats, metadata }
}

describe('nothing is written', () => {
  test('on a cluster without the security plugin, nor is anything sent that could', async () => {
    const proxy = await startFaultProxy(plainCluster().url)
    try {
      const indices = [memories.containerIndex, memories.indexOf('working')]
      const ask = async (path: string): Promise<unknown> => (await memories.ask('GET', path)).body
      const before = await stateOf(ask, indices)
      expect(before).toMatchObject({ metadata: { metadata: { indices: expect.anything() as unknown } } })
      expect(await world.findings(onPlain([proxy.url]))).toEqual([])
      expect(await stateOf(ask, indices)).toEqual(before)
      // Everything but questions, as it was sent.
      const changing = proxy.requests.filter(
        ({ method, target }) => method !== 'GET' && !/\/(?:_mget|_search|_search\/scroll)(?:\?|$)/.test(target),
      )
      expect(changing.map(({ method, target }) => `${method} ${target}`)).toEqual(
        changing.map(() => 'POST /_bulk?timeout=2s'),
      )
      for (const { body } of changing) {
        expect(body).toMatch(
          /^\{"delete":\{"_index":"[^"]+","_id":"memory-gateway-doctor","if_seq_no":9007199254740991,"if_primary_term":1\}\}\n$/,
        )
      }
    } finally {
      await proxy.close()
    }
  })

  const onSecured = secured === undefined ? test.skip : test
  onSecured('on a cluster with the security plugin, as the super admin', async () => {
    if (secured === undefined) throw new Error('skipped')
    const stored = securedMemories(secured)
    const known = await doctorWorld(secured.jwtPrivateKey)
    try {
      const containerIndex = `.plugins-ml-am-${stored.prefix}-containers`
      await stored.putContainer('c', {}, containerIndex)
      await stored.put(stored.indexOf('working'), 'one', { memory_container_id: 'c', owner_id: 'alice' })
      const indices = [containerIndex, stored.indexOf('working')]
      const ask = async (path: string): Promise<unknown> => (await stored.asAdmin({ path })).body
      const before = await stateOf(ask, indices)
      const cluster = { nodes: [secured.url], tls: { ca: secured.access.ca }, service: adminCertificate(secured) }
      expect(await known.findings(configOf(cluster, containerIndex))).toEqual([])
      expect(await stateOf(ask, indices)).toEqual(before)
    } finally {
      await known.close()
      await stored.removeAll()
    }
  })
})
