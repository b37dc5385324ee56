import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { plainCluster } from '../support/clusters.ts'
import { deleteIn, DIALECTS, errorBody } from '../support/dialects.ts'
import type { DialectName } from '../support/dialects.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'

const memories = testMemories(plainCluster().url)
const { prefix, containerIndex } = memories
const otherPrefix = `${prefix}-other`
const inPrefix = memories.indexOf('working')
const inOther = `${otherPrefix}-memory-working`
const inSystem = `.plugins-ml-am-${prefix}-memory-working`
const gateways: TestGateway[] = []

beforeAll(async () => {
  // Nothing written here is ever refreshed: what a gateway obeys, it has read in real time.
  const settings = { index: { refresh_interval: '-1', number_of_replicas: 0 } }
  for (const index of [containerIndex, inPrefix, inOther, inSystem])
    await memories.ask('PUT', `/${index}`, { settings })
  const options = {
    cluster: { nodes: [plainCluster().url] },
    memory: { containerIndex },
    legacy: { types: ['working', 'sessions'] },
  } satisfies Parameters<typeof startTestGateway>[0]
  gateways.push(await startTestGateway(options), await startTestGateway(options))
})
afterAll(async () => {
  for (const gateway of gateways) await gateway.close()
  for (const index of [inOther, inSystem]) await memories.ask('DELETE', `/${index}`)
  await memories.removeAll()
})

interface Stored {
  readonly owner?: string
  readonly configuration?: Readonly<Record<string, unknown>>
}

async function storeContainer(id: string, { owner = 'alice', configuration = {} }: Stored = {}): Promise<void> {
  const { status } = await memories.ask('PUT', `/${containerIndex}/_doc/${id}`, {
    name: id,
    owner: { name: owner },
    configuration: { index_prefix: prefix, use_system_index: false, disable_session: false, ...configuration },
  })
  expect([200, 201]).toContain(status)
}

async function storeMemory(index: string, id: string, container: string): Promise<void> {
  const source = { memory_container_id: container, owner_id: 'alice' }
  const { status } = await memories.ask('PUT', `/${index}/_doc/${id}`, source)
  expect(status).toBe(201)
}

async function isThere(index: string, id: string): Promise<boolean> {
  return (await memories.ask('GET', `/${index}/_doc/${id}`)).status === 200
}

/** What a search shows of a container: nothing, or what it was at some refresh. */
async function searchableConfigurations(container: string): Promise<unknown[]> {
  const query = { query: { ids: { values: [container] } } }
  const { body } = await memories.ask('POST', `/${containerIndex}/_search`, query)
  const { hits } = body as { hits: { hits: { _source: { configuration: unknown } }[] } }
  return hits.hits.map(({ _source }) => _source.configuration)
}

interface Scene {
  readonly dialect: DialectName
  readonly container: string
  /** Asks the first or the second gateway. */
  readonly remove: (gateway: 0 | 1, id: string) => Promise<{ status: number; body: unknown }>
}

/** A container of the plain kind whose configuration both gateways know by a delete that they have made. */
async function knownToBoth(dialect: DialectName, container: string): Promise<Scene> {
  await storeContainer(container)
  const remove: Scene['remove'] = async (position, id) => {
    const gateway = gateways[position]
    if (gateway === undefined) throw new Error('there are two gateways')
    const { status, body } = await deleteIn(dialect, gateway, { container, type: 'working', id })
    return { status, body }
  }
  for (const position of [0, 1] as const) {
    const id = `${container}-known-${String(position)}`
    await storeMemory(inPrefix, id, container)
    expect((await remove(position, id)).status).toBe(200)
  }
  return { dialect, container, remove }
}

const notFound = (dialect: DialectName, reason: string): unknown =>
  errorBody(dialect, 404, { type: 'status_exception', reason, legacy: 'Memory not found' })

