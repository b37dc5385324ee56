import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { plainCluster } from '../support/clusters.ts'
import { deleteIn, DIALECTS, errorBody } from '../support/dialects.ts'
import { bulk, multiGet, startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'

const memories = testMemories(plainCluster().url)
const { containerIndex, prefix } = memories
let proxy: FaultProxy
let gateway: TestGateway

beforeAll(async () => {
  // As a stranger's document may be: not every value here fits the mapping that another made.
  await memories.ask('PUT', `/${containerIndex}`, { mappings: { dynamic: false } })
  proxy = await startFaultProxy(plainCluster().url)
  gateway = await startTestGateway({ cluster: { nodes: [proxy.url] }, memory: { containerIndex } })
  proxy.reset()
})
afterEach(() => proxy.reset())
afterAll(async () => {
  await gateway.close()
  await proxy.close()
  await memories.removeAll()
})

const REFUSED = {
  type: 'bad_gateway_exception',
  reason: 'The configuration of this memory container names no index that can be used safely',
}

interface Row {
  readonly what: string
  readonly configuration: unknown
  /** Beside `configuration`. */
  readonly document?: Readonly<Record<string, unknown>>
}

const canary = `${prefix}-canary`
const ok = { index_prefix: prefix, use_system_index: false, disable_session: false, disable_history: false }

const PREFIXES: readonly (readonly [what: string, indexPrefix: unknown])[] = [
  ['date math', `<${canary}>`],
  ['date math that spells the name out', `<${canary}-{now/d{'yyyy'}}>`],
  ['half of a date math', `<${canary}`],
  ['a wildcard', '*'],
  ['a wildcard at the end', `${canary}*`],
  ['a question mark', `${canary}?`],
  ['a list', `${canary},${canary}-2`],
  ['a list after a comma', `,${canary}`],
  ['an exclusion', `-${canary}`],
  ['a leading underscore', `_all,${canary}`],
  ['a leading plus', `+${canary}`],
  ['a remote cluster', `other:${canary}`],
  ['a slash', `${canary}/_doc`],
  ['an encoded slash', `${canary}/..%2f`],
  ['a backslash', `${canary}\\x`],
  ['a hash', `${canary}#x`],
  ['a quotation mark', `${canary}"x`],
  ['a pipe', `${canary}|x`],
  ['a space', `${canary} x`],
  ['a line break, as in a second line of a bulk', `${canary}"}}\n{"delete":{"_index":"${canary}`],
  ['a NUL', `${canary}\0x`],
  ['a zero-width space', `${canary}\u200bx`],
  ['a no-break space', `${canary}\u00a0x`],
  ['half of an emoji', `${canary}\ud83d`],
  ['upper case', canary.toUpperCase()],
  ['upper case beyond ASCII', `${canary}É`],
  ['256 bytes', 'x'.repeat(256 - '-memory-working'.length)],
  ['256 bytes in fewer characters', 'é'.repeat((256 - '-memory-working'.length + 1) / 2)],
  ['nothing', ''],
  ['null', null],
  ['a number', 7],
  ['a list of names', [canary]],
  ['an object', { name: canary }],
  ['a truth', true],
]

const ROWS: readonly Row[] = [
  ...PREFIXES.map(([what, indexPrefix]) => ({
    what: `index_prefix is ${what}`,
    configuration: { ...ok, index_prefix: indexPrefix },
  })),
  { what: 'there is no index_prefix', configuration: { ...ok, index_prefix: undefined } },
  { what: 'there is no configuration', configuration: undefined },
  { what: 'the configuration is null', configuration: null },
  { what: 'the configuration is a list', configuration: [ok] },
  { what: 'the configuration is a text', configuration: JSON.stringify(ok) },
  { what: 'use_system_index is a text', configuration: { ...ok, use_system_index: 'false' } },
  { what: 'use_system_index is a number', configuration: { ...ok, use_system_index: 0 } },
  { what: 'disable_session is a text', configuration: { ...ok, disable_session: 'false' } },
  { what: 'disable_history is a list', configuration: { ...ok, disable_history: [false] } },
  { what: 'the memories are in a remote store', configuration: { ...ok, remote_store: { type: 'aoss', endpoint: 'x' } } },
  { what: 'a remote store has an id', configuration: { ...ok, remote_store_id: 'x' } },
  { what: 'it has an endpoint', configuration: { ...ok, endpoint: 'https://elsewhere.test' } },
  { what: 'it belongs to a tenant', configuration: ok, document: { tenant_id: 'acme' } },
  { what: 'its configuration belongs to a tenant', configuration: { ...ok, tenant_id: 'acme' } },
] // prettier-ignore

async function store(id: string, { configuration, document = {} }: Row): Promise<void> {
  const source = { name: id, owner: { name: 'alice' }, ...document, configuration }
  const { status } = await memories.ask('PUT', `/${containerIndex}/_doc/${id}`, source)
  expect(status).toBe(201)
}

test.each(ROWS)('a container is refused where $what, and nothing with such a name is sent', async (row) => {
  const id = `u${String(ROWS.indexOf(row))}`
  await store(id, row)
  const working = { container: id, type: 'working' as const, id: 'm' }
  for (const dialect of DIALECTS) {
    const { status, body } = await deleteIn(dialect, gateway, working)
    expect({ status, body }).toEqual({ status: 502, body: errorBody(dialect, 502, REFUSED) })
  }
  // Every request to the cluster was one look at the container's document alone.
  const bodies = proxy.requests.map(({ method, target, body }) => [method, target, JSON.parse(body) as unknown])
  const look = { docs: [{ _index: containerIndex, _id: id, _source: expect.anything() }] }
  for (const [method, target, body] of bodies) expect([method, target, body]).toEqual(['POST', '/_mget', look])
  expect(bodies.length).toBeGreaterThan(0)
  const told = gateway.logLines.filter((line) => line.includes('check its document'))
  expect(told.length).toBeGreaterThan(0)
})

describe('what a good container names', () => {
  test('255 bytes are an index name still', async () => {
    const long = prefix.padEnd(255 - '-memory-working'.length, 'x')
    await store('long', { what: '', configuration: { ...ok, index_prefix: long } })
    const index = `${long}-memory-working`
    await memories.ask('PUT', `/${index}/_doc/m`, { memory_container_id: 'long', owner_id: 'alice' })
    const answer = await deleteIn('opensearch', gateway, { container: 'long', type: 'working', id: 'm' })
    await memories.ask('DELETE', `/${index}`)
    expect({ status: answer.status, body: answer.body }).toMatchObject({ status: 200, body: { _index: index } })
  })

  test('is all that the cluster is asked for, by names and an id that stand in bodies and never in a path', async () => {
    await store('plain', { what: '', configuration: ok })
    await memories.putMemory('working', 'm', { memory_container_id: 'plain', owner_id: 'alice' })
    proxy.reset()
    const answer = await deleteIn('opensearch', gateway, { container: 'plain', type: 'working', id: 'm' })
    expect(answer.status).toBe(200)
    expect(proxy.requests.filter(multiGet).map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      { docs: [{ _index: containerIndex, _id: 'plain', _source: expect.anything() }] },
      {
        docs: [
          { _index: containerIndex, _id: 'plain', _source: expect.anything() },
          { _index: memories.indexOf('working'), _id: 'm', _source: ['memory_container_id', 'owner_id'] },
        ],
      },
    ])
    expect(proxy.requests.filter(bulk)).toHaveLength(1)
    expect(proxy.requests).toHaveLength(3)
  })

  test('costs two round trips once it is known', async () => {
    await memories.putMemory('working', 'm2', { memory_container_id: 'plain', owner_id: 'alice' })
    const answer = await deleteIn('opensearch', gateway, { container: 'plain', type: 'working', id: 'm2' })
    expect(answer.status).toBe(200)
    expect(proxy.requests.map(({ target }) => target.split('?')[0])).toEqual(['/_mget', '/_bulk'])
  })
})
