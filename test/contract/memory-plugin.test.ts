import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import request from 'supertest'

import {
  LEGACY_BAD_REQUESTS,
  LEGACY_IDS,
  LEGACY_UNKNOWN_PATHS,
  LEGACY_WRONG_METHODS,
} from '../vectors/legacy-requests.ts'
import { DELETED, inShort, JSON_TYPE, openLegacyWorld, words } from './legacy-world.ts'
import type { LegacyWorld } from './legacy-world.ts'

let world: LegacyWorld
beforeAll(async () => {
  world = await openLegacyWorld()
})
afterAll(() => world.close())

const removal = (token?: string): request.Test => {
  const asked = request(world.gateway.url).delete('/api/memories/x')
  return token === undefined ? asked : asked.auth(token, { type: 'bearer' })
}

describe('an id', () => {
  test.each(LEGACY_IDS)('$name names exactly that memory', async ({ id, segment }) => {
    await world.putOwn('working', id)
    expect(await world.remove(segment)).toEqual(DELETED)
    expect(await world.memories.hasMemory('working', id)).toBe(false)
    expect(await world.remove(segment)).toEqual(words(404, 'Memory not found'))
  })

  test.each(LEGACY_BAD_REQUESTS)('$name: 400 $error', async ({ error, ...one }) => {
    const before = world.proxy.count('POST /_mget')
    expect(inShort(await world.ask(one))).toEqual(words(400, error))
    expect(world.proxy.count('POST /_mget')).toBe(before)
  })

  test('with a query behind it: no parameter means anything', async () => {
    await world.putOwn('working', 'queried')
    expect(await world.remove('queried?pretty&format=yaml&filter_path=nothing&refresh=no&foo=1&foo=2')).toEqual(DELETED)
  })

  test('with an Accept header: the answer is JSON', async () => {
    await world.putOwn('working', 'accepted')
    const headers = { authorization: `Bearer ${world.token}`, accept: 'application/yaml' }
    expect(inShort(await world.ask({ method: 'DELETE', target: '/api/memories/accepted' }, headers))).toEqual(DELETED)
  })

  test('with a slash at the end, and with a body that nobody reads', async () => {
    await world.putOwn('working', 'with-body')
    const answer = await request(world.gateway.url)
      .delete('/api/memories/with-body/')
      .auth(world.token, { type: 'bearer' })
      .send({ memoryIds: ['other'] })
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 200, text: '{"message":"Memory deleted"}' })
    expect(answer.headers).toMatchObject({ 'content-type': JSON_TYPE, 'content-length': '28', vary: 'Origin' })
    // What the cluster says of itself is for its own dialect.
    expect(answer.headers).not.toHaveProperty('x-opensearch-version')
  })
})

describe('a request without a right to be answered', () => {
  test('has no token: 401, and is told how to send one', async () => {
    const answer = await removal()
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 401, text: '{"error":"Unauthorized"}' })
    expect(answer.headers).toMatchObject({
      'content-type': JSON_TYPE,
      'www-authenticate': 'Bearer realm="opensearch-memory-gateway"',
    })
  })

  test('has a token that is out of time: 401, and is told so', async () => {
    const answer = await removal(await world.gateway.token({ ttlMs: -600_000 }))
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 401, text: '{"error":"Unauthorized"}' })
    expect(answer.headers['www-authenticate']).toMatch(
      /^Bearer realm="opensearch-memory-gateway", error="invalid_token", error_description="[^"\\]+"$/,
    )
  })

  test('has another scheme than Bearer: 401', async () => {
    const answer = await removal().auth('alice', 'secret')
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 401, text: '{"error":"Unauthorized"}' })
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer realm="opensearch-memory-gateway"/)
  })

  test('lacks the scope: 403, and is told which', async () => {
    await world.putOwn('working', 'x')
    const answer = await removal(await world.gateway.token({ scopes: ['memory:read'] }))
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 403, text: '{"error":"Forbidden"}' })
    expect(answer.headers['content-type']).toBe(JSON_TYPE)
    expect(answer.headers['www-authenticate']).toMatch(/error="insufficient_scope".*scope="memory:delete"$/)
    expect(await world.memories.hasMemory('working', 'x')).toBe(true)
  })

  test('comes from somebody who is not admitted to the container: 403, whether the memory exists or not', async () => {
    await world.putOwn('working', 'not-admitted')
    const bob = await world.gateway.token({ subject: 'bob' })
    for (const id of ['not-admitted', 'never-was']) expect(await world.remove(id, bob)).toEqual(words(403, 'Forbidden'))
    expect(await world.memories.hasMemory('working', 'not-admitted')).toBe(true)
  })

  test.each([
    ['is somebody else', { memory_container_id: 'alices', owner_id: 'bob' }],
    ['is nobody', { memory_container_id: 'alices' }],
    ['is a list', { memory_container_id: 'alices', owner_id: ['alice', 'bob'] }],
  ])('names a memory whose owner %s: 403', async (_, source) => {
    await world.memories.putMemory('working', 'not-owned', source)
    expect(await world.remove('not-owned')).toEqual(words(403, 'Forbidden'))
    expect(await world.memories.hasMemory('working', 'not-owned')).toBe(true)
  })

  test.each(LEGACY_WRONG_METHODS)('$name: 405, Allow: DELETE', async (one) => {
    const answer = await world.ask(one)
    const body = one.method === 'HEAD' ? '' : '{"error":"Method not allowed"}'
    expect(inShort(answer)).toEqual({ status: 405, type: JSON_TYPE, body })
    expect(answer.headers.allow).toBe('DELETE')
  })

  test.each(LEGACY_WRONG_METHODS)('$name without a token: 401 before 405', async (one) => {
    const answer = await world.ask(one, {})
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="opensearch-memory-gateway"')
    expect(answer.headers.allow).toBeUndefined()
  })

  test.each(LEGACY_UNKNOWN_PATHS)('$name: 404', async (one) => {
    expect(inShort(await world.ask(one))).toEqual(words(404, 'Not found'))
  })
})
