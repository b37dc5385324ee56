import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { AuthEvent, KeyCacheOptions } from '../../../src/auth/issuer.ts'
import { createAuthenticator } from '../../../src/auth/verify.ts'
import type { Authenticator } from '../../../src/auth/verify.ts'
import { GatewayError } from '../../../src/core/failure.ts'
import {
  answering,
  endless,
  hangingUp,
  neverAnswering,
  serving,
  stalling,
  startKeyServer,
  until,
} from '../../support/key-server.ts'
import type { KeyServer } from '../../support/key-server.ts'
import { CACHE, issuerOptions, makeKey, makeTokenWorld } from '../../support/token-builder.ts'
import type { TestKey } from '../../support/token-builder.ts'

const START = Date.UTC(2026, 10, 22)
let now = START
const world = makeTokenWorld(() => START)
const { es256: oldKey, retired: newKey } = world.keys
const path = world.main.path
const MINUTE = 60_000

let keyServer: KeyServer
let events: AuthEvent[]
const opened: Authenticator[] = []

beforeEach(async () => {
  now = START
  events = []
  keyServer = await startKeyServer(serving(setOf(oldKey)))
})

afterEach(async () => {
  for (const authenticator of opened.splice(0)) authenticator.close()
  await keyServer.close()
})

const setOf = (...keys: readonly TestKey[]) => ({ [path]: { keys: keys.map(({ jwk }) => jwk) } })
const LONG_LIVED = { exp: START / 1000 + 90 * 86_400 }
const tokenBy = (key: TestKey, kid = key.kid) => world.token({ key, header: { kid }, claims: LONG_LIVED })

function open(cache: Partial<KeyCacheOptions> = {}, clock = () => now): Authenticator {
  const options = issuerOptions(world, world.main, keyServer.origin)
  const issuers = [{ ...options, cache: { ...CACHE, ...cache } }]
  const authenticator = createAuthenticator({
    issuers,
    rememberedTokens: 100,
    now: clock,
    onEvent: (e) => events.push(e),
  })
  opened.push(authenticator)
  return authenticator
}

async function started(cache: Partial<KeyCacheOptions> = {}): Promise<Authenticator> {
  const authenticator = open(cache)
  await authenticator.start()
  return authenticator
}

/** 200, or the failure as its status, its check and its Retry-After. */
async function ask(authenticator: Authenticator, token: string): Promise<unknown> {
  try {
    await authenticator.authenticate([`Bearer ${token}`])
    return 200
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    return error.status === 503 ? [503, error.retryAfterSeconds] : [error.status, error.cause]
  }
}

const UNKNOWN = [401, { check: 'key-unknown' }]
const randomKids = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    world.token({ header: { kid: `random-${now}-${index}` }, signature: Buffer.alloc(64) }),
  )

