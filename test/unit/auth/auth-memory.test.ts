import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals'
import { openAuthMemory } from '../../../src/auth/auth-memory.ts'
import type { IssuerOptions } from '../../../src/auth/issuer.ts'
import { createAuthenticator } from '../../../src/auth/verify.ts'
import { serving, startKeyServer } from '../../support/key-server.ts'
import type { KeyServer } from '../../support/key-server.ts'
import { issuerOptions, makeTokenWorld } from '../../support/token-builder.ts'

// Two sets of issuers, one after the other, over one memory: what a reload of the configuration is to auth/.

const NOW = Date.UTC(2026, 10, 22)
const world = makeTokenWorld(() => NOW)
const verifications = jest.spyOn(crypto.subtle, 'verify')
let keyServer: KeyServer

beforeAll(async () => {
  keyServer = await startKeyServer(serving(world.documents()))
})
afterAll(() => keyServer.close())
beforeEach(() => void verifications.mockClear())

const main = (more: Partial<IssuerOptions> = {}) => ({ ...issuerOptions(world, world.main, keyServer.origin), ...more })
const partner = () => issuerOptions(world, world.partner, keyServer.origin)

async function open(
  before: readonly IssuerOptions[],
  after: readonly IssuerOptions[],
  sizes: [number, number] = [9, 9],
) {
  const memory = openAuthMemory(
    () => NOW,
    () => undefined,
  )
  const one = createAuthenticator({ issuers: before, rememberedTokens: sizes[0], memory })
  await one.start()
  const token = `Bearer ${world.token()}`
  await one.authenticate([token])
  const fetched = keyServer.requests()
  const two = createAuthenticator({ issuers: after, rememberedTokens: sizes[1], memory })
  await two.start()
  one.close()
  return { one, two, token, fetches: () => keyServer.requests() - fetched }
}

test('an issuer that has not changed keeps its keys and its verified tokens', async () => {
  const others = { ...partner(), audience: ['somebody-else'] }
  const { two, token, fetches } = await open([main(), partner()], [others, main()])
  await two.authenticate([token])
  expect(verifications).toHaveBeenCalledTimes(1)
  expect(two.counts()).toEqual({ remembered: 1, verified: 1 })
  expect(fetches()).toBe(0)
  two.close()
})

test('by other rules every token is verified anew, with the keys that are there', async () => {
  const { two, token, fetches } = await open([main()], [main({ audience: ['somebody-else'] })])
  await expect(two.authenticate([token])).rejects.toMatchObject({ code: 'invalidToken' })
  expect(verifications).toHaveBeenCalledTimes(2)
  expect(fetches()).toBe(0)
  two.close()
})

test('what is still verified by the old rules is nothing to the new ones', async () => {
  const { one, two, token } = await open([main()], [main({ audience: ['somebody-else'] })])
  await one.authenticate([token])
  await expect(two.authenticate([token])).rejects.toMatchObject({ code: 'invalidToken' })
  two.close()
})

test('other names of another issuer are other rules: a name may now be a foreign one', async () => {
  const { two, token } = await open([main(), partner()], [main(), { ...partner(), namePrefix: 'ali' }])
  await expect(two.authenticate([token])).rejects.toMatchObject({ code: 'invalidToken' })
  two.close()
})

test('an issuer that is gone has no tokens any more', async () => {
  const { two, token } = await open([main(), partner()], [partner()])
  await expect(two.authenticate([token])).rejects.toMatchObject({ code: 'invalidToken' })
  two.close()
})

test('more or fewer remembered tokens: those that fit stay', async () => {
  const more = await open([main()], [main()], [1, 50])
  await more.two.authenticate([more.token])
  expect(verifications).toHaveBeenCalledTimes(1)
  more.two.close()
  const none = await open([main()], [main()], [9, 0])
  await none.two.authenticate([none.token])
  expect(verifications).toHaveBeenCalledTimes(3)
  none.two.close()
})
