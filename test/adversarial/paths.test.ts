import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { plainCluster } from '../support/clusters.ts'
import { multiGet, startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'
import { rawRequest, sendRaw } from '../support/raw-http.ts'

const memories = testMemories(plainCluster().url)
const { containerIndex, prefix } = memories
const working = memories.indexOf('working')
let proxy: FaultProxy
let gateway: TestGateway

beforeAll(async () => {
  await memories.putContainer('c', { owner: { name: 'alice' } })
  await memories.putContainer('of-bob', { owner: { name: 'bob' } })
  await memories.putMemory('working', 'm', { memory_container_id: 'c', owner_id: 'alice' })
  await memories.putMemory('working', 'canary', { memory_container_id: 'of-bob', owner_id: 'bob' })
  proxy = await startFaultProxy(plainCluster().url)
  gateway = await startTestGateway({
    cluster: { nodes: [proxy.url] },
    memory: { containerIndex },
    legacy: { container: 'c', types: ['working'] },
  })
  proxy.reset()
})
afterEach(async () => {
  expect(await memories.hasMemory('working', 'canary')).toBe(true)
  proxy.reset()
})
afterAll(async () => {
  await gateway.close()
  await proxy.close()
  await memories.removeAll()
})

/** The ids of memories that the cluster was asked for. */
function askedFor(): readonly string[] {
  // Beside looks there are probes of whether the index can be read at all.
  const [looks, probes] = [proxy.requests.filter(multiGet), proxy.requests.filter((request) => !multiGet(request))]
  for (const { target } of probes) expect(target).toMatch(new RegExp(`^/${working}/_(search|stats|refresh)`))
  return looks.flatMap(({ body }) => {
    const { docs } = JSON.parse(body) as { docs: { _index: string; _id: string }[] }
    return docs.filter(({ _index }) => _index !== containerIndex).map(({ _id }) => _id)
  })
}

const MEMORIES = '/_plugins/_ml/memory_containers/c/memories'

interface Spelling {
  readonly path: string
  readonly status: number
  /** The id that the path names for us, and so for the cluster; none where it is refused. */
  readonly id?: string
}

/** Oathkeeper GHSA-p224-6x5r-fjpm, Envoy CVE-2019-9901 and CVE-2021-29492, oauth2-proxy GHSA-pxq7-h93f-9jrg. */
const SPELLINGS: readonly Spelling[] = [
  { path: `${MEMORIES}/working/../working/m`, status: 400 },
  { path: `${MEMORIES}/working/%2e%2e/working/m`, status: 400 },
  { path: `${MEMORIES}/working/%2E./working/m`, status: 400 },
  { path: `${MEMORIES}/./working/m`, status: 400 },
  { path: `${MEMORIES}/working/..`, status: 400 },
  { path: `${MEMORIES}/working/%2e`, status: 400 },
  { path: `${MEMORIES}//working/m`, status: 400 },
  { path: `${MEMORIES}/working//m`, status: 400 },
  { path: '//_plugins/_ml/memory_containers/c/memories/working/m', status: 400 },
  { path: '/_plugins//_ml/memory_containers/c/memories/working/m', status: 400 },
  { path: '/%5fplugins/_ml/memory_containers/c/memories/working/m', status: 400 },
  { path: '/_PLUGINS/_ml/memory_containers/c/memories/working/m', status: 400 },
  { path: '/_plugins/_ML/memory_containers/c/memories/working/m', status: 400 },
  { path: '/_plugins%2f_ml/memory_containers/c/memories/working/m', status: 400 },
  { path: '/_plugins/_ml/memory_containers/c/%6demories/working/m', status: 400 },
  { path: '/_plugins/_ml/memory_containers/c/memories%2fworking/m', status: 403 },
  { path: '/_plugins/_ml/memory_containers/c/memories/working%2fm', status: 400 },
  { path: '/_plugins/_ml/memory_containers/c%2fmemories/working/m', status: 403 },
  { path: `${MEMORIES}\\working\\m`, status: 400 },
  { path: '/_plugins/_ml/memory_containers;x=1/c/memories/working/m', status: 403 },
  { path: `${MEMORIES};x=1/working/m`, status: 403 },
  { path: `${MEMORIES}/working;x=1/m`, status: 400 },
  { path: '/api/./memories/m', status: 400 },
  { path: '/api//memories/m', status: 400 },
  { path: '/api/memories/../memories/m', status: 400 },
  { path: '/API/memories/m', status: 400 },
  { path: '/%61pi/memories/m', status: 400 },
  { path: '/api%2fmemories/m', status: 400 },
  { path: '/api%2Fmemories%2Fm', status: 400 },
  { path: '/x/..%2fapi/memories/m', status: 403 },
  { path: '/api/memories/a/m', status: 404 },
  { path: `${MEMORIES}/working/m%2e`, status: 404, id: 'm.' },
  { path: `${MEMORIES}/working/m.`, status: 404, id: 'm.' },
  { path: `${MEMORIES}/working/m;x=1`, status: 404, id: 'm;x=1' },
  { path: `${MEMORIES}/working/m#x`, status: 404, id: 'm#x' },
  { path: `${MEMORIES}/working/m%23x`, status: 404, id: 'm#x' },
  { path: `${MEMORIES}/working/m%3Fx`, status: 404, id: 'm?x' },
  { path: `${MEMORIES}/working/m%00`, status: 404, id: 'm\0' },
  { path: `${MEMORIES}/working/m%5c`, status: 404, id: 'm\\' },
  { path: `${MEMORIES}/working/m+`, status: 404, id: 'm+' },
  { path: `${MEMORIES}/working/m%20`, status: 404, id: 'm ' },
  { path: `${MEMORIES}/working/a%2Fm`, status: 404, id: 'a/m' },
  { path: `${MEMORIES}/working/..%2Fm`, status: 404, id: '../m' },
  { path: `${MEMORIES}/working/%252e%252e`, status: 404, id: '%2e%2e' },
  { path: `${MEMORIES}/working/a%252Fm`, status: 404, id: 'a%2Fm' },
  { path: `${MEMORIES}/working/M`, status: 404, id: 'M' },
  { path: `${MEMORIES}/working/canary`, status: 404, id: 'canary' },
  { path: `${MEMORIES}/working/*`, status: 404, id: '*' },
  { path: `${MEMORIES}/working/m,canary`, status: 404, id: 'm,canary' },
  { path: '/api/memories/a%2Fm', status: 404, id: 'a/m' },
  { path: '/api/memories/%252e', status: 404, id: '%2e' },
  { path: '/api/memories/m;x=1', status: 404, id: 'm;x=1' },
  { path: '/api/memories/canary', status: 404, id: 'canary' },
]

describe('what is decided on is what the cluster is asked', () => {
  test.each(SPELLINGS)('$path: $status', async ({ path, status, id }) => {
    const token = await gateway.token()
    const { statuses } = await sendRaw(gateway.url, rawRequest(`DELETE ${path}`, [`Authorization: Bearer ${token}`]))
    expect(statuses).toEqual([status])
    // A first look at the container alone, and then the one that names the memory.
    const asked = askedFor()
    expect(new Set(asked)).toEqual(new Set(id === undefined ? [] : [id]))
    expect(await memories.hasMemory('working', 'm')).toBe(true)
  })

  test.each([
    `${MEMORIES}/working/m/`,
    `${MEMORIES}/working/m///`,
    `${MEMORIES}/WORKING/m`,
    `${MEMORIES}/work%69ng/%6d`,
    '/_plugins/_ml/memory_containers/%63/memories/working/m?pretty',
    '/api/memories/m/',
    '/api/memories/%6D?x=1',
  ])('%s is m, for the cluster’s own routes too', async (path) => {
    const token = await gateway.token()
    const { statuses } = await sendRaw(gateway.url, rawRequest(`DELETE ${path}`, [`Authorization: Bearer ${token}`]))
    expect(statuses).toEqual([200])
    expect(await memories.hasMemory('working', 'm')).toBe(false)
    await memories.putMemory('working', 'm', { memory_container_id: 'c', owner_id: 'alice' })
  })
})

/** Ways to a memory index, or around the gateway's decision, through the cluster's own API. */
const INDEX_SPELLINGS: readonly (readonly [method: string, target: string, body?: string])[] = [
  ['DELETE', `/${working}/_doc/canary`],
  ['GET', `/${working}/_doc/canary`],
  ['DELETE', `/${working}`],
  ['DELETE', `/${working.replace('-', '%2D')}/_doc/canary`],
  ['DELETE', `/${prefix}-memory-work%69ng/_doc/canary`],
  ['DELETE', `/${prefix}*/_doc/canary`],
  ['GET', `/other%2C${working}/_search`],
  ['GET', `/o*,${prefix}-m*/_search`],
  ['GET', '/_all/_search'],
  ['GET', '/*/_search'],
  ['GET', '/*,-other/_search'],
  ['GET', '/_search'],
  ['GET', `/_search?index=${working}`],
  ['GET', `/_search?x=1;index=${working}`],
  ['DELETE', `/<${working}>/_doc/canary`],
  ['DELETE', `/%3C${working}%3E/_doc/canary`],
  ['DELETE', `/%3C${prefix}-memory-%7Bnow%2Fd%7B'working'%7D%7D%3E/_doc/canary`],
  ['DELETE', `/${working}/_doc/canary#x`],
  ['DELETE', `/${working};x=1/_doc/canary`],
  ['POST', '/_bulk', `{"delete":{"_index":"${working}","_id":"canary"}}\n`],
  ['POST', `/other/_bulk`, `{"delete":{"_ind\\u0065x":"${working}","_id":"canary"}}\n`],
  ['POST', '/_mget', `{"docs":[{"_index":"${working}","_id":"canary"}]}`],
  ['POST', '/_msearch', '{"index":[]}\n{}\n'],
  ['POST', '/other/_msearch', '{"index":""}\n{}\n'],
  ['POST', `/${working}/_delete_by_query`, '{"query":{"match_all":{}}}'],
  ['POST', `/${working}/_update/canary`, '{"doc":{"owner_id":"alice"}}'],
  ['POST', '/_reindex', `{"source":{"index":"${working}"},"dest":{"index":"other"}}`],
  ['POST', '/_aliases', `{"actions":[{"add":{"index":"${working}","alias":"other"}}]}`],
  ['POST', '/_plugins/_sql', `{"query":"select * from \`${working}\`"}`],
  ['POST', '/_plugins/_ppl', `{"query":"source=${working}"}`],
  ['POST', '/_search/scroll', '{"scroll_id":"x"}'],
  ['GET', '/_cat/indices'],
  ['GET', '/_tasks?detailed'],
  ['PUT', '/_snapshot/x/y'],
  ['GET', `/${containerIndex}/_doc/of-bob`],
  ['PUT', `/${containerIndex}/_doc/of-bob`, '{"owner":{"name":"alice"}}'],
  ['GET', '/.plugins-ml-am-memory-container/_search'],
  ['POST', '/_plugins/_ml/memory_containers/_create', '{}'],
  ['GET', '/_plugins/_ml/memory_containers/_search'],
  ['GET', '/_plugins/_security/api/internalusers'],
  ['GET', '/_nodes'],
  ['HEAD', '/'],
  ['OPTIONS', '/'],
  ['TRACE', '/'],
  ['PATCH', `/${working}/_doc/canary`],
]

/** With opensearch:read these two go through: they name no index. */
const OPEN_TO_READERS = ['POST /_search/scroll', 'HEAD /']

/** What the cluster was asked, but for the gateway's own look at the names of its indices. */
function asked(): readonly unknown[] {
  return proxy.requests.filter(({ target }) => !target.startsWith('/_resolve/index/'))
}

describe('pass-through is closed to everybody without a scope for it', () => {
  const ofMemories = ['memory:read', 'memory:write', 'memory:delete', 'memory:delete:any', 'memory:delete:container']

  test.each(INDEX_SPELLINGS)('%s %s', async (method, target, body = '') => {
    const isOpen = OPEN_TO_READERS.includes(`${method} ${target}`)
    for (const scopes of [ofMemories, ...(isOpen ? [] : [[...ofMemories, 'opensearch:read', 'opensearch:write']])]) {
      const token = await gateway.token({ scopes })
      const headers = [
        `Authorization: Bearer ${token}`,
        'Content-Type: application/json',
        `Content-Length: ${String(body.length)}`,
        'X-Original-URL: /api/memories/m',
        'X-HTTP-Method-Override: GET',
      ]
      const { statuses, bodies, text } = await sendRaw(gateway.url, rawRequest(`${method} ${target}`, headers, body))
      expect(statuses).toEqual([403])
      expect(text).toMatch(
        /^www-authenticate: Bearer realm="[^"]+", error="insufficient_scope", .*scope="opensearch:\w+"\r$/m,
      )
      if (method !== 'HEAD') {
        expect(JSON.parse(bodies[0] ?? '')).toMatchObject({ error: { type: 'security_exception' }, status: 403 })
      }
      expect(asked()).toEqual([])
    }
  })

  test('nobody gets there without a token, whatever the path', async () => {
    for (const [method, target] of INDEX_SPELLINGS) {
      const { statuses } = await sendRaw(gateway.url, rawRequest(`${method} ${target}`, ['Content-Length: 0']))
      expect({ method, target, statuses }).toEqual({ method, target, statuses: [401] })
    }
    expect(proxy.requests).toEqual([])
  })
})