describe.each(DIALECTS)('in the dialect %s, at once and through both gateways', (dialect) => {
  const name = (what: string): string => `${dialect.toLowerCase()}-${what}`

  test.each([
    ['another index prefix', { index_prefix: otherPrefix }, inOther],
    ['a system index', { use_system_index: true }, inSystem],
    ['a system index, which is what no flag at all means', { use_system_index: null }, inSystem],
  ])('a container moves to %s', async (_, configuration, movedTo) => {
    const container = name(`moves-${String(Object.values(configuration)[0])}`)
    const { remove } = await knownToBoth(dialect, container)
    for (const id of [`${container}-m0`, `${container}-m1`]) {
      await storeMemory(inPrefix, id, container)
      await storeMemory(movedTo, id, container)
    }

    await storeContainer(container, { configuration })
    expect(await searchableConfigurations(container)).not.toContainEqual(expect.objectContaining(configuration))
    for (const position of [0, 1] as const) {
      const id = `${container}-m${String(position)}`
      expect((await remove(position, id)).status).toBe(200)
      expect(await isThere(movedTo, id)).toBe(false)
      expect(await isThere(inPrefix, id)).toBe(true)
    }
  })

  test('a container switches its sessions off, and on again', async () => {
    const container = name('sessions')
    await knownToBoth(dialect, container)
    const session = `${container}-s`
    await storeMemory(memories.indexOf('sessions'), session, container)
    const ask = async (position: 0 | 1): Promise<unknown> => {
      const gateway = gateways[position]
      if (gateway === undefined) throw new Error('there are two gateways')
      const { status, body } = await deleteIn(dialect, gateway, { container, type: 'sessions', id: session })
      return { status, body }
    }
    await storeContainer(container, { configuration: { disable_session: true } })
    for (const position of [0, 1] as const) {
      expect(await ask(position)).toEqual({ status: 404, body: notFound(dialect, 'Memory index not found') })
    }
    expect(await isThere(memories.indexOf('sessions'), session)).toBe(true)

    await storeContainer(container, { configuration: { disable_session: false } })
    expect(await ask(0)).toMatchObject({ status: 200 })
    expect(await ask(1)).toEqual({ status: 404, body: notFound(dialect, 'Memory not found') })
  })

  test('a container gets another owner, and the first one back', async () => {
    const container = name('owners')
    const { remove } = await knownToBoth(dialect, container)
    const id = `${container}-m`
    await storeMemory(inPrefix, id, container)
    await storeContainer(container, { owner: 'bob' })
    const refused = {
      status: 403,
      body: errorBody(dialect, 403, {
        type: 'status_exception',
        reason: "User doesn't have permissions to delete memories in this container",
        legacy: 'Forbidden',
      }),
    }
    for (const position of [0, 1] as const) expect(await remove(position, id)).toEqual(refused)
    expect(await isThere(inPrefix, id)).toBe(true)
    await storeContainer(container, { owner: 'alice' })
    expect((await remove(1, id)).status).toBe(200)
  })

  test('a container is deleted, and made again for somebody else in other indices', async () => {
    const container = name('again')
    const { remove } = await knownToBoth(dialect, container)
    const id = `${container}-m`
    await storeMemory(inPrefix, id, container)
    await storeMemory(inOther, id, container)
    await memories.ask('DELETE', `/${containerIndex}/_doc/${container}`)
    for (const position of [0, 1] as const) {
      expect(await remove(position, id)).toEqual({
        status: 404,
        body: notFound(dialect, 'Memory container not found'),
      })
    }
    await storeContainer(container, { owner: 'bob', configuration: { index_prefix: otherPrefix } })
    for (const position of [0, 1] as const) expect((await remove(position, id)).status).toBe(403)
    await storeContainer(container, { configuration: { index_prefix: otherPrefix } })
    expect((await remove(0, id)).status).toBe(200)
    expect(await isThere(inOther, id)).toBe(false)
    expect(await isThere(inPrefix, id)).toBe(true)
  })
})
