import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { SignJWT } from 'jose'
import { createAuthenticator } from '../../../src/auth/verify.ts'
import type { Authenticator } from '../../../src/auth/verify.ts'
import type { Principal } from '../../../src/core/principal.ts'
import { serving, startKeyServer } from '../../support/key-server.ts'
import type { KeyServer } from '../../support/key-server.ts'
import { issuerOptions, makeTokenWorld } from '../../support/token-builder.ts'
import { acceptedTokens } from '../../vectors/accepted-tokens.ts'

const NOW = Date.UTC(2026, 10, 22)
const world = makeTokenWorld(() => NOW)
let keyServer: KeyServer
let authenticator: Authenticator

const start = async (change: (options: ReturnType<typeof issuerOptions>) => ReturnType<typeof issuerOptions>) => {
  const issuers = world.issuers.map((issuer) => change(issuerOptions(world, issuer, keyServer.origin)))
  const started = createAuthenticator({ issuers, rememberedTokens: 100, now: () => NOW })
  await started.start()
  return started
}

beforeAll(async () => {
  keyServer = await startKeyServer(serving(world.documents()))
  authenticator = await start((options) => options)
})

afterAll(async () => {
  authenticator.close()
  await keyServer.close()
})

const readable = (principal: Principal) => ({ ...principal, scopes: [...principal.scopes] })

test.each(acceptedTokens)('accepts $name', async ({ spec, header, principal }) => {
  const token = world.token(spec(world))
  const value = header === undefined ? `Bearer ${token}` : header(token)
  const found = readable(await authenticator.authenticate([value]))
  expect(found).toEqual({ ...found, subject: 'alice', ...principal })
  // What is remembered is the same as what was verified.
  expect(readable(await authenticator.authenticate([value]))).toEqual(found)
})

test('gives exactly what the token says', async () => {
  const claims = {
    scope: 'memory:delete memory:read',
    roles: ['reader'],
    backend_roles: ['team-a'],
    memory_container: 'c1',
    containers: ['c2'],
  }
  expect(readable(await authenticator.authenticate([`Bearer ${world.token({ claims })}`]))).toEqual({
    subject: 'alice',
    issuer: world.main.issuer,
    scopes: ['memory:delete', 'memory:read'],
    roles: ['reader'],
    backendRoles: ['team-a'],
    container: 'c1',
    containers: ['c2'],
    claims: new Map([['tenant', []]]),
    issuedAt: world.now(),
    expiresAt: world.now() + 600,
  })
})

test('accepts a token that jose signed', async () => {
  const { es256 } = world.keys
  const token = await new SignJWT({ ...world.claims() })
    .setProtectedHeader({ alg: 'ES256', kid: es256.kid, typ: 'at+jwt' })
    .sign(es256.privateKey)
  await expect(authenticator.authenticate([`Bearer ${token}`])).resolves.toMatchObject({ subject: 'alice' })
})

test('the same subject of two issuers is two subjects', async () => {
  const subjects = await Promise.all(
    world.issuers.map((issuer) => authenticator.authenticate([`Bearer ${world.token({ issuer })}`])),
  )
  expect(subjects.map(({ subject }) => subject)).toEqual(['alice', 'partner-alice', 'legacy-alice'])
})

test('reads the claims that the configuration names', async () => {
  const renamed = await start((options) => ({
    ...options,
    types: [''],
    claims: {
      subject: 'email',
      scopes: 'https://a.test/scp',
      roles: 'groups',
      backendRoles: 'teams',
      container: 'box',
      containers: 'boxes',
    },
  }))
  const claims = { email: 'a@b.test', 'https://a.test/scp': ['x'], groups: 'g', teams: ['t'], box: 'b', boxes: ['c'] }
  const token = world.token({ claims, header: { typ: undefined } })
  expect(readable(await renamed.authenticate([`Bearer ${token}`]))).toEqual({
    subject: 'a@b.test',
    issuer: world.main.issuer,
    scopes: ['x'],
    roles: ['g'],
    backendRoles: ['t'],
    container: 'b',
    containers: ['c'],
    claims: new Map([['tenant', []]]),
    issuedAt: world.now(),
    expiresAt: world.now() + 600,
  })
  await expect(renamed.authenticate([`Bearer ${world.token({ claims })}`])).rejects.toMatchObject({
    message: "The token's type is not accepted",
  })
  renamed.close()
})

test('the tolerance ends where it says', async () => {
  const edges = [
    { exp: world.now() - 5 },
    { exp: world.now() - 4.999 },
    { nbf: world.now() + 5.001 },
    { nbf: world.now() + 5 },
    { iat: world.now() + 5.001 },
    { iat: world.now() + 5 },
  ]
  const outcomes = await Promise.allSettled(
    edges.map((claims) => authenticator.authenticate([`Bearer ${world.token({ claims })}`])),
  )
  expect(outcomes.map(({ status }) => status)).toEqual([
    'rejected',
    'fulfilled',
    'rejected',
    'fulfilled',
    'rejected',
    'fulfilled',
  ])
})

test('asks for each key set once in all this', () => {
  // Two authenticators were started, with two key sets to fetch each.
  expect(keyServer.requests()).toBe(4)
})
