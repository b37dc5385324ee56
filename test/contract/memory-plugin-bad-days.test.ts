import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { ask } from './ask.ts'
import { startCountingProxy } from './counting-proxy.ts'
import { bearer, inShort, openLegacyWorld, words } from './legacy-world.ts'
import type { LegacyWorld } from './legacy-world.ts'

let world: LegacyWorld
beforeAll(async () => {
  world = await openLegacyWorld()
})
afterEach(() => world.proxy.intercept(() => 'pass'))
afterAll(() => world.close())

const REFUSED = 'The cluster refused the credentials of the gateway'

describe('the legacy API says what went wrong in its own words', () => {
  test.each([
    ['is busy', { status: 429, body: { error: { type: 'rejected_execution_exception' } } }, 429, 'Too many requests'],
    ['refuses the gateway', { status: 403, body: { error: { type: 'security_exception' } } }, 502, REFUSED],
    ['does not know the gateway', { status: 401, body: {} }, 502, REFUSED],
    ['is not there behind its balancer', { status: 503, body: {} }, 502, 'The cluster cannot be reached'],
    [
      'talks nonsense',
      { status: 200, body: { docs: 'none' } },
      502,
      'The cluster gave an answer that the gateway does not understand',
    ],
  ])('when the cluster %s', async (_, answer, status, error) => {
    world.proxy.intercept((line) => (line === 'POST /_mget' ? answer : 'pass'))
    const received = await world.ask({ method: 'DELETE', target: '/api/memories/x' })
    expect(inShort(received)).toEqual(words(status, error))
    expect(received.headers['retry-after']).toBe(status === 429 ? '1' : undefined)
    expect(received.headers['www-authenticate']).toBeUndefined()
  })

  test('when the cluster is silent: 504 at the deadline', async () => {
    const hasty = await world.start({ legacy: { container: 'alices' }, limits: { deadline: '300ms' } })
    try {
      world.proxy.intercept((line) => (line === 'POST /_mget' ? 'silence' : 'pass'))
      const headers = bearer(await hasty.token())
      const answer = await ask(hasty.url, { method: 'DELETE', target: '/api/memories/x', headers })
      expect(inShort(answer)).toEqual(words(504, 'The cluster did not answer in time'))
    } finally {
      await hasty.close()
    }
  })

  test('when the cluster takes the delete and does not say what came of it: 504, and never "deleted"', async () => {
    const hasty = await world.start({ legacy: { container: 'alices' }, limits: { deadline: '500ms' } })
    try {
      await world.putOwn('working', 'unconfirmed')
      world.proxy.intercept((line) => (line === 'POST /_bulk' ? 'silence' : 'pass'))
      const headers = bearer(await hasty.token())
      const answer = await ask(hasty.url, { method: 'DELETE', target: '/api/memories/unconfirmed', headers })
      const error = 'The cluster did not confirm the delete in time: whether the memory was deleted is unknown'
      expect(inShort(answer)).toEqual(words(504, error))
    } finally {
      await hasty.close()
    }
  })

  test('when the key server is down: 503, never 401', async () => {
    const nobody = await startCountingProxy('http://127.0.0.1:9')
    await nobody.close()
    const other = { issuer: 'https://other.test', audience: 'x', algorithms: ['ES256' as const], namePrefix: 'other:' }
    const withOther = await world.start({ moreIssuers: [{ ...other, jwks: { uri: `${nobody.url}/keys` } }] })
    try {
      const headers = bearer(unprovenToken({ iss: other.issuer, aud: 'x', sub: 'eve', exp: 4_000_000_000 }))
      const answer = await ask(withOther.url, { method: 'DELETE', target: '/api/memories/x', headers })
      const error = 'The keys to verify this token cannot be fetched at the moment; try again later'
      expect(inShort(answer)).toEqual(words(503, error))
      expect(answer.headers['www-authenticate']).toBeUndefined()
    } finally {
      await withOther.close()
    }
  })
})

/** A token that nothing can be said of before its issuer's keys are there. */
function unprovenToken(claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'ES256', kid: 'k' })}.${part(claims)}.${Buffer.alloc(64, 1).toString('base64url')}`
}
