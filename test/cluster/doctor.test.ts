import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import type { ConfigInput } from '../../src/config/schema.ts'
import { FINDING_IDS } from '../../src/core/doctor/finding.ts'
import type { Finding, FindingId, RemedyRequest } from '../../src/core/doctor/finding.ts'
import { call } from '../support/call.ts'
import { plainCluster, securedCluster } from '../support/clusters.ts'
import type { SecuredCluster } from '../support/clusters.ts'
import { doctorWorld, withSettings } from '../support/doctor-world.ts'
import type { DoctorWorld } from '../support/doctor-world.ts'
import { answerWith, bulk, startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import { serving, startKeyServer } from '../support/key-server.ts'
import type { KeyServer } from '../support/key-server.ts'
import { testMemories } from '../support/memories.ts'
import { adminCertificate, adminUser, securedMemories } from '../support/secured-memories.ts'
import type { SecuredMemories } from '../support/secured-memories.ts'
import { makePair, startTcpFront, startTlsFront } from '../support/tls-front.ts'

const memories = testMemories(plainCluster().url)
const secured = securedCluster()
const protectedOnes = secured === undefined ? undefined : securedMemories(secured)
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
  await protectedOnes?.putContainer('c', {}, protectedContainers(protectedOnes))
  await protectedOnes?.put(protectedOnes.indexOf('working'), 'one', MEMORY)
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
  await protectedOnes?.removeAll()
})

/** Not the plugin's own, in which other tests have containers too. */
const protectedContainers = ({ prefix }: SecuredMemories): string => `.plugins-ml-am-${prefix}-containers`

type ClusterInput = ConfigInput['clusters'][string]
type IssuerInput = ConfigInput['auth']['issuers'][number]

/** A configuration that nothing is wrong with, and what a case changes of it; without containers unless it says where they are. */
function configOf(
  cluster: Partial<ClusterInput> = {},
  issuer: Partial<IssuerInput> = {},
  containerIndex = `${memories.prefix}-none`,
): ConfigInput {
  const own = { issuer: 'https://issuer.test', audience: 'memory-gateway', algorithms: ['ES256' as const] }
  const jwks = issuer.discovery === undefined ? { jwks: { file: 'jwks.json' } } : {}
  return {
    auth: { issuers: [{ ...own, ...jwks, ...issuer }] },
    clusters: { main: { nodes: [plainCluster().url], service: { kind: 'none' }, ...cluster } },
    memory: { containerIndex },
  }
}

/** How a finding is provoked, and what following its remedy changes beside what the remedy says to the letter. */
interface Provoked {
  readonly config: ConfigInput
  /** Does what the remedy says, where that is no setting and no request. @returns the configuration then */
  readonly follow?: (remedy: Finding['remedy']) => Promise<ConfigInput | undefined> | ConfigInput | undefined
  /** Who sends the requests of a remedy. */
  readonly send?: (request: RemedyRequest) => Promise<number>
}

