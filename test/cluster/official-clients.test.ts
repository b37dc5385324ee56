import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { LANGUAGES, prepareClient } from '../clients/prepare-client.ts'
import type { Language, Script } from '../clients/prepare-client.ts'
import { runClient } from '../clients/run-client.ts'
import type { Server } from '../clients/run-client.ts'
import { clusterTokens } from '../support/cluster-tokens.ts'
import { plainCluster, securedCluster } from '../support/clusters.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { adminCertificate, securedNode } from '../support/secured-memories.ts'

/** `npm run test:clients` names all four, or those of its --only; a plain run has those whose toolchains every machine of ours has. */
const chosen = (process.env['TEST_CLIENTS'] ?? 'javascript,python').split(',')
const languages = LANGUAGES.filter((language) => chosen.includes(language))

/** The same cluster, there and there. */
interface Ways {
  readonly direct: Server
  readonly through: Server
  close(): Promise<void>
}

async function plainWays(): Promise<Ways> {
  const { url } = plainCluster()
  const gateway = await startTestGateway({ cluster: { nodes: [url] } })
  const token = await gateway.token({ subject: 'clients', scopes: ['opensearch:admin'] })
  return { direct: { url, token }, through: { url: gateway.url, token }, close: () => gateway.close() }
}

/** As callers have it who are no administrators: with a rule that lets them make and delete indices of such a name, which is admin by default. */
async function scopedWays(): Promise<Ways> {
  const { url } = plainCluster()
  const own = { methods: ['PUT', 'DELETE'], indices: ['clients-*'], scopes: ['opensearch:write'] }
  const gateway = await startTestGateway({
    cluster: { nodes: [url] },
    guard: {
      rules: [
        own,
        { classes: ['read'], scopes: ['opensearch:read'] },
        { classes: ['write'], scopes: ['opensearch:write'] },
      ],
    },
  })
  const token = await gateway.token({ subject: 'clients', scopes: ['opensearch:read', 'opensearch:write'] })
  return { direct: { url, token }, through: { url: gateway.url, token }, close: () => gateway.close() }
}

async function securedWays(): Promise<Ways> {
  const cluster = securedCluster()
  if (cluster === undefined) throw new Error('skipped')
  const tokens = await clusterTokens(cluster)
  const token = tokens.token({ subject: 'clients', roles: ['admin'], scopes: ['opensearch:admin'] })
  let gateway: TestGateway | undefined
  const close = async (): Promise<void> => {
    await gateway?.close()
    await tokens.close()
  }
  try {
    gateway = await startTestGateway({
      cluster: securedNode(cluster, adminCertificate(cluster)),
      moreIssuers: [tokens.issuer],
    })
    return { direct: { url: cluster.url, token, ca: cluster.access.ca }, through: { url: gateway.url, token }, close }
  } catch (error) {
    await close()
    throw error
  }
}

const scripts = new Map<Language, Script>()
beforeAll(async () => {
  for (const language of languages) scripts.set(language, await prepareClient(language))
}, 300_000)

/** All with `npm run test:clients`; one of them in a plain run. */
const scopedLanguages = process.env['TEST_CLIENTS'] === undefined ? languages.slice(0, 1) : languages

describe.each([
  ['plain', plainWays, languages, false],
  ['plain', scopedWays, scopedLanguages, false],
  ['secured', securedWays, languages, securedCluster() === undefined],
] as const)('on the %s cluster, by %p', (name, open, with_, absent) => {
  const onCluster = absent ? test.skip.each(with_) : test.each(with_)
  let ways: Ways | undefined
  beforeAll(async () => {
    if (!absent) ways = await open()
  })
  afterAll(() => ways?.close())

  onCluster(
    'the %s client gets the same results through the gateway as without it',
    async (language) => {
      const script = scripts.get(language)
      if (script === undefined || ways === undefined) throw new Error('not prepared')
      const index = `clients-${name}-${language}-${randomBytes(4).toString('hex')}`
      const [direct, through] = await Promise.all([
        runClient(script, ways.direct, `${index}-direct`),
        runClient(script, ways.through, `${index}-through`),
      ])
      expect(Object.keys(direct).sort()).toEqual(STEPS.toSorted())
      expect(through).toEqual(direct)
    },
    240_000,
  )
})

/** As docs/clients.md tells. */
const RETRIES: Readonly<Record<Language, number>> = { javascript: 3, python: 3, go: 6, java: 0 }

test.each(languages)(
  'the %s client sends what is answered 503 again as often as its users are told, asking for gzip',
  async (language) => {
    const seen: unknown[] = []
    const server = createServer((request, response) => {
      seen.push(request.headers['accept-encoding'])
      response.writeHead(503, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ error: { type: 'unavailable', reason: 'for the test' }, status: 503 }))
    })
    try {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const script = scripts.get(language)
      if (script === undefined) throw new Error('not prepared')
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      await expect(runClient(script, { url, token: 'any' }, 'none')).rejects.toThrow()
    } finally {
      server.closeAllConnections()
      server.close()
    }
    expect(seen).toEqual(Array.from({ length: RETRIES[language] + 1 }, () => expect.stringMatching(/^gzip/)))
  },
)

/** Those of test/clients/steps.md, in their order. */
const STEPS = [
  'info',
  'create',
  'bulk',
  'search',
  'largeSearch',
  'scroll',
  'pointInTime',
  'msearch',
  'update',
  'exists',
  'ids',
  'deleteByQuery',
  'errors',
]
