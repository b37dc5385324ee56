import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals'
import { createAuthenticator } from '../../../src/auth/verify.ts'
import { serving, startKeyServer } from '../../support/key-server.ts'
import type { KeyServer } from '../../support/key-server.ts'
import { issuerOptions, makeTokenWorld } from '../../support/token-builder.ts'

const START = Date.UTC(2026, 10, 22)
let now = START
const world = makeTokenWorld(() => START)
const verifications = jest.spyOn(crypto.subtle, 'verify')
let keyServer: KeyServer

beforeAll(async () => {
  keyServer = await startKeyServer(serving(world.documents()))
})

afterAll(() => keyServer.close())

beforeEach(() => {
  now = START
  verifications.mockClear()
})

async function open(rememberedTokens: number) {
  const issuers = [issuerOptions(world, world.main, keyServer.origin)]
  const authenticator = createAuthenticator({ issuers, rememberedTokens, now: () => now })
  await authenticator.start()
  return authenticator
}

const ofSubject = (sub: string) => `Bearer ${world.token({ claims: { sub } })}`

test('a token is verified once, and what it says is handed out again', async () => {
  const authenticator = await open(10)
  const token = `Bearer ${world.token()}`
  const first = await authenticator.authenticate([token])
  expect(await authenticator.authenticate([token])).toBe(first)
  expect(await authenticator.authenticate([token.replace('Bearer', 'bearer')])).toBe(first)
  expect(verifications).toHaveBeenCalledTimes(1)
  authenticator.close()
})

test('a remembered token ends with its exp and the tolerance', async () => {
  const authenticator = await open(10)
  const token = `Bearer ${world.token({ claims: { exp: START / 1000 + 60 } })}`
  await authenticator.authenticate([token])
  now = START + 64_999
  await expect(authenticator.authenticate([token])).resolves.toMatchObject({ subject: 'alice' })
  now += 1
  await expect(authenticator.authenticate([token])).rejects.toMatchObject({ message: 'The token has expired' })
  authenticator.close()
})

test('no more are remembered than allowed: the least recently used goes', async () => {
  const authenticator = await open(2)
  const [a, b, c] = [ofSubject('a'), ofSubject('b'), ofSubject('c')]
  for (const token of [a, b, a, c]) await authenticator.authenticate([token])
  expect(verifications).toHaveBeenCalledTimes(3)
  for (const token of [a, c]) await authenticator.authenticate([token])
  expect(verifications).toHaveBeenCalledTimes(3)
  await authenticator.authenticate([b])
  expect(verifications).toHaveBeenCalledTimes(4)
  authenticator.close()
})

test('with 0 every request is verified', async () => {
  const authenticator = await open(0)
  const token = `Bearer ${world.token()}`
  for (let i = 0; i < 3; i += 1) await authenticator.authenticate([token])
  expect(verifications).toHaveBeenCalledTimes(3)
  authenticator.close()
})

test('a refused token is not remembered as anything', async () => {
  const authenticator = await open(10)
  const token = `Bearer ${world.token({ claims: { nbf: START / 1000 + 60 } })}`
  await expect(authenticator.authenticate([token])).rejects.toMatchObject({ message: 'The token is not valid yet' })
  now += 60_000
  await expect(authenticator.authenticate([token])).resolves.toMatchObject({ subject: 'alice' })
  authenticator.close()
})

test('nobody can change what the next one gets', async () => {
  const authenticator = await open(10)
  const principal = await authenticator.authenticate([`Bearer ${world.token({ claims: { backend_roles: ['a'] } })}`])
  expect([principal, principal.roles, principal.backendRoles, principal.containers].map(Object.isFrozen)).toEqual(
    Array(4).fill(true),
  )
  authenticator.close()
})