interface Case {
  readonly id: FindingId
  readonly severity: Finding['severity']
  readonly when: string
  readonly provoke: () => Promise<Provoked>
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

const JSON_TYPE = ['content-type', 'application/json; charset=UTF-8']

/** Cases that need the security plugin. */
function casesOnSecured(cluster: SecuredCluster, stored: SecuredMemories): readonly Case[] {
  const { access } = cluster
  const { ca } = access
  const certificate = adminCertificate(cluster)
  const user = adminUser(cluster)
  const claims = { backendRoles: 'roles' }
  const without = (changes: Partial<ClusterInput>, issuer: Partial<IssuerInput> = { claims }): ConfigInput =>
    configOf({ nodes: [cluster.url], tls: { ca }, service: certificate, ...changes }, issuer)
  const on = (changes: Partial<ClusterInput>, containerIndex = protectedContainers(stored)): ConfigInput =>
    withSettings(without(changes), { 'memory.containerIndex': containerIndex })
  const day = 86_400_000
  const behindFront = async (validForMs: number): Promise<Provoked> => {
    const name = `front${String(Math.abs(validForMs))}`
    const after = (ms: number): Date => new Date(Date.now() + ms)
    const pair = await makePair(world.folder, name, after(-40 * day), after(validForMs))
    const renewed = await makePair(world.folder, `${name}-renewed`, after(-day), after(90 * day))
    const front = await startTlsFront(cluster.url, readFileSync(ca, 'utf8'), pair)
    cleanUps.push(() => front.close())
    // The front shows no client certificate to the cluster.
    const through = (folder: string): ConfigInput =>
      without({ nodes: [front.url], tls: { ca: `${folder}/cert.pem` }, service: user })
    return {
      config: through(name),
      follow() {
        front.renew(renewed)
        return through(`${name}-renewed`)
      },
    }
  }
  const change = (
    id: FindingId,
    severity: Finding['severity'],
    when: string,
    from: ConfigInput,
    to?: ConfigInput,
  ): Case => ({
    id,
    severity,
    when,
    provoke: () => Promise.resolve({ config: from, ...(to === undefined ? {} : { follow: () => to }) }),
  })
  const wrong = { ...user, password: 'wrong' } as typeof user

  return [
    change(
      'service-refused',
      'error',
      'the cluster asks for credentials and gets none',
      on({ service: { kind: 'none' } }),
      on({}),
    ),
    change(
      'service-refused',
      'error',
      'the password is wrong',
      without({ service: wrong }),
      without({ service: user }),
    ),
    change('tls-untrusted', 'error', 'the authority of the nodes is not configured', on({ tls: {} }), on({})),
    {
      id: 'tls-wrong-name',
      severity: 'error',
      when: 'a node is asked under an address that its certificate does not have',
      async provoke() {
        const front = await startTcpFront(cluster.url, '127.0.0.2')
        cleanUps.push(() => front.close())
        return { config: on({ nodes: [front.url] }), follow: () => on({}) }
      },
    },
    {
      id: 'certificate-expired',
      severity: 'error',
      when: 'it was good until yesterday',
      provoke: () => behindFront(-day),
    },
    {
      id: 'certificate-expires-soon',
      severity: 'warning',
      when: 'it is good for ten days',
      provoke: () => behindFront(10 * day),
    },
    change(
      'clusters-differ',
      'error',
      'the nodes are of two clusters',
      without({ nodes: [cluster.url, plainCluster().url], service: user }),
      without({ nodes: [cluster.url], service: user }),
    ),
    change('indices-masked', 'error', 'the service identity is a user with all_access', on({ service: user }), on({})),
    {
      id: 'rights-missing',
      severity: 'error',
      when: 'the service identity has no role, and the indices are no system indices',
      provoke: () => provokeMissingRights(stored, (service, index) => on({ service }, index)),
    },
    {
      id: 'rights-missing',
      severity: 'error',
      when: 'the service identity may not delete in a system index, and it is empty',
      async provoke() {
        const index = `.plugins-ml-am-${stored.prefix}-empty`
        await stored.put(index, 'gone', {})
        await stored.asAdmin({ method: 'DELETE', path: `/${index}/_doc/gone?refresh=true` })
        return { config: on({ service: user }, index), follow: () => on({}, index) }
      },
    },
    change(
      'subject-key-differs',
      'error',
      'the gateway takes the subject from another claim',
      without({}, { claims: { ...claims, subject: 'email' } }),
    ),
    change('roles-key-differs', 'warning', 'the gateway takes backend roles from another claim', without({}, {})),
  ]
}

type Service = NonNullable<ClusterInput['service']>

async function provokeMissingRights(
  stored: SecuredMemories,
  configFor: (service: Service, containerIndex: string) => ConfigInput,
): Promise<Provoked> {
  const { prefix } = stored
  const username = `doctor-${prefix}`
  // Nothing like the user's name, which the plugin would not take.
  const password = `Aa1!${randomBytes(12).toString('base64url')}`
  const security = '/_plugins/_security/api'
  const send = async (method: string, path: string, json?: unknown): Promise<number> =>
    (await stored.asAdmin({ method, path, json })).status
  expect(await send('PUT', `${security}/internalusers/${username}`, { password })).toBe(201)
  cleanUps.push(
    () => send('DELETE', `${security}/internalusers/${username}`),
    () => send('DELETE', `${security}/rolesmapping/memory-gateway`),
    () => send('DELETE', `${security}/roles/memory-gateway`),
  )
  const containerIndex = `${prefix}-containers`
  const configuration = { index_prefix: prefix, use_system_index: false }
  await stored.put(containerIndex, 'c', { name: 'c', ...ALICES, configuration })
  await stored.put(`${prefix}-memory-working`, 'one', MEMORY)
  const config = configFor({ kind: 'basic', username, password }, containerIndex)
  return {
    config,
    send: ({ method, path, body }) => send(method, path, body),
    // And the gateway can do its work then.
    async follow() {
      const { main } = config.clusters
      if (main === undefined) throw new Error('it has one')
      const gateway = await startTestGateway({ cluster: main, memory: { containerIndex } })
      cleanUps.push(() => gateway.close())
      const path = '/_plugins/_ml/memory_containers/c/memories/working/one'
      const { status } = await call(gateway.url, { method: 'DELETE', path, token: await gateway.token() })
      expect(status).toBe(200)
      return undefined
    },
  }
}

const ON_SECURED = secured === undefined || protectedOnes === undefined ? [] : casesOnSecured(secured, protectedOnes)

describe.each([
  ['without the security plugin', ON_PLAIN],
  ['with the security plugin', ON_SECURED],
] as const)('on a cluster %s each finding is seen, and its remedy makes it go', (_, cases) => {
  if (cases.length === 0) return
  test.each(cases)('$id: $when', async ({ id, severity, provoke }) => {
    const { config, follow, send = ask } = await provoke()
    const found = await world.findings(config)
    // Nothing else is wrong.
    expect(found.map((finding) => [finding.id, finding.severity])).toEqual([[id, severity]])
    const [{ seen, means, remedy }] = found as [Finding]
    expect([seen, means, remedy.text].every((text) => text.length > 10)).toBe(true)

    const statuses: number[] = []
    for (const request of remedy.requests ?? []) statuses.push(await send(request))
    expect(statuses.filter((status) => status > 201)).toEqual([])
    const changed = (await follow?.(remedy)) ?? config
    expect(await world.findings(withSettings(changed, remedy.settings ?? {}))).toEqual([])
  })
})

test('the cases above provoke every finding that there is', () => {
  const provoked = new Set([...ON_PLAIN, ...ON_SECURED].map(({ id }) => id))
  expect(secured === undefined ? [] : FINDING_IDS.filter((id) => !provoked.has(id))).toEqual([])
})