describe('rotation', () => {
  test('a new key works after one fetch, and not before the cooldown is over', async () => {
    const authenticator = await started()
    keyServer.behave(serving(setOf(oldKey, newKey)))
    expect(await ask(authenticator, tokenBy(newKey))).toEqual(UNKNOWN)
    now += CACHE.cooldownMs - 1
    expect(await ask(authenticator, tokenBy(newKey))).toEqual(UNKNOWN)
    expect(keyServer.requests()).toBe(1)
    now += 1
    expect(await ask(authenticator, tokenBy(newKey))).toBe(200)
    expect(await ask(authenticator, tokenBy(oldKey))).toBe(200)
    expect(keyServer.requests()).toBe(2)
  })

  test('a removed key stops at once when the set is fetched, also for a token that is remembered', async () => {
    const authenticator = await started()
    const token = tokenBy(oldKey)
    expect(await ask(authenticator, token)).toBe(200)
    keyServer.behave(serving(setOf(newKey)))
    now += CACHE.cooldownMs
    expect(await ask(authenticator, tokenBy(newKey))).toBe(200)
    expect(await ask(authenticator, token)).toEqual(UNKNOWN)
  })

  test('a removed key stops within the maximum age, whatever is asked for', async () => {
    const authenticator = await started()
    const token = tokenBy(oldKey)
    expect(await ask(authenticator, token)).toBe(200)
    keyServer.behave(serving(setOf(newKey)))
    now += CACHE.maxAgeMs
    expect(await ask(authenticator, token)).toEqual(UNKNOWN)
    expect(keyServer.requests()).toBe(2)
  })

  test('keys are fetched before they age out, while callers are served', async () => {
    const authenticator = await started()
    now += CACHE.maxAgeMs - CACHE.refreshBeforeMs - 1
    expect(await ask(authenticator, tokenBy(oldKey))).toBe(200)
    expect(keyServer.requests()).toBe(1)
    now += 1
    keyServer.behave(serving(setOf(newKey)))
    expect(await ask(authenticator, tokenBy(oldKey))).toBe(200)
    await until(() => events.length === 2)
    expect(await ask(authenticator, tokenBy(oldKey))).toEqual(UNKNOWN)
    expect(keyServer.requests()).toBe(2)
  })

  test('a remembered token has an ageing set fetched too', async () => {
    const authenticator = await started()
    const token = tokenBy(oldKey)
    expect(await ask(authenticator, token)).toBe(200)
    now += CACHE.maxAgeMs - CACHE.refreshBeforeMs
    expect(await ask(authenticator, token)).toBe(200)
    await until(() => keyServer.requests() === 2)
  })

  test('an idle gateway fetches by itself', async () => {
    const authenticator = open({ maxAgeMs: 100, refreshBeforeMs: 50, cooldownMs: 10 }, Date.now)
    await authenticator.start()
    await until(() => keyServer.requests() >= 4 && authenticator.health().every(({ usable }) => usable))
  })

  test('an unchanged set leaves remembered tokens alone', async () => {
    const authenticator = await started()
    const token = `Bearer ${tokenBy(oldKey)}`
    const principal = await authenticator.authenticate([token])
    now += CACHE.cooldownMs
    expect(await ask(authenticator, tokenBy(newKey))).toEqual(UNKNOWN)
    expect(events).toMatchObject([
      { kind: 'keysFetched', changed: true },
      { kind: 'keysFetched', changed: false },
    ])
    expect(await authenticator.authenticate([token])).toBe(principal)
  })

  test('an empty set is believed', async () => {
    const authenticator = await started()
    keyServer.behave(serving(setOf()))
    now += CACHE.maxAgeMs
    expect(await ask(authenticator, tokenBy(oldKey))).toEqual(UNKNOWN)
  })
})

describe('unknown kids', () => {
  test('10,000 random kids at once make one fetch, and none within the cooldown', async () => {
    const authenticator = await started()
    const tokens = randomKids(10_000)
    const during = await Promise.all(tokens.map((token) => ask(authenticator, token)))
    expect(keyServer.requests()).toBe(1)
    now += CACHE.cooldownMs
    const after = await Promise.all(tokens.map((token) => ask(authenticator, token)))
    expect(keyServer.requests()).toBe(2)
    expect(new Set([...during, ...after].map((outcome) => JSON.stringify(outcome)))).toEqual(
      new Set([JSON.stringify(UNKNOWN)]),
    )
  })

  test('failed fetches count: with the key server down there is one attempt per cooldown', async () => {
    const authenticator = await started()
    keyServer.behave(hangingUp)
    for (let round = 1; round <= 3; round += 1) {
      now += CACHE.cooldownMs
      for (const token of randomKids(50))
        expect(await ask(authenticator, token)).toEqual([503, CACHE.cooldownMs / 1000])
      await until(() => events.length === 1 + round)
      expect(keyServer.requests()).toBe(1 + round)
    }
  })

  test('a kid that a fetch did not bring is remembered for ten cooldowns', async () => {
    const authenticator = await started()
    now += CACHE.cooldownMs
    expect(await ask(authenticator, tokenBy(newKey))).toEqual(UNKNOWN)
    now += CACHE.cooldownMs
    expect(await ask(authenticator, tokenBy(newKey))).toEqual(UNKNOWN)
    expect(keyServer.requests()).toBe(2)
    now += CACHE.cooldownMs * 9
    expect(await ask(authenticator, tokenBy(newKey))).toEqual(UNKNOWN)
    expect(keyServer.requests()).toBe(3)
  })

  test('a kid that was guessed before it was published works when any other brings the new set', async () => {
    const authenticator = await started()
    const other = makeKey('other', 'ES256')
    now += CACHE.cooldownMs
    expect(await ask(authenticator, tokenBy(newKey))).toEqual(UNKNOWN)
    keyServer.behave(serving(setOf(newKey, other)))
    now += CACHE.cooldownMs
    expect(await ask(authenticator, tokenBy(newKey))).toEqual(UNKNOWN)
    expect(await ask(authenticator, tokenBy(other))).toBe(200)
    expect(await ask(authenticator, tokenBy(newKey))).toBe(200)
  })

  test('callers that arrive before the first fetch has ended share it', async () => {
    const authenticator = open()
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => ask(authenticator, tokenBy(oldKey))))
    expect(new Set(outcomes)).toEqual(new Set([200]))
    expect(keyServer.requests()).toBe(1)
  })
})

