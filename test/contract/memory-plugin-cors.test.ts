import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import request from 'supertest'

import type { TestGateway } from '../support/gateway.ts'
import { requireDescribed } from './described.ts'
import { openLegacyWorld } from './legacy-world.ts'
import type { LegacyWorld } from './legacy-world.ts'

const APP = 'https://app.example'
const EXTENSION = 'chrome-extension://abcdefghijklmnop'
const STRANGER = 'https://evil.example'
let world: LegacyWorld
let open: TestGateway
let anywhere: TestGateway

beforeAll(async () => {
  world = await openLegacyWorld()
  open = await world.start({ legacy: { container: 'alices', cors: { origins: [APP, EXTENSION] } } })
  anywhere = await world.start({ legacy: { container: 'alices', cors: { origins: ['*'] } } })
})
afterAll(async () => {
  await Promise.all([open.close(), anywhere.close()])
  await world.close()
})

function preflight(gateway: TestGateway, origin: string, target = '/api/memories/x'): request.Test {
  return request(gateway.url)
    .options(target)
    .set({ origin, 'access-control-request-method': 'DELETE', 'access-control-request-headers': 'authorization' })
}

function corsOf(answer: request.Response): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(answer.headers as Readonly<Record<string, unknown>>).filter(([name]) =>
      /^access-control-|^vary$/.test(name),
    ),
  )
}

describe('a preflight', () => {
  test.each([APP, EXTENSION])('from %s, which is allowed, is told what it may send', async (origin) => {
    const answer = await preflight(open, origin)
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 204, text: '' })
    expect(corsOf(answer)).toEqual({
      vary: 'Origin',
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'DELETE',
      'access-control-allow-headers': 'authorization, content-type, idempotency-key, x-request-id',
      'access-control-max-age': '600',
    })
  })

  test.each([
    STRANGER,
    'null',
    'http://app.example',
    'https://app.example:8443',
    'https://app.example.evil.example',
    'https://APP.example',
    `${APP},${STRANGER}`,
  ])('from %s, which is not, is told nothing', async (origin) => {
    const answer = await preflight(open, origin)
    expect({ status: answer.status, text: answer.text, cors: corsOf(answer) }).toEqual({
      status: 204,
      text: '',
      cors: { vary: 'Origin' },
    })
  })

  test('is told nothing by default', async () => {
    const answer = await preflight(world.gateway, APP)
    expect({ status: answer.status, cors: corsOf(answer) }).toEqual({ status: 204, cors: { vary: 'Origin' } })
  })

  test('from anywhere, where the operator says *', async () => {
    const answer = await preflight(anywhere, STRANGER)
    expect(answer.status).toBe(204)
    expect(corsOf(answer)).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'DELETE',
    })
    // The token is sent by hand: cookies are never asked for.
    expect(answer.headers).not.toHaveProperty('access-control-allow-credentials')
  })

  test('reaches neither the cluster nor the check of tokens', async () => {
    await world.putOwn('working', 'x')
    const before = world.proxy.seen.length
    for (const target of ['/api/memories/x', '/api/memories', '/api/memories/']) {
      const answer = await preflight(open, APP, target).auth('no.such.token', { type: 'bearer' })
      expect({ status: answer.status, challenge: answer.headers['www-authenticate'] }).toEqual({
        status: 204,
        challenge: undefined,
      })
    }
    expect(world.proxy.seen.slice(before).filter((line) => !line.startsWith('GET /'))).toEqual([])
    expect(await world.memories.hasMemory('working', 'x')).toBe(true)
  })

  test.each([
    ['without an Origin', { 'access-control-request-method': 'DELETE' }],
    ['without a method', { origin: APP }],
  ])('%s is none: it needs a token, and is told the methods of the path', async (_, headers) => {
    for (const [path, allow] of [
      ['/api/memories/x', 'DELETE'],
      ['/api/memories/bulk-delete', 'DELETE,POST'],
    ] as const) {
      const answer = await request(open.url).options(path).set(headers)
      expect({ status: answer.status, allow: answer.headers['allow'] }).toEqual({ status: 401, allow: undefined })
      const token = await open.token({ scopes: [] })
      const known = await request(open.url).options(path).set(headers).auth(token, { type: 'bearer' })
      expect({ status: known.status, allow: known.headers['allow'], text: known.text }).toEqual({
        status: 204,
        allow,
        text: '',
      })
      requireDescribed({ method: 'OPTIONS', target: path }, known)
    }
  })

  test('of a path with another method is told of both', async () => {
    const answer = await preflight(open, APP, '/api/memories/bulk-delete')
    expect(answer.status).toBe(204)
    expect(answer.headers).toMatchObject({ allow: 'DELETE,POST', 'access-control-allow-methods': 'DELETE, POST' })
  })

  test.each(['/api/memories/x/y', '/_plugins/_ml/memory_containers/alices/memories/working/x', '/_search', '/'])(
    'of %s is no preflight of the legacy API',
    async (target) => {
      const answer = await preflight(anywhere, APP, target)
      expect(answer.status).toBe(401)
    },
  )
})

describe('an answer', () => {
  test('to an allowed origin can be read there, whatever it says', async () => {
    await world.putOwn('working', 'readable')
    const token = await open.token()
    const remove = (id: string): request.Test => request(open.url).delete(`/api/memories/${id}`).set({ origin: APP })
    for (const [answer, status] of [
      [await remove('readable').auth(token, { type: 'bearer' }), 200],
      [await remove('readable').auth(token, { type: 'bearer' }), 404],
      [await remove('%20').auth(token, { type: 'bearer' }), 400],
      [await remove('readable'), 401],
    ] as const) {
      expect(answer.status).toBe(status)
      expect(corsOf(answer)).toEqual({
        vary: 'Origin',
        'access-control-allow-origin': APP,
        'access-control-expose-headers':
          'x-request-id, retry-after, www-authenticate, idempotent-replayed, x-memory-recovered, memory-receipt',
      })
    }
  })

  test('to another origin cannot', async () => {
    const answer = await request(open.url).delete('/api/memories/x').set({ origin: STRANGER })
    expect({ status: answer.status, cors: corsOf(answer) }).toEqual({ status: 401, cors: { vary: 'Origin' } })
  })

  test('in the other dialect says nothing of origins', async () => {
    const target = '/_plugins/_ml/memory_containers/alices/memories/working/x'
    const answer = await request(anywhere.url)
      .delete(target)
      .set({ origin: APP })
      .auth(await anywhere.token(), { type: 'bearer' })
    expect(corsOf(answer)).toEqual({})
  })
})
