import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'

import type { ConfigInput } from '../../src/config/schema.ts'
import { startOpenSearch } from '../../src/local-cluster/start-opensearch.ts'
import type { RunningOpenSearch } from '../../src/local-cluster/start-opensearch.ts'
import { call } from '../support/call.ts'
import { clusterTokens } from '../support/cluster-tokens.ts'
import type { ClusterTokens } from '../support/cluster-tokens.ts'
import { doctorConfig, doctorWorld } from '../support/doctor-world.ts'
import type { ClusterInput, DoctorWorld } from '../support/doctor-world.ts'
import { startTestGateway } from '../support/gateway.ts'

// What cannot be brought to the cluster that runs for all tests: another configuration of the security plugin. A server of its own: TEST_LONG=1 runs it.

const long = process.env['TEST_LONG'] === '1' ? describe : describe.skip
const START_MS = 240_000

long('a secured cluster with a configuration of its own, which reads no tokens at first (TEST_LONG=1)', () => {
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = key.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  let cluster: RunningOpenSearch
  let knowing: DoctorWorld
  let tokens: ClusterTokens
  let admin: NonNullable<RunningOpenSearch['secured']>
  const opened: { close(): Promise<unknown> }[] = []

  beforeAll(async () => {
    cluster = await startOpenSearch({
      heapMegabytes: 384,
      isShortLived: true,
      secured: true,
      settings: { 'plugins.security.unsupported.restapi.allow_securityconfig_modification': true },
    })
    if (cluster.secured === undefined) throw new Error('it was started without')
    admin = cluster.secured
    const jwtPrivateKey = key.privateKey.export({ format: 'jwk' })
    tokens = await clusterTokens({ jwtPrivateKey })
    knowing = await doctorWorld(jwtPrivateKey)
  }, START_MS)
  afterEach(async () => {
    for (const one of opened.splice(0).toReversed()) await one.close()
  })
  afterAll(async () => {
    await knowing.close()
    await tokens.close()
    await cluster.stop()
  })

  const clusterInput = (passThrough: ClusterInput['passThrough']): ClusterInput => ({
    nodes: [cluster.url],
    tls: { ca: admin.ca },
    service: { kind: 'clientCertificate', cert: admin.adminCert, key: admin.adminKey },
    passThrough,
  })
  const configOf = (passThrough: ClusterInput['passThrough'] = {}): ConfigInput =>
    doctorConfig(
      clusterInput(passThrough),
      { claims: { backendRoles: 'roles' }, algorithms: [knowing.algorithm] },
      'no-such-containers',
    )
  const sees = async (passThrough?: ClusterInput['passThrough']): Promise<readonly (readonly [string, string])[]> =>
    (await knowing.findings(configOf(passThrough))).map(({ id, severity }) => [id, severity])

  /** What becomes of carol's request to the cluster: its status, and who the cluster says that she is. */
  async function carolIs(passThrough: ClusterInput['passThrough'] = {}): Promise<readonly [number, unknown]> {
    const gateway = await startTestGateway({ cluster: clusterInput(passThrough), moreIssuers: [tokens.issuer] })
    opened.push(gateway)
    const token = tokens.token({ subject: 'carol', scopes: ['opensearch:admin'] })
    const { status, text } = await call(gateway.url, { path: '/_plugins/_security/authinfo', token })
    return [status, status === 200 ? (JSON.parse(text) as { user_name: unknown }).user_name : undefined]
  }

  async function configure(...operations: readonly object[]): Promise<void> {
    const { ca, adminCert, adminKey } = admin
    const { status, text } = await call(cluster.url, {
      method: 'PATCH',
      path: '/_plugins/_security/api/securityconfig',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(operations),
      tls: { ca: readFileSync(ca), cert: readFileSync(adminCert), key: readFileSync(adminKey) },
    })
    expect(status === 200 ? '' : text).toBe('')
  }

  const DOMAIN = '/config/dynamic/authc/tokens'
  const domain = (config: object): object => ({
    http_enabled: true,
    // Before the one for passwords, which asks for one where there is none.
    order: 1,
    http_authenticator: { type: 'jwt', challenge: false, config: { signing_key: [pem], ...config } },
    authentication_backend: { type: 'noop' },
  })

  test('callers-unknown: what callers send on is answered with 401', async () => {
    const [finding, ...more] = await knowing.findings(configOf())
    expect(more).toEqual([])
    expect(finding).toMatchObject({ id: 'callers-unknown', severity: 'error' })
    expect(finding?.seen).toContain('basic (basic)')
    expect(finding?.means).toContain('401')
    expect(await carolIs()).toEqual([401, undefined])
  })

  test('its remedy, the gateway says who is calling: it goes, and the cluster knows the caller', async () => {
    const said = { identity: 'proxyHeaders', cert: admin.clientCert, key: admin.clientKey } as const
    expect(await sees(said)).toEqual([])
    expect(await carolIs(said)).toEqual([200, 'cluster:carol'])
  })

  test('callers-unknown, too, where anonymous users are let in: who shows a token is none', async () => {
    const path = '/config/dynamic/http/anonymous_auth_enabled'
    await configure({ op: 'add', path, value: true })
    expect(await sees()).toEqual([['callers-unknown', 'error']])
    expect(await carolIs()).toEqual([401, undefined])
    await configure({ op: 'replace', path, value: false })
  })

  test('callers-unknown, too, where the tokens are read from another header; its remedy, a domain for them: it goes', async () => {
    await configure({ op: 'add', path: DOMAIN, value: domain({ jwt_header: 'x-token', roles_key: 'roles' }) })
    const [finding] = await knowing.findings(configOf())
    expect(finding).toMatchObject({ id: 'callers-unknown' })
    expect(await carolIs()).toEqual([401, undefined])
    // To the letter.
    const { subject, roles } =
      /subject_key: (?<subject>\w+), roles_key: (?<roles>\w+)/.exec(finding?.remedy.text ?? '')?.groups ?? {}
    await configure({ op: 'replace', path: DOMAIN, value: domain({ subject_key: subject, roles_key: roles }) })
    expect(await sees()).toEqual([])
    expect(await carolIs()).toEqual([200, 'carol'])
  })

  const saysOf = async (passThrough?: ClusterInput['passThrough']): Promise<string> => {
    const [finding, ...more] = await knowing.findings(configOf(passThrough))
    expect(more).toEqual([])
    return finding === undefined ? '' : `${finding.id}: ${finding.seen}. ${finding.remedy.text}`
  }

  test('tokens-challenged: a domain that comes after one for passwords gets no token; either remedy, and it goes', async () => {
    await configure({ op: 'replace', path: `${DOMAIN}/order`, value: 9 })
    const said = await saysOf()
    expect(said).toMatch(/^tokens-challenged: .*domain tokens, which reads them, comes after basic, which challenges/)
    expect(said).toContain('give config.dynamic.authc.tokens a lower order than basic has')
    expect(said).toContain('set config.dynamic.authc.basic.http_authenticator.challenge to false')
    expect(await carolIs()).toEqual([401, undefined])
    const challenge = '/config/dynamic/authc/basic/http_authenticator/challenge'
    await configure({ op: 'replace', path: challenge, value: false })
    expect(await sees()).toEqual([])
    expect(await carolIs()).toEqual([200, 'carol'])
    await configure(
      { op: 'replace', path: challenge, value: true },
      { op: 'replace', path: `${DOMAIN}/order`, value: 1 },
    )
    expect(await sees()).toEqual([])
    expect(await carolIs()).toEqual([200, 'carol'])
  })

  test('domains-share-an-order: of two of one order one is dropped, whoever is known by it; each with its own, and it goes', async () => {
    const { username, password } = admin.adminUser
    const headers = { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` }
    const tls = { ca: readFileSync(admin.ca) }
    const path = '/_plugins/_security/authinfo'
    const both = async () => [(await carolIs())[0], (await call(cluster.url, { path, headers, tls })).status]
    expect(await both()).toEqual([200, 200])
    await configure({ op: 'replace', path: `${DOMAIN}/order`, value: 2 })
    expect(await saysOf()).toMatch(/^domains-share-an-order: .*domains (?:basic, tokens|tokens, basic) of main/)
    expect((await both()).toSorted()).toEqual([200, 401])
    await configure({ op: 'replace', path: `${DOMAIN}/order`, value: 1 })
    expect(await sees()).toEqual([])
    expect(await both()).toEqual([200, 200])
  })

  test('proxy-headers-ignored, for each of its causes, and what is said to do makes it go', async () => {
    const says = { identity: 'proxyHeaders', cert: admin.clientCert, key: admin.clientKey } as const
    const proxy = '/config/dynamic/authc/proxy_auth_domain'
    // What has its default is left out of what is kept, and could not be replaced.
    const xff = '/config/dynamic/http/xff'
    for (const { broken, said, mended } of [
      {
        broken: { op: 'remove', path: proxy },
        said: /no authentication domain of type proxy reads x-proxy-user.*\(type: proxy, challenge: false, config: \{ user_header: x-proxy-user, roles_header: x-proxy-roles \}\) before any that challenges/,
        mended: {
          op: 'add',
          path: proxy,
          value: {
            http_enabled: true,
            order: 0,
            http_authenticator: {
              type: 'proxy',
              challenge: false,
              config: { user_header: 'x-proxy-user', roles_header: 'x-proxy-roles' },
            },
            authentication_backend: { type: 'noop' },
          },
        },
      },
      {
        broken: { op: 'add', path: `${proxy}/order`, value: 9 },
        said: /proxy_auth_domain comes after basic, which challenges.*authc\.proxy_auth_domain a lower order than basic has/,
        mended: { op: 'add', path: `${proxy}/order`, value: 0 },
      },
      {
        broken: { op: 'add', path: `${xff}/enabled`, value: false },
        said: /set config\.dynamic\.http\.xff\.enabled to true/,
        mended: { op: 'add', path: `${xff}/enabled`, value: true },
      },
      {
        broken: { op: 'add', path: `${xff}/remoteIpHeader`, value: 'x-real-ip' },
        said: /set config\.dynamic\.http\.xff\.remoteIpHeader to x-forwarded-for/,
        mended: { op: 'add', path: `${xff}/remoteIpHeader`, value: 'x-forwarded-for' },
      },
      {
        broken: { op: 'add', path: `${xff}/internalProxies`, value: '10\\.0\\.0\\.1' },
        said: /internalProxies is 10\\\.0\\\.0\\\.1\. let config\.dynamic\.http\.xff\.internalProxies match the gateway's address/,
        mended: { op: 'add', path: `${xff}/internalProxies`, value: '127\\.0\\.0\\.1' },
      },
    ]) {
      await configure(broken)
      expect(await saysOf(says)).toMatch(said)
      expect(await carolIs(says)).toEqual([401, undefined])
      await configure(mended)
      expect(await sees(says)).toEqual([])
      expect(await carolIs(says)).toEqual([200, 'cluster:carol'])
    }
  })

  test('the configuration of compose.yaml, with this machine for its containers: doctor finds nothing, and the cluster knows the caller', async () => {
    const file = join(import.meta.dirname, '../../deploy/compose/opensearch-security/config.yml')
    const { http, authc } = (
      parse(readFileSync(file, 'utf8')) as { config: { dynamic: { http: { xff: object }; authc: object } } }
    ).config.dynamic
    const xff = { ...http.xff, internalProxies: '127\\.0\\.0\\.1' }
    await configure(
      { op: 'add', path: '/config/dynamic/authc', value: authc },
      { op: 'add', path: '/config/dynamic/http/xff', value: xff },
    )
    const says = { identity: 'proxyHeaders', cert: admin.clientCert, key: admin.clientKey } as const
    expect(await sees(says)).toEqual([])
    expect(await carolIs(says)).toEqual([200, 'cluster:carol'])
    expect(await sees()).toEqual([['callers-unknown', 'error']])
  })
})
