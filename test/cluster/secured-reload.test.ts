import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { openLocalIssuer } from '../../src/auth/local-issuer.ts'
import type { LocalIssuer } from '../../src/auth/local-issuer.ts'
import { checkConfig } from '../../src/check-config.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { openConfigSource } from '../../src/config/source.ts'
import { createLog } from '../../src/ops/log.ts'
import { startGateway } from '../../src/server.ts'
import type { Gateway } from '../../src/server.ts'
import { securedCluster } from '../support/clusters.ts'
import type { SecuredCluster } from '../support/clusters.ts'
import { collect } from '../support/collected.ts'
import { collectAnswersOf } from '../support/collected-answers.ts'
import { collectTraces } from '../support/collected-traces.ts'
import { call } from '../support/call.ts'
import type { Reply } from '../support/call.ts'
import { serving, startKeyServer } from '../support/key-server.ts'
import type { KeyServer } from '../support/key-server.ts'
import { plantSecretsOf } from '../support/plant-secrets.ts'
import { adminCertificate, adminUser, securedMemories, securedNode } from '../support/secured-memories.ts'
import type { SecuredMemories } from '../support/secured-memories.ts'

// Server versions without a security plugin on Maven Central have no secured cluster.
const secured = securedCluster()
const onSecured = secured === undefined ? describe.skip : describe
const ISSUER = 'https://issuer.test'

onSecured('on a secured cluster, with keys that are fetched, a reload', () => {
  let cluster: SecuredCluster
  let memories: SecuredMemories
  let keys: KeyServer
  let gateway: Gateway
  let stopCollecting = (): void => undefined
  const issuers: LocalIssuer[] = []
  const folder = mkdtempSync(join(tmpdir(), 'memory-gateway-reload-'))
  const file = join(folder, 'gateway.yaml')

  function configure(service: ConfigInput['clusters'][string]['service'], path: string): void {
    const issuer = { issuer: ISSUER, audience: 'memory-gateway', jwks: { uri: `${keys.origin}${path}` } }
    const config: ConfigInput = {
      listen: { port: 0 },
      ops: { port: 0 },
      auth: { issuers: [issuer] },
      clusters: { main: { ...securedNode(cluster, service), service } },
      reload: { watch: false },
    }
    plantSecretsOf(config)
    writeFileSync(file, JSON.stringify(config))
  }

  async function remove(by: number, id: string): Promise<Reply> {
    const signed = { subject: 'alice', scopes: ['memory:delete'], audience: 'memory-gateway', ttlMs: 600_000 }
    const token = (await issuers[by]?.sign(signed)) ?? ''
    const path = `/_plugins/_ml/memory_containers/${memories.prefix}-c/memories/working/${id}`
    return call(gateway.url, { method: 'DELETE', path, token })
  }

  beforeAll(async () => {
    if (secured === undefined) throw new Error('skipped')
    cluster = secured
    memories = securedMemories(cluster)
    for (const name of ['a', 'b']) {
      issuers.push(await openLocalIssuer(join(folder, name), { issuer: ISSUER, create: true }))
    }
    const [a, b] = issuers.map(({ jwksPath }) => JSON.parse(readFileSync(jwksPath, 'utf8')) as unknown)
    keys = await startKeyServer(serving({ '/a.json': a, '/b.json': b }))
    await memories.putContainer(`${memories.prefix}-c`)
    for (const id of ['one', 'two']) {
      const document = { memory_container_id: `${memories.prefix}-c`, owner_id: 'alice' }
      await memories.put(memories.indexOf('working'), id, document)
    }
    configure(adminUser(cluster), '/a.json')
    const source = openConfigSource(file, { env: {}, check: checkConfig })
    const log = createLog('info', { write: (line) => collect('log', line) })
    await collectTraces()
    gateway = await startGateway(source.read(), log, source)
    stopCollecting = collectAnswersOf(gateway)
  })
  afterAll(async () => {
    await gateway.close()
    stopCollecting()
    await keys.close()
    await memories.removeAll()
    rmSync(folder, { recursive: true, force: true })
  })

  test('puts another service identity and other keys into force, and keeps the last good ones where it is broken', async () => {
    // All documents of system indices are hidden from a user, whatever its roles.
    expect((await remove(0, 'one')).status).toBeGreaterThanOrEqual(500)
    expect(await memories.has(memories.indexOf('working'), 'one')).toBe(true)

    configure(adminCertificate(cluster), '/a.json')
    expect((await gateway.reload('request')).lastReload).toMatchObject({ result: 'applied', problems: [] })
    expect((await remove(0, 'one')).status).toBe(200)
    expect((await remove(1, 'two')).status).toBe(401)

    configure({ ...adminCertificate(cluster), key: '/nowhere.pem' } as never, '/b.json')
    expect((await gateway.reload('request')).lastReload).toMatchObject({ result: 'refused' })
    expect((await remove(0, 'none')).status).toBe(404)
    expect((await remove(1, 'two')).status).toBe(401)

    configure(adminCertificate(cluster), '/b.json')
    expect((await gateway.reload('request')).lastReload).toMatchObject({ result: 'applied', problems: [] })
    expect((await remove(0, 'two')).status).toBe(401)
    expect((await remove(1, 'two')).status).toBe(200)
    expect(keys.asked.filter((path) => path === '/b.json')).toHaveLength(1)

    // A provider that is away keeps no configuration from coming into force: tokens are answered with 503, by which nobody is sent away.
    configure(adminCertificate(cluster), '/none.json')
    expect((await gateway.reload('request')).lastReload).toMatchObject({ result: 'applied' })
    expect((await remove(1, 'none')).status).toBe(503)
  })
})
