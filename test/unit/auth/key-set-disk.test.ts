import { chmod, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import type { AuthEvent } from '../../../src/auth/issuer.ts'
import { createAuthenticator } from '../../../src/auth/verify.ts'
import type { Authenticator } from '../../../src/auth/verify.ts'
import { hangingUp, serving, startKeyServer } from '../../support/key-server.ts'
import type { KeyServer } from '../../support/key-server.ts'
import { CACHE, issuerOptions, makeTokenWorld } from '../../support/token-builder.ts'

const START = Date.UTC(2026, 10, 22)
let now = START
const world = makeTokenWorld(() => START)
const token = `Bearer ${world.token({ claims: { exp: START / 1000 + 86_400, iat: undefined } })}`

let keyServer: KeyServer
let dir: string
let diskPath: string
let events: AuthEvent[]
const opened: Authenticator[] = []

beforeEach(async () => {
  now = START
  events = []
  keyServer = await startKeyServer(serving(world.documents()))
  dir = await mkdtemp(join(tmpdir(), 'key-sets-'))
  diskPath = join(dir, 'made-for-it', 'main.json')
})

afterEach(async () => {
  for (const authenticator of opened.splice(0)) authenticator.close()
  await keyServer.close()
  await rm(dir, { recursive: true })
})

async function restarted(): Promise<Authenticator> {
  const options = issuerOptions(world, world.main, keyServer.origin)
  const issuers = [{ ...options, cache: { ...CACHE, diskPath } }]
  const authenticator = createAuthenticator({
    issuers,
    rememberedTokens: 0,
    now: () => now,
    onEvent: (e) => events.push(e),
  })
  opened.push(authenticator)
  await authenticator.start()
  return authenticator
}

/** Fetches and saves the set, and takes the key server down. */
async function saveAndGoDown(): Promise<void> {
  await restarted()
  keyServer.behave(hangingUp)
  events = []
}

test('the copy is readable by its owner only, and nothing else is left beside it', async () => {
  await restarted()
  expect((await stat(diskPath)).mode & 0o777).toBe(0o600)
  expect(await readdir(join(dir, 'made-for-it'))).toEqual(['main.json'])
  expect(JSON.parse(await readFile(diskPath, 'utf8'))).toEqual({
    issuer: world.main.issuer,
    source: keyServer.origin + world.main.path,
    fetchedAt: START,
    keys: world.main.published,
  })
})

test('a restart with a dead key server works from the copy', async () => {
  await saveAndGoDown()
  now += 1000
  const authenticator = await restarted()
  await expect(authenticator.authenticate([token])).resolves.toMatchObject({ subject: 'alice' })
  expect(events).toMatchObject([
    { kind: 'keysReadFromDisk', fetchedAt: START },
    { kind: 'keysNotFetched', usable: true },
  ])
  expect(authenticator.health()).toMatchObject([{ usable: true, fetchedAt: START }])
})

test('the copy ages as the set does', async () => {
  await saveAndGoDown()
  now += CACHE.maxAgeMs + CACHE.staleForMs - 1
  const authenticator = await restarted()
  await expect(authenticator.authenticate([token])).resolves.toMatchObject({ subject: 'alice' })
  now += 1
  await expect(authenticator.authenticate([token])).rejects.toMatchObject({ status: 503 })
  await expect((await restarted()).authenticate([token])).rejects.toMatchObject({ status: 503 })
})

test('the key server goes before the copy', async () => {
  await restarted()
  keyServer.behave(serving({ [world.main.path]: { keys: [] } }))
  await expect((await restarted()).authenticate([token])).rejects.toMatchObject({ cause: { check: 'key-unknown' } })
})

test.each([
  ['from the future', { fetchedAt: START + 1 }],
  ['without a time', { fetchedAt: 'now' }],
  ['of another issuer', { issuer: 'https://partner.test' }],
  ['of another source', { source: 'https://idp.test/other' }],
  ['without keys', { keys: {} }],
  ['with too many keys', { keys: Array.from({ length: 101 }, () => ({})) }],
])('a copy %s is not used', async (_name, change) => {
  await saveAndGoDown()
  const copy = JSON.parse(await readFile(diskPath, 'utf8')) as object
  await writeFile(diskPath, JSON.stringify({ ...copy, ...change }))
  await expect((await restarted()).authenticate([token])).rejects.toMatchObject({ status: 503 })
})

test('a copy that is cut short is not used', async () => {
  await saveAndGoDown()
  await writeFile(diskPath, (await readFile(diskPath)).subarray(0, 200))
  await expect((await restarted()).authenticate([token])).rejects.toMatchObject({ status: 503 })
  expect(events[0]).toMatchObject({ kind: 'diskCopyFailed', error: 'the document is not JSON' })
})

test('a copy that others can write is not used', async () => {
  await saveAndGoDown()
  await chmod(diskPath, 0o620)
  await expect((await restarted()).authenticate([token])).rejects.toMatchObject({ status: 503 })
  expect(events[0]).toMatchObject({ kind: 'diskCopyFailed', error: `${diskPath} can be written by others (mode 0620)` })
})

test('a place that cannot be written costs the copy and nothing else', async () => {
  await writeFile(join(dir, 'made-for-it'), 'a file where a directory should be')
  await expect((await restarted()).authenticate([token])).resolves.toMatchObject({ subject: 'alice' })
  expect(events.map(({ kind }) => kind)).toEqual(['diskCopyFailed', 'keysFetched', 'diskCopyFailed'])
})
