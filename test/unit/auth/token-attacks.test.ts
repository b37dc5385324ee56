import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createAuthenticator } from '../../../src/auth/verify.ts'
import type { Authenticator } from '../../../src/auth/verify.ts'
import { CHECKS } from '../../../src/auth/refusal.ts'
import { GatewayError } from '../../../src/core/failure.ts'
import { serving, startKeyServer } from '../../support/key-server.ts'
import type { KeyServer } from '../../support/key-server.ts'
import { issuerOptions, makeTokenWorld } from '../../support/token-builder.ts'
import { TOKEN_THREATS, tokenAttacks } from '../../vectors/token-attacks.ts'
import type { AttackRequest } from '../../vectors/token-attacks.ts'

const NOW = Date.UTC(2026, 10, 22)
const world = makeTokenWorld(() => NOW)
let keyServer: KeyServer
let authenticator: Authenticator

beforeAll(async () => {
  keyServer = await startKeyServer(serving(world.documents()))
  const issuers = world.issuers.map((issuer) => issuerOptions(world, issuer, keyServer.origin))
  authenticator = createAuthenticator({ issuers, rememberedTokens: 100, now: () => NOW })
  await authenticator.start()
  // A verified token is remembered, so that the attacks meet a gateway that has seen it.
  await authenticator.authenticate([`Bearer ${world.token()}`])
})

afterAll(async () => {
  authenticator.close()
  await keyServer.close()
})

const authorizationOf = ({ headers }: AttackRequest): string[] =>
  headers.filter(([name]) => name.toLowerCase() === 'authorization').map(([, value]) => value)

test.each(tokenAttacks)('$threat: $name is refused by $check', async ({ build, check, status }) => {
  const request = await build(world)
  const asked = keyServer.requests()
  const error: unknown = await authenticator.authenticate(authorizationOf(request)).catch((thrown: unknown) => thrown)
  if (!(error instanceof GatewayError)) throw new Error('accepted, or failed otherwise', { cause: error })
  expect({ status: error.status, code: error.code, refusedBy: error.cause, message: error.message, asked }).toEqual({
    status,
    code: CHECKS[check].code,
    refusedBy: { check },
    message: 'reason' in CHECKS[check] ? CHECKS[check].reason : error.message,
    asked: keyServer.requests(),
  })
})

describe('the list of attacks', () => {
  test('has one for every check that can refuse a token, and for every threat', () => {
    expect([...new Set(tokenAttacks.map(({ check }) => check))].sort()).toEqual(Object.keys(CHECKS).sort())
    expect([...new Set(tokenAttacks.map(({ threat }) => threat))].sort()).toEqual(Object.keys(TOKEN_THREATS).sort())
  })

  test('has names that are different', () => {
    expect(new Set(tokenAttacks.map(({ name }) => name)).size).toBe(tokenAttacks.length)
  })

  test('starts from a token that is accepted', async () => {
    await expect(authenticator.authenticate([`Bearer ${world.token()}`])).resolves.toMatchObject({ subject: 'alice' })
  })
})