describe('a key server that is down', () => {
  test('at start: 503 with Retry-After, and recovery without a restart', async () => {
    keyServer.behave(hangingUp)
    const authenticator = await started()
    expect(authenticator.health()).toMatchObject([{ usable: false, keys: 0, fetchedAt: undefined }])
    expect(await ask(authenticator, tokenBy(oldKey))).toEqual([503, 30])
    now += 10_500
    expect(await ask(authenticator, tokenBy(oldKey))).toEqual([503, 20])
    expect(keyServer.requests()).toBe(1)
    keyServer.behave(serving(setOf(oldKey)))
    now += 20_000
    await until(async () => (await ask(authenticator, tokenBy(oldKey))) === 200)
    expect(keyServer.requests()).toBe(2)
    expect(authenticator.health()).toEqual([
      { issuer: world.main.issuer, usable: true, fetchedAt: START + 30_500, keys: 1, lastError: undefined },
    ])
  })

  test('a bad token is still 401', async () => {
    const authenticator = await started()
    keyServer.behave(hangingUp)
    now += CACHE.maxAgeMs
    const forged = world.token({ key: newKey, header: { kid: oldKey.kid }, claims: LONG_LIVED })
    expect(await ask(authenticator, forged)).toEqual([401, { check: 'signature' }])
    expect(await ask(authenticator, 'x.y')).toEqual([401, { check: 'token-parts' }])
  })

  test('later: known keys work for the bounded time, unknown ones are 503, and 401 again when it is back', async () => {
    const authenticator = await started()
    const token = tokenBy(oldKey)
    expect(await ask(authenticator, token)).toBe(200)
    keyServer.behave(hangingUp)
    now += CACHE.maxAgeMs
    expect(await ask(authenticator, token)).toBe(200)
    expect(await ask(authenticator, tokenBy(oldKey))).toBe(200)
    expect(await ask(authenticator, tokenBy(newKey))).toEqual([503, 30])
    expect(authenticator.health()).toMatchObject([{ usable: true, lastError: expect.stringMatching(/./) }])
    now += CACHE.staleForMs - 1
    expect(await ask(authenticator, token)).toBe(200)
    now += 1
    expect(await ask(authenticator, token)).toMatchObject([503, expect.any(Number)])
    expect(await ask(authenticator, tokenBy(oldKey))).toMatchObject([503, expect.any(Number)])
    expect(authenticator.health()).toMatchObject([{ usable: false }])
    keyServer.behave(serving(setOf(oldKey)))
    now += CACHE.cooldownMs
    await until(async () => (await ask(authenticator, token)) === 200)
    expect(await ask(authenticator, tokenBy(newKey))).toEqual(UNKNOWN)
  })

  test('refused connections are an outage like any other', async () => {
    const authenticator = await started()
    await keyServer.close()
    now += CACHE.cooldownMs
    expect(await ask(authenticator, tokenBy(newKey))).toEqual([503, 30])
    expect(await ask(authenticator, tokenBy(oldKey))).toBe(200)
    expect(authenticator.health()).toMatchObject([{ lastError: expect.stringContaining('ECONNREFUSED') }])
  })

  test('an idle gateway finds out by itself that it is back', async () => {
    keyServer.behave(hangingUp)
    const authenticator = open({ cooldownMs: 10 }, Date.now)
    await authenticator.start()
    keyServer.behave(serving(setOf(oldKey)))
    await until(() => authenticator.health().every(({ usable }) => usable))
  })
})

