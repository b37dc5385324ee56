import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import type { TestGateway } from '../support/gateway.ts'
import { LEGACY_UNKNOWN_PATHS } from '../vectors/legacy-requests.ts'
import { ask } from './ask.ts'
import { bearer, DELETED, inShort, openLegacyWorld, words } from './legacy-world.ts'
import type { LegacyWorld } from './legacy-world.ts'

let world: LegacyWorld
beforeAll(async () => {
  world = await openLegacyWorld()
})
afterAll(() => world.close())

const NOT_FOUND = words(404, 'Memory not found')

async function removeAt(gateway: TestGateway, id: string, token: string): Promise<object> {
  return inShort(await ask(gateway.url, { method: 'DELETE', target: `/api/memories/${id}`, headers: bearer(token) }))
}

describe('a memory is looked for', () => {
  test('in all types, in the configured order: the first that has it counts', async () => {
    const types = ['long-term', 'working', 'sessions', 'history'] as const
    for (const type of types) await world.putOwn(type, 'everywhere')
    for (const [position, type] of types.entries()) {
      expect(await world.remove('everywhere')).toEqual(DELETED)
      expect(await world.memories.hasMemory(type, 'everywhere')).toBe(false)
      for (const later of types.slice(position + 1)) {
        expect(await world.memories.hasMemory(later, 'everywhere')).toBe(true)
      }
    }
    expect(await world.remove('everywhere')).toEqual(NOT_FOUND)
  })

  test('in one round trip for all types, and one more to delete it', async () => {
    await world.putOwn('history', 'first')
    await world.putOwn('history', 'counted')
    await world.remove('first')
    // The container was seen before, so nothing has to be learnt.
    const before = world.proxy.seen.length
    expect(await world.remove('counted')).toEqual(DELETED)
    expect(world.proxy.seen.slice(before).filter((line) => line.startsWith('POST'))).toEqual([
      'POST /_mget',
      'POST /_bulk',
    ])
  })

  test('with one round trip more where the container is seen for the first time', async () => {
    await world.memories.putContainer('fresh', { owner: { name: 'alice' } })
    await world.memories.putMemory('history', 'of-fresh', { memory_container_id: 'fresh', owner_id: 'alice' })
    const before = world.proxy.seen.length
    expect(await world.remove('of-fresh', await world.gateway.token({ extra: { memory_container: 'fresh' } }))).toEqual(
      DELETED,
    )
    const posts = world.proxy.seen.slice(before).filter((line) => line.startsWith('POST'))
    expect(posts).toEqual(['POST /_mget', 'POST /_mget', 'POST /_bulk'])
  })

  test('past memories of other containers, of whatever type, and those of nobody', async () => {
    await world.memories.putMemory('long-term', 'shared-id', { memory_container_id: 'bobs', owner_id: 'alice' })
    await world.memories.putMemory('sessions', 'shared-id', { owner_id: 'alice' })
    await world.putOwn('history', 'shared-id')
    expect(await world.remove('shared-id')).toEqual(DELETED)
    expect(await world.memories.hasMemory('history', 'shared-id')).toBe(false)
    expect(await world.remove('shared-id')).toEqual(NOT_FOUND)
    expect(await world.memories.hasMemory('long-term', 'shared-id')).toBe(true)
    expect(await world.memories.hasMemory('sessions', 'shared-id')).toBe(true)
  })

  test("until one of the container is found: somebody else's in front is not skipped", async () => {
    await world.memories.putMemory('long-term', 'in-front', { memory_container_id: 'alices', owner_id: 'bob' })
    await world.putOwn('history', 'in-front')
    expect(await world.remove('in-front')).toEqual(words(403, 'Forbidden'))
    expect(await world.memories.hasMemory('history', 'in-front')).toBe(true)
  })

  test('not in types that the container has switched off', async () => {
    const configuration = { disable_session: true, disable_history: true }
    await world.memories.putContainer('narrow', { owner: { name: 'alice' }, configuration })
    const token = await world.gateway.token({ extra: { memory_container: 'narrow' } })
    for (const type of ['sessions', 'history'] as const) {
      await world.memories.putMemory(type, 'off', { memory_container_id: 'narrow', owner_id: 'alice' })
    }
    expect(await world.remove('off', token)).toEqual(NOT_FOUND)
    expect(await world.memories.hasMemory('sessions', 'off')).toBe(true)
    expect(await world.memories.hasMemory('history', 'off')).toBe(true)
  })

  test('not in types whose index was never made, which is no failure', async () => {
    const configuration = { index_prefix: `${world.memories.prefix}-none` }
    await world.memories.putContainer('empty', { owner: { name: 'alice' }, configuration })
    expect(await world.remove('x', await world.gateway.token({ extra: { memory_container: 'empty' } }))).toEqual(
      NOT_FOUND,
    )
  })

  test('in the container of the token before the configured one', async () => {
    await world.memories.putMemory('working', 'two-homes', { memory_container_id: 'bobs', owner_id: 'bob' })
    const bob = await world.gateway.token({ subject: 'bob', extra: { memory_container: 'bobs' } })
    expect(await world.remove('two-homes', bob)).toEqual(DELETED)
    expect(await world.memories.hasMemory('working', 'two-homes')).toBe(false)
  })

  test('in a container that there is not: not found', async () => {
    expect(await world.remove('x', await world.gateway.token({ extra: { memory_container: 'no-such' } }))).toEqual(
      NOT_FOUND,
    )
  })

  test('in another order, and only in some types, where the operator says so', async () => {
    const narrow = await world.start({ legacy: { container: 'alices', types: ['history', 'working'] } })
    try {
      const token = await narrow.token()
      for (const type of ['long-term', 'working', 'history'] as const) await world.putOwn(type, 'ordered')
      expect(await removeAt(narrow, 'ordered', token)).toEqual(DELETED)
      expect(await world.memories.hasMemory('history', 'ordered')).toBe(false)
      expect(await world.memories.hasMemory('working', 'ordered')).toBe(true)
      expect(await removeAt(narrow, 'ordered', token)).toEqual(DELETED)
      expect(await removeAt(narrow, 'ordered', token)).toEqual(NOT_FOUND)
      expect(await world.memories.hasMemory('long-term', 'ordered')).toBe(true)
    } finally {
      await narrow.close()
    }
  })

  test('nowhere, where neither the token nor the configuration names a container', async () => {
    const strict = await world.start({})
    try {
      await world.putOwn('working', 'homeless')
      expect(await removeAt(strict, 'homeless', await strict.token())).toEqual(words(403, 'Forbidden'))
      const withNull = await strict.token({ extra: { memory_container: null } })
      expect(await removeAt(strict, 'homeless', withNull)).toEqual(words(403, 'Forbidden'))
      // A claim that is there and no name makes the token one that cannot be understood.
      for (const claim of ['', 7, ['alices'], { id: 'alices' }]) {
        const answer = await removeAt(strict, 'homeless', await strict.token({ extra: { memory_container: claim } }))
        expect({ claim, answer }).toEqual({ claim, answer: words(401, 'Unauthorized') })
      }
      expect(await world.memories.hasMemory('working', 'homeless')).toBe(true)
    } finally {
      await strict.close()
    }
  })
})

