import { readFileSync } from 'node:fs'

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import type { ConfigInput } from '../../src/config/schema.ts'
import { plainCluster } from '../support/clusters.ts'
import { doctorConfig, doctorWorld, expectRemedied } from '../support/doctor-world.ts'
import type { Case, ClusterInput, DoctorWorld, IssuerInput } from '../support/doctor-world.ts'
import { answerWith, bulk, startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { serving, startKeyServer } from '../support/key-server.ts'
import type { KeyServer } from '../support/key-server.ts'
import { testMemories } from '../support/memories.ts'
import { PROVOKED } from '../vectors/doctor-findings.ts'

const memories = testMemories(plainCluster().url)
let world: DoctorWorld
let proxy: FaultProxy
let keys: KeyServer
/** What a case leaves behind. */
const cleanUps: (() => Promise<unknown>)[] = []

const ALICES = { owner: { name: 'alice' } }
const MEMORY = { memory_container_id: 'c', owner_id: 'alice' }

beforeAll(async () => {
  world = await doctorWorld()
  proxy = await startFaultProxy(plainCluster().url)
  keys = await startKeyServer(serving({}))
  await memories.putContainer('c', ALICES)
  await memories.putMemory('working', 'one', MEMORY)
})
afterEach(async () => {
  proxy.reset()
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})
afterAll(async () => {
  await proxy.close()
  await keys.close()
  await world.close()
  await memories.removeAll()
})

/** Without containers unless it says where they are. */
function configOf(
  cluster: Partial<ClusterInput> = {},
  issuer: Partial<IssuerInput> = {},
  containerIndex = `${memories.prefix}-none`,
): ConfigInput {
  return doctorConfig({ nodes: [plainCluster().url], service: { kind: 'none' }, ...cluster }, issuer, containerIndex)
}

const withContainers = (cluster: Partial<ClusterInput> = {}): ConfigInput =>
  configOf(cluster, {}, memories.containerIndex)

const reset = (): undefined => {
  proxy.reset()
  return undefined
}

const ask = async ({ method, path, body }: { method: string; path: string; body?: unknown }): Promise<number> =>
  (await memories.ask(method, path, body)).status

const jwks = (id: string, document: unknown): Promise<Partial<IssuerInput>> => {
  keys.behave(serving({ [`/${id}`]: document }))
  return Promise.resolve({ jwks: { uri: `${keys.origin}/${id}` } })
}

const keySetOf = (): unknown => JSON.parse(readFileSync(`${world.folder}/jwks.json`, 'utf8'))

const JSON_TYPE = ['content-type', 'application/json; charset=UTF-8']

const ON_PLAIN: readonly Case[] = [
  {
    id: 'node-unreachable',
    severity: 'error',
    when: 'the only node is down',
    provoke: () => Promise.resolve({ config: configOf({ nodes: ['http://127.0.0.1:9'] }), follow: () => configOf() }),
  },
  {
    id: 'node-unreachable',
    severity: 'warning',
    when: 'one of two nodes is down',
    async provoke() {
      await proxy.refuse()
      return {
        config: configOf({ nodes: [plainCluster().url, proxy.url] }),
        // Starts it again.
        follow: () => proxy.accept().then(() => undefined),
      }
    },
  },
  {
    id: 'versions-differ',
    severity: 'warning',
    when: 'one of two nodes has another version',
    provoke() {
      proxy.on(
        ({ target }) => target === '/',
        async ({ ask: asked, answer }) => {
          const whole = await asked()
          await answer({
            ...whole,
            rawHeaders: JSON_TYPE,
            body: Buffer.from(whole.body.toString().replace(/"number" : "[^"]+"/, '"number" : "2.19.4"')),
          })
        },
      )
      return Promise.resolve({
        config: configOf({ nodes: [plainCluster().url, proxy.url] }),
        follow: reset,
      })
    },
  },
  {
    id: 'index-blocked',
    severity: 'error',
    when: 'an index blocks writes',
    async provoke() {
      const body = { 'index.blocks.write': true }
      await ask({ method: 'PUT', path: `/${memories.indexOf('working')}/_settings`, body })
      return { config: withContainers() }
    },
  },
  {
    id: 'index-unavailable',
    severity: 'error',
    when: 'a primary shard is away',
    provoke() {
      const error = { type: 'unavailable_shards_exception', reason: 'primary shard is not active' }
      proxy.on(
        (request) => bulk(request) && request.body.includes(memories.indexOf('working')),
        answerWith(200, { errors: true, items: [{ delete: { status: 503, error } }] }),
      )
      return Promise.resolve({ config: withContainers({ nodes: [proxy.url] }), follow: reset })
    },
  },
  {
    id: 'mapping-unsuitable',
    severity: 'warning',
    when: 'the container of a memory is mapped as text',
    async provoke() {
      const text = { type: 'text' }
      const properties = { memory_container_id: text, owner_id: text }
      await ask({ method: 'PUT', path: `/${memories.indexOf('history')}`, body: { mappings: { properties } } })
      await memories.putMemory('history', 'one', MEMORY)
      return { config: withContainers() }
    },
  },
  {
    id: 'containers-unreadable',
    severity: 'error',
    when: 'a shard of the containers is away',
    provoke() {
      const error = { type: 'search_phase_execution_exception', reason: 'all shards failed' }
      proxy.on(
        ({ target }) => target.startsWith(`/${memories.containerIndex}/_search?scroll`),
        answerWith(503, { error, status: 503 }),
      )
      return Promise.resolve({ config: withContainers({ nodes: [proxy.url] }), follow: reset })
    },
  },
  {
    id: 'containers-share-an-index',
    severity: 'warning',
    when: 'two containers have one prefix',
    async provoke() {
      await memories.putContainer('d', ALICES)
      await memories.putMemory('working', 'two', { memory_container_id: 'd', owner_id: 'alice' })
      return {
        config: withContainers(),
        // A new container with a prefix of its own, its memories added anew, the old one deleted without its memories.
        async follow() {
          const index_prefix = `${memories.prefix}-own`
          await memories.putContainer('e', { ...ALICES, configuration: { index_prefix } })
          const index = `/${index_prefix}-memory-working`
          const body = { memory_container_id: 'e', owner_id: 'alice' }
          cleanUps.push(() => ask({ method: 'DELETE', path: index }))
          await ask({ method: 'PUT', path: `${index}/_doc/two?refresh=true`, body })
          await ask({ method: 'DELETE', path: `/${memories.containerIndex}/_doc/d?refresh=true` })
          return undefined
        },
      }
    },
  },
  {
    id: 'container-without-owner',
    severity: 'warning',
    when: 'a container names nobody',
    async provoke() {
      await memories.putContainer('n', { configuration: { index_prefix: `${memories.prefix}-n` } })
      cleanUps.push(() => ask({ method: 'DELETE', path: `/${memories.containerIndex}/_doc/n?refresh=true` }))
      return { config: withContainers() }
    },
  },
  {
    id: 'container-unusable',
    severity: 'error',
    when: 'a container has no prefix',
    async provoke() {
      const put = (index_prefix: string): Promise<void> =>
        memories.putContainer('u', { ...ALICES, configuration: { index_prefix } })
      await put('')
      return { config: withContainers(), follow: () => put(`${memories.prefix}-u`).then(() => undefined) }
    },
  },
  {
    id: 'keys-unavailable',
    severity: 'error',
    when: 'the key server answers 404',
    async provoke() {
      const issuer = await jwks('missing', keySetOf())
      keys.behave(serving({}))
      return { config: configOf({}, issuer), follow: () => jwks('missing', keySetOf()).then(() => undefined) }
    },
  },
  {
    id: 'keys-unavailable',
    severity: 'error',
    when: 'the discovery document is that of another issuer',
    provoke() {
      const documentOf = (issuer: string): unknown => ({ issuer, jwks_uri: `${keys.origin}/keys` })
      const publish = (issuer: string): void =>
        keys.behave(serving({ '/.well-known/openid-configuration': documentOf(issuer), '/keys': keySetOf() }))
      publish('https://another.test')
      return Promise.resolve({
        config: configOf({}, { issuer: keys.origin, discovery: true }),
        follow() {
          publish(keys.origin)
          return undefined
        },
      })
    },
  },
  {
    id: 'keys-do-not-fit',
    severity: 'error',
    when: 'the issuer signs with another algorithm',
    async provoke() {
      const issuer = await jwks('ec', keySetOf())
      return {
        config: configOf({}, { ...issuer, algorithms: ['RS256'] }),
        follow: () => configOf({}, { ...issuer, algorithms: ['ES256'] }),
      }
    },
  },
  {
    id: 'clock-skew',
    severity: 'warning',
    when: 'the clock of the key server is an hour ahead',
    provoke() {
      let aheadMs = 3_600_000
      keys.behave((_request, response) => {
        response.setHeader('date', new Date(Date.now() + aheadMs).toUTCString())
        response.end(JSON.stringify(keySetOf()))
      })
      return Promise.resolve({
        config: configOf({}, { jwks: { uri: `${keys.origin}/skewed` } }),
        follow() {
          aheadMs = 0
          return undefined
        },
      })
    },
  },
]

describe('on a cluster without the security plugin each finding is seen, and its remedy makes it go', () => {
  test.each(ON_PLAIN)('$id: $when', (one) => expectRemedied(world, one, ask))

  test('these are all that need no security plugin', () => {
    expect([...new Set(ON_PLAIN.map(({ id }) => id))].sort()).toEqual([...PROVOKED.withoutSecurity].sort())
  })
})