describe('a slow key server', () => {
  test('nobody waits for an attempt that follows a failed one', async () => {
    const authenticator = await started({ fetchTimeoutMs: 1000 })
    keyServer.behave(neverAnswering)
    now += CACHE.cooldownMs
    expect(await ask(authenticator, tokenBy(newKey))).toEqual([503, 30])
    expect(events.at(-1)).toMatchObject({
      kind: 'keysNotFetched',
      error: expect.stringMatching(/timeout/i),
      usable: true,
    })
    now += CACHE.cooldownMs
    const before = events.length
    expect(await ask(authenticator, tokenBy(newKey))).toEqual([503, 30])
    // The answer came while the attempt was still under way.
    expect(events.length).toBe(before)
    await until(() => events.length > before)
    expect(keyServer.requests()).toBe(3)
  })

  test('known keys work while it keeps a refresh waiting', async () => {
    const authenticator = await started()
    keyServer.behave(neverAnswering)
    now += CACHE.maxAgeMs - CACHE.refreshBeforeMs
    expect(await ask(authenticator, tokenBy(oldKey))).toBe(200)
    await until(() => keyServer.requests() === 2)
    expect(await ask(authenticator, tokenBy(oldKey))).toBe(200)
    expect(events.length).toBe(1)
  })

  test('a body that stalls ends with the timeout', async () => {
    const authenticator = await started({ fetchTimeoutMs: 1000 })
    keyServer.behave(stalling)
    now += CACHE.cooldownMs
    expect(await ask(authenticator, tokenBy(newKey))).toEqual([503, 30])
  })
})

describe('a key server that lies', () => {
  const good = JSON.stringify(setOf(newKey)[path])
  const many = JSON.stringify({ keys: Array.from({ length: 101 }, () => newKey.jwk) })
  test.each([
    ['nothing', answering(200, ''), 'the document is not JSON'],
    ['HTML', answering(200, '<html>maintenance</html>'), 'the document is not JSON'],
    ['a list', answering(200, '[]'), 'the document is not a JSON object'],
    ['null', answering(200, 'null'), 'the document is not a JSON object'],
    ['no keys', answering(200, '{}'), 'the document has no "keys"'],
    ['keys that are no list', answering(200, '{"keys":{"0":{}}}'), 'the document has no "keys"'],
    ['keys that are no objects', answering(200, '{"keys":["key"]}'), 'the document has no "keys"'],
    [
      'keys twice',
      answering(200, `{"keys":[],"keys":${JSON.stringify([newKey.jwk])}}`),
      'the document names a member twice',
    ],
    ['half a set', answering(200, good.slice(0, -10)), 'the document is not JSON'],
    ['too many keys', answering(200, many), 'the key set has 101 keys, more than 100'],
    ['a good set of the wrong status', answering(203, good), 'answered 203'],
    ['an error', answering(500, good), 'answered 500'],
    ['not found', answering(404, good), 'answered 404'],
    ['no content', answering(204, ''), 'answered 204'],
    ['a compressed set', answering(200, '\u001f\u008b'), 'the document is not JSON'],
    ['a set without end', endless, 'the document is longer than 262144 bytes'],
  ])('%s: the last good set is kept', async (_name, behaviour, message) => {
    const authenticator = await started()
    keyServer.behave(behaviour)
    now += CACHE.cooldownMs
    expect(await ask(authenticator, tokenBy(newKey))).toEqual([503, 30])
    expect(await ask(authenticator, tokenBy(oldKey))).toBe(200)
    expect(authenticator.health()).toMatchObject([
      { usable: true, keys: 1, lastError: expect.stringContaining(message) },
    ])
    expect(keyServer.requests()).toBe(2)
  })

  test.each([301, 302, 303, 307, 308])('a redirect (%d) is not followed', async (status) => {
    const other = await startKeyServer(serving(setOf(newKey)))
    const authenticator = await started()
    keyServer.behave(answering(status, '', { location: other.origin + path }))
    now += CACHE.cooldownMs
    expect(await ask(authenticator, tokenBy(newKey))).toEqual([503, 30])
    expect(await ask(authenticator, tokenBy(oldKey))).toBe(200)
    expect([keyServer.requests(), other.requests()]).toEqual([2, 0])
    await other.close()
  })
})

describe('the clock', () => {
  test('put back far: the set is fetched again, not kept for longer', async () => {
    const authenticator = await started()
    now -= 24 * 60 * MINUTE
    keyServer.behave(serving(setOf(newKey)))
    const token = world.token({ claims: { ...LONG_LIVED, iat: now / 1000 } })
    expect(await ask(authenticator, token)).toEqual(UNKNOWN)
    expect(keyServer.requests()).toBe(2)
  })
})

test('close ends it: nothing is fetched afterwards', async () => {
  const authenticator = open({ maxAgeMs: 100, refreshBeforeMs: 50, cooldownMs: 10 }, Date.now)
  keyServer.behave(neverAnswering)
  const starting = authenticator.start()
  await until(() => keyServer.requests() === 1)
  authenticator.close()
  await starting
  expect(events).toEqual([])
  expect(keyServer.requests()).toBe(1)
})