describe('legacy.missing: 200', () => {
  let idempotent: TestGateway
  let token: string
  beforeAll(async () => {
    idempotent = await world.start({ legacy: { container: 'alices', missing: 200 } })
    token = await idempotent.token()
  })
  afterAll(() => idempotent.close())

  test('a memory is deleted, and deleted again', async () => {
    await world.putOwn('working', 'twice')
    expect(await removeAt(idempotent, 'twice', token)).toEqual(DELETED)
    expect(await world.memories.hasMemory('working', 'twice')).toBe(false)
    expect(await removeAt(idempotent, 'twice', token)).toEqual(DELETED)
  })

  test('a memory of another container counts as missing, and stays', async () => {
    await world.memories.putMemory('working', 'foreign', { memory_container_id: 'bobs', owner_id: 'alice' })
    expect(await removeAt(idempotent, 'foreign', token)).toEqual(DELETED)
    expect(await world.memories.hasMemory('working', 'foreign')).toBe(true)
  })

  test('a memory of somebody else is still forbidden', async () => {
    await world.memories.putMemory('working', 'bobs-own', { memory_container_id: 'alices', owner_id: 'bob' })
    expect(await removeAt(idempotent, 'bobs-own', token)).toEqual(words(403, 'Forbidden'))
    expect(await world.memories.hasMemory('working', 'bobs-own')).toBe(true)
  })

  test('an id that is none is still refused', async () => {
    expect(await removeAt(idempotent, '%20', token)).toEqual(words(400, 'Memory ID is required'))
    for (const { method, target } of LEGACY_UNKNOWN_PATHS) {
      const answer = await ask(idempotent.url, { method, target, headers: bearer(token) })
      expect(inShort(answer)).toEqual(words(404, 'Not found'))
    }
  })
})
