import { randomUUID } from 'node:crypto'
import { Agent } from 'node:http'

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import type { Reply } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { collectDocuments } from '../support/collected.ts'
import { answerWith, startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { until } from '../support/until.ts'

const INDEX = `.revocations-${randomUUID()}`
const OPS_TOKEN = 'operator-token-0123456789'
const JSON_TYPE = { 'content-type': 'application/json' }
const agent = new Agent({ keepAlive: true, maxSockets: 64 })
let proxy: FaultProxy
/** Takes entries, and stands behind the proxy. */
let first: TestGateway
/** Shares the list, and only reads it. */
let second: TestGateway

const start = (node: string, index: string, accept: boolean): Promise<TestGateway> =>
  startTestGateway({
    cluster: { nodes: [node] },
    ops: { port: 0, token: OPS_TOKEN },
    revocation: { index: { cluster: 'main', name: index }, interval: '200ms', accept },
  })

beforeAll(async () => {
  proxy = await startFaultProxy(plainCluster().url)
  first = await start(proxy.url, INDEX, true)
  second = await start(plainCluster().url, INDEX, false)
})
afterEach(() => proxy.reset())
afterAll(async () => {
  agent.destroy()
  await Promise.all([first.close(), second.close()])
  await proxy.close()
  await collectDocuments(INDEX, cluster)
  await cluster('DELETE', `/${INDEX}`)
})

/** As an operator would, past the gateways. */
const cluster = (method: string, path: string, body?: unknown): Promise<Reply> => {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return call(plainCluster().url, { method, path, ...(body === undefined ? {} : { headers: JSON_TYPE, body: text }) })
}
const revoke = (entry: unknown, at = first): Promise<Reply> =>
  call(at.opsUrl, {
    method: 'POST',
    path: '/revocations',
    token: OPS_TOKEN,
    headers: JSON_TYPE,
    body: JSON.stringify(entry),
  })
/** 403 for a good token, which has no scope, 401 for one that was revoked. Nothing of it gets as far as the cluster. */
const statusOf = async (of: TestGateway, token: string): Promise<number> =>
  (await call(of.url, { method: 'DELETE', path: '/api/memories/x', token, agent })).status
interface Check {
  readonly ok: boolean
  readonly reachable: boolean
  readonly entries: number
}
const checkOf = async (of: TestGateway): Promise<Check> =>
  ((await call(of.opsUrl, { path: '/readyz' })).body as { checks: { revocation: Check } }).checks.revocation
const ageOf = async (of: TestGateway): Promise<number> =>
  Number(/^memory_gateway_revocation_age_seconds (.+)$/m.exec((await call(of.opsUrl, { path: '/metrics' })).text)?.[1])

describe('two gateways that share a deny list in an index', () => {
  test('have made it, of one shard, and are ready', async () => {
    const { body } = await cluster('GET', `/${INDEX}/_settings`)
    const { index } = (body as Record<string, { settings: { index: Record<string, unknown> } }>)[INDEX]?.settings ?? {}
    expect(index).toMatchObject({ number_of_shards: '1', hidden: 'true' })
    expect([await checkOf(first), await checkOf(second)]).toMatchObject([
      { ok: true, reachable: true, entries: 0 },
      { ok: true, reachable: true, entries: 0 },
    ])
    expect([...first.logLines, ...second.logLines].filter((line) => line.includes('was made'))).toHaveLength(1)
  })

  test('refuse a remembered token that 64 callers use, within the bound, and nobody else', async () => {
    const [stolen, other] = [await second.token({ subject: 'eve', scopes: [] }), await second.token({ scopes: [] })]
    expect([await statusOf(second, stolen), await statusOf(second, other)]).toEqual([403, 403])
    let revokedAt = Infinity
    const late: number[] = []
    const callers = Array.from({ length: 64 }, async () => {
      for (let refused = 0; refused < 3;) {
        const askedAt = performance.now()
        const status = await statusOf(second, stolen)
        if (status === 401) refused += 1
        // The bound that is stated for the default interval.
        else if (askedAt > revokedAt + 5_000) late.push(askedAt - revokedAt)
      }
    })
    expect((await revoke({ subject: 'eve' })).status).toBe(201)
    revokedAt = performance.now()
    expect(await statusOf(first, stolen)).toBe(401)
    await Promise.all(callers)
    expect(late).toEqual([])
    expect(await statusOf(second, other)).toBe(403)
  })

  test('an entry that is sent twice is kept once', async () => {
    expect((await revoke({ subject: 'eve' })).status).toBe(201)
    expect((await cluster('GET', `/${INDEX}/_count`)).body).toMatchObject({ count: 1 })
  })

  test('callers neither read nor write it, by whatever name', async () => {
    const scopes = ['opensearch:read', 'opensearch:write']
    const token = await second.token({ subject: 'mallory', scopes })
    const ask = async (method: string, path: string, body?: string) =>
      (await call(second.url, { method, path, token, ...(body === undefined ? {} : { headers: JSON_TYPE, body }) }))
        .status
    expect([
      await ask('GET', `/${INDEX}/_search`),
      await ask('GET', '/.revocations-*/_search?expand_wildcards=all'),
      await ask('POST', `/${INDEX}/_doc`, '{"issuer":"https://issuer.test"}'),
      await ask('POST', '/_bulk', `{"index":{"_index":"${INDEX}"}}\n{"issuer":"https://issuer.test"}\n`),
      await ask('POST', `/${INDEX}/_delete_by_query`, '{"query":{"match_all":{}}}'),
      await ask('DELETE', `/${INDEX}`),
    ]).toEqual([403, 403, 403, 403, 403, 403])
  })

  test('keep the last list while the cluster is away, say so, and go on afterwards', async () => {
    const [eve, trudy] = [
      await first.token({ subject: 'eve', scopes: [] }),
      await first.token({ subject: 'trudy', scopes: [] }),
    ]
    await proxy.refuse()
    try {
      await until(async () => !(await checkOf(first)).reachable)
      expect(await checkOf(first)).toMatchObject({ ok: true, reachable: false, entries: 1 })
      expect([await statusOf(first, eve), await statusOf(first, trudy)]).toEqual([401, 403])
      const refused = await revoke({ subject: 'trudy' })
      expect([refused.status, refused.body]).toEqual([
        503,
        { error: 'The deny list cannot be written at the moment; send it again: twice is as once' },
      ])
      const { text } = await call(first.opsUrl, { path: '/metrics' })
      expect(text).toContain('memory_gateway_revocation_reachable 0\n')
      const age = await ageOf(first)
      await until(async () => (await ageOf(first)) > age)
    } finally {
      await proxy.accept()
    }
    // Meanwhile somebody has written into the index by hand.
    await cluster('POST', `/${INDEX}/_doc`, { subject: 'trudy', issuedBefore: 9_000_000_000 })
    await until(async () => (await statusOf(first, trudy)) === 401)
    expect(await checkOf(first)).toMatchObject({ ok: true, reachable: true, entries: 2 })
    const said = first.logLines.filter((line) => line.includes('the deny list of tokens'))
    expect(
      said.some((line) => line.includes('the last one stays in force') && line.includes('cannot be reached')),
    ).toBe(true)
    expect(said.at(-1)).toContain('can be read again')
  })

  test('keep the last list where a document is no entry, and name it', async () => {
    const eve = await second.token({ subject: 'eve', scopes: [] })
    await cluster('PUT', `/${INDEX}/_doc/broken?refresh=true`, { until: 9_000_000_000 })
    await until(async () => !(await checkOf(second)).reachable)
    expect(await statusOf(second, eve)).toBe(401)
    expect(second.logLines.join('')).toContain('has a document broken that needs a jti, a subject or an issuer')
    await cluster('DELETE', `/${INDEX}/_doc/broken?refresh=true`)
    await until(async () => (await checkOf(second)).reachable)
  })

  test('do not take an index that hides its documents for an empty list', async () => {
    const eve = await first.token({ subject: 'eve', scopes: [] })
    const empty = {
      timed_out: false,
      _shards: { total: 1, successful: 1, failed: 0 },
      hits: { total: { value: 0, relation: 'eq' }, hits: [] },
    }
    proxy.on(({ target }) => target.startsWith(`/${INDEX}/_search`), answerWith(200, empty))
    await until(async () => !(await checkOf(first)).reachable)
    expect(await statusOf(first, eve)).toBe(401)
    proxy.reset()
    await until(async () => (await checkOf(first)).reachable)
  })

  test('leave out what is over, and the one that takes entries removes it', async () => {
    await cluster('PUT', `/${INDEX}/_doc/over?refresh=true`, { jti: 'old', until: 1_000 })
    const now = Date.now() / 1_000
    await cluster('PUT', `/${INDEX}/_doc/just?refresh=true`, { jti: 'just', until: now - 60 })
    await until(async () => (await cluster('GET', `/${INDEX}/_doc/over`)).status === 404)
    // Another gateway's clock may be behind.
    expect((await cluster('GET', `/${INDEX}/_doc/just`)).status).toBe(200)
    await until(async () => (await checkOf(first)).entries === 2)
  })

  test('read a list of more than a page whole, and learn what was taken out of it', async () => {
    const entries = Array.from({ length: 5_001 }, (_, n) => [
      '{"create":{}}',
      JSON.stringify({ subject: `many-${String(n)}` }),
    ])
    const added = await cluster('POST', `/${INDEX}/_bulk?refresh=true`, `${entries.flat().join('\n')}\n`)
    expect(added.body).toMatchObject({ errors: false })
    const [head, last] = [
      await second.token({ subject: 'many-0', scopes: [] }),
      await second.token({ subject: 'many-5000', scopes: [] }),
    ]
    await until(async () => (await checkOf(second)).entries === 5_003)
    expect([await statusOf(second, head), await statusOf(second, last)]).toEqual([401, 401])
    const { body } = await cluster('GET', `/${INDEX}/_search?size=1&sort=_seq_no:desc`)
    const id = (body as { hits: { hits: [{ _id: string }] } }).hits.hits[0]._id
    await cluster('DELETE', `/${INDEX}/_doc/${id}?refresh=true`)
    await until(async () => (await statusOf(second, last)) === 403)
    expect(await statusOf(second, head)).toBe(401)
  })

  test('keep the last list where the index was deleted, and do not make it anew', async () => {
    const eve = await first.token({ subject: 'eve', scopes: [] })
    expect((await cluster('DELETE', `/${INDEX}`)).status).toBe(200)
    await until(async () => !(await checkOf(first)).reachable)
    expect(await statusOf(first, eve)).toBe(401)
    expect((await revoke({ subject: 'bob' })).status).toBe(503)
    expect((await cluster('HEAD', `/${INDEX}`)).status).toBe(404)
    // The first to read it may have come while it was being deleted.
    await until(() => first.logLines.join('').includes('it is not there any more'))
  })
})

test('a gateway that has never read its list is not ready and refuses tokens, not as wrong ones, until it has', async () => {
  const index = `.revocations-${randomUUID()}`
  await proxy.refuse()
  const gateway = await start(proxy.url, index, false).finally(() => proxy.accept())
  try {
    const token = await gateway.token({ scopes: [] })
    await until(async () => (await statusOf(gateway, token)) === 403)
    expect(gateway.logLines.join('')).toContain('the deny list of tokens cannot be read')
    expect(await checkOf(gateway)).toMatchObject({ ok: true, reachable: true })
  } finally {
    await gateway.close()
    await cluster('DELETE', `/${index}`)
  }
})
