import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'

import { openLocalIssuer } from '../../src/auth/local-issuer.ts'
import type { LocalIssuer } from '../../src/auth/local-issuer.ts'
import { checkConfig } from '../../src/check-config.ts'
import { loadConfig } from '../../src/config/load.ts'
import { makeCertificates } from '../../src/local-cluster/certificates.ts'
import { createLog } from '../../src/ops/log.ts'
import { startGateway } from '../../src/server.ts'
import type { Gateway } from '../../src/server.ts'
import { call } from '../support/call.ts'
import type { Call, Reply } from '../support/call.ts'
import { plainCluster, securedCluster } from '../support/clusters.ts'
import { askOps, collect } from '../support/collected.ts'
import { collectAnswersOf } from '../support/collected-answers.ts'
import { collectTraces } from '../support/collected-traces.ts'
import { serving, startKeyServer } from '../support/key-server.ts'
import type { KeyServer } from '../support/key-server.ts'
import { plantSecretsOf } from '../support/plant-secrets.ts'
import { until } from '../support/until.ts'

// Every file of config/examples, started as it is: only addresses and folders come from the environment.

const EXAMPLES = join(import.meta.dirname, '../../config/examples')
const OPS_TOKEN = 'ops-token-of-the-examples'
const secured = securedCluster()
const withSecurity = secured === undefined ? test.skip : test
const shown: string[] = []
let folder: string
let keys: KeyServer
let issuer: LocalIssuer
let gateway: Gateway | undefined
let env: Record<string, string>
let gatewaysCa: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'memory-gateway-examples-'))
  issuer = await openLocalIssuer(folder, { issuer: 'https://memory-gateway.local', create: true })
  const jwks = JSON.parse(readFileSync(issuer.jwksPath, 'utf8')) as unknown
  keys = await startKeyServer(serving({ '/jwks.json': jwks }))
  env = {
    PORT: '0',
    OPS_PORT: '0',
    NODE: plainCluster().url,
    KEYS: folder,
    ISSUER: issuer.issuer,
    JWKS_URI: `${keys.origin}/jwks.json`,
  }
  writeFileSync(join(folder, 'ops-token'), OPS_TOKEN)
  if (secured === undefined) return
  const { ca, adminCert, adminKey } = secured.access
  for (const [from, to] of [
    [ca, 'ca.pem'],
    [adminCert, 'admin.pem'],
    [adminKey, 'admin-key.pem'],
  ] as const) {
    copyFileSync(from, join(folder, to))
  }
  mkdirSync(join(folder, 'tls'))
  const own = await makeCertificates(join(folder, 'tls'))
  copyFileSync(own.node.cert, join(folder, 'tls/tls.crt'))
  copyFileSync(own.node.key, join(folder, 'tls/tls.key'))
  gatewaysCa = own.ca
})
afterEach(async () => {
  await gateway?.close()
  gateway = undefined
})
afterAll(async () => {
  await keys.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Starts an example, and waits until it is ready. */
async function start(name: string, more: Record<string, string> = {}): Promise<Gateway> {
  shown.push(name)
  const config = loadConfig(join(EXAMPLES, name), { env: { ...env, ...more }, check: checkConfig })
  plantSecretsOf(config)
  await collectTraces()
  const started = await startGateway(config, createLog('info', { write: (line) => collect('log', line) }))
  const stopCollecting = collectAnswersOf(started)
  gateway = {
    ...started,
    async close() {
      await askOps(started.opsUrl, config.ops.token)
      await started.close()
      stopCollecting()
    },
  }
  await until(async () => (await call(started.opsUrl, { path: '/readyz' })).status === 200)
  return started
}

const tokenOf = (scopes: readonly string[], extraClaims: Record<string, string> = {}): Promise<string> =>
  issuer.sign({ subject: 'alice', scopes, audience: 'memory-gateway', ttlMs: 600_000, extraClaims })

async function ask(scopes: readonly string[], request: Omit<Call, 'token'>): Promise<Reply> {
  return call(gateway?.url ?? '', { ...request, token: await tokenOf(scopes) })
}

const NO_MEMORY = '/_plugins/_ml/memory_containers/none/memories/working/none'

test('local.yaml: deletes are checked, reads go through with their scope', async () => {
  await start('local.yaml')
  expect((await ask(['memory:delete'], { method: 'DELETE', path: NO_MEMORY })).status).toBe(404)
  expect((await ask(['opensearch:read'], { path: '/_cluster/health' })).status).toBe(200)
  expect((await ask(['memory:delete'], { path: '/_cluster/health' })).status).toBe(403)
})

withSecurity('secured.yaml: HTTPS, the admin certificate, and an ops port with a token', async () => {
  const { opsUrl, url } = await start('secured.yaml', {
    NODE: secured?.url ?? '',
    CERTIFICATES: folder,
    TLS: join(folder, 'tls'),
    OPS_TOKEN_FILE: join(folder, 'ops-token'),
    DRAIN_DELAY: '0s',
  })
  const tls = { ca: readFileSync(gatewaysCa) }
  const token = await tokenOf(['memory:delete'])
  expect((await call(url, { method: 'DELETE', path: NO_MEMORY, token, tls })).status).toBe(404)
  expect((await call(opsUrl, { path: '/config' })).status).toBe(401)
  expect((await call(opsUrl, { path: '/config', token: OPS_TOKEN })).status).toBe(200)
})

withSecurity('two-clusters.yaml: the claim tenant leads to the other cluster', async () => {
  const { opsUrl } = await start('two-clusters.yaml', { ACME_NODE: secured?.url ?? '', CERTIFICATES: folder })
  const clusterOf = async (claims: Record<string, string>): Promise<unknown> => {
    const question = { method: 'DELETE', path: NO_MEMORY, token: await tokenOf(['memory:delete'], claims) }
    const headers = { 'content-type': 'application/json' }
    return (await call(opsUrl, { method: 'POST', path: '/explain', headers, body: JSON.stringify(question) })).body
  }
  expect(await clusterOf({ tenant: 'acme' })).toMatchObject({ cluster: { name: 'acme' } })
  expect(await clusterOf({ tenant: 'globex' })).toMatchObject({ cluster: { name: 'main' } })
})

test('legacy-app.yaml: the app deletes, its page may call, and nothing else goes through', async () => {
  await start('legacy-app.yaml')
  const origin = 'https://app.example'
  const deleted = await ask(['memory:delete'], { method: 'DELETE', path: '/api/memories/none', headers: { origin } })
  expect(deleted.headers['access-control-allow-origin']).toBe(origin)
  expect([200, 404]).toContain(deleted.status)
  expect((await ask(['opensearch:read'], { path: '/_cluster/health' })).status).toBe(403)
})

test('observe.yaml: what the rules would refuse goes through, and is counted', async () => {
  const { opsUrl } = await start('observe.yaml')
  expect((await ask([], { path: '/_cluster/health' })).status).toBe(200)
  expect((await call(opsUrl, { path: '/metrics' })).text).toMatch(
    /^memory_gateway_guard_decisions_total\{outcome="observed",.*\} 1$/m,
  )
})

test('there is no example that is not started here', () => {
  const examples = readdirSync(EXAMPLES).filter((name) => name.endsWith('.yaml'))
  const secure = secured === undefined ? ['secured.yaml', 'two-clusters.yaml'] : []
  expect([...shown, ...secure].sort()).toEqual(examples.sort())
})
