import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import type { ConfigInput } from '../../src/config/schema.ts'
import type { Finding, FindingId } from '../../src/core/doctor/finding.ts'
import { call } from '../support/call.ts'
import { plainCluster, securedCluster } from '../support/clusters.ts'
import type { SecuredCluster } from '../support/clusters.ts'
import { doctorConfig, doctorWorld, expectRemedied, withSettings } from '../support/doctor-world.ts'
import type { Case, ClusterInput, DoctorWorld, IssuerInput, Provoked } from '../support/doctor-world.ts'
import { startTestGateway } from '../support/gateway.ts'
import { adminCertificate, adminUser, securedMemories } from '../support/secured-memories.ts'
import type { SecuredMemories } from '../support/secured-memories.ts'
import { makePair, startTcpFront, startTlsFront } from '../support/tls-front.ts'
import { PROVOKED } from '../vectors/doctor-findings.ts'

const secured = securedCluster()
const protectedOnes = secured === undefined ? undefined : securedMemories(secured)
let world: DoctorWorld
/** What a case leaves behind. */
const cleanUps: (() => Promise<unknown>)[] = []

const ALICES = { owner: { name: 'alice' } }
const MEMORY = { memory_container_id: 'c', owner_id: 'alice' }

beforeAll(async () => {
  world = await doctorWorld()
  await protectedOnes?.putContainer('c', {}, protectedContainers(protectedOnes))
  await protectedOnes?.put(protectedOnes.indexOf('working'), 'one', MEMORY)
})
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})
afterAll(async () => {
  await world.close()
  await protectedOnes?.removeAll()
})

/** Not the plugin's own, in which other tests have containers too. */
const protectedContainers = ({ prefix }: SecuredMemories): string => `.plugins-ml-am-${prefix}-containers`

/** Cases that need the security plugin. */
function casesOnSecured(cluster: SecuredCluster, stored: SecuredMemories): readonly Case[] {
  const { access } = cluster
  const { ca } = access
  const certificate = adminCertificate(cluster)
  const user = adminUser(cluster)
  const claims = { backendRoles: 'roles' }
  const without = (changes: Partial<ClusterInput>, issuer: Partial<IssuerInput> = { claims }): ConfigInput =>
    doctorConfig(
      { nodes: [cluster.url], tls: { ca }, service: certificate, ...changes },
      issuer,
      `${stored.prefix}-none`,
    )
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

// Server versions without a security plugin on Maven Central have no secured cluster.
const CASES = secured === undefined || protectedOnes === undefined ? [] : casesOnSecured(secured, protectedOnes)
const onSecured = secured === undefined ? describe.skip : describe

onSecured('on a cluster with the security plugin each finding is seen, and its remedy makes it go', () => {
  test.each(secured === undefined ? [['', {}] as never] : CASES)('$id: $when', (one) =>
    expectRemedied(world, one, () => Promise.reject(new Error('only the administrator may'))),
  )

  test('these are all that need the security plugin, or TLS', () => {
    expect([...new Set(CASES.map(({ id }) => id))].sort()).toEqual([...PROVOKED.withSecurity].sort())
  })
})
