import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { KeyCacheOptions, KeysOptions } from '../../../src/auth/issuer.ts'
import { keySetUriOf, openKeySetSource } from '../../../src/auth/key-set-source.ts'
import type { KeySetSource } from '../../../src/auth/key-set-source.ts'
import { createAuthenticator } from '../../../src/auth/verify.ts'
import { answering, serving, startKeyServer } from '../../support/key-server.ts'
import type { KeyServer } from '../../support/key-server.ts'
import { CACHE, issuerOptions, makeTokenWorld } from '../../support/token-builder.ts'

const world = makeTokenWorld()
const keys = [world.keys.es256.jwk]
const DISCOVERY = '/.well-known/openid-configuration'
let keyServer: KeyServer
const opened: KeySetSource[] = []

beforeEach(async () => {
  keyServer = await startKeyServer(serving({ '/jwks': { keys } }))
})

afterEach(async () => {
  for (const source of opened.splice(0)) source.close()
  await keyServer.close()
})

function load(
  keysOptions: Exclude<KeysOptions, { kind: 'secret' }>,
  cache: Partial<KeyCacheOptions> = {},
  issuer = keyServer.origin,
) {
  const source = openKeySetSource(issuer, keysOptions, { ...CACHE, ...cache })
  opened.push(source)
  return source.load()
}

describe('an address', () => {
  test('gives the keys of the set', async () => {
    await expect(load({ kind: 'jwks', uri: `${keyServer.origin}/jwks` })).resolves.toEqual(keys)
  })

  test.each([
    'http://0.0.0.0/jwks',
    'http://127.0.0.1.nowhere.test/jwks',
    'http://localhost.nowhere.test/jwks',
    'http://[::]/jwks',
  ])('plain http beyond the loopback is refused before a connection: %s', async (uri) => {
    await expect(load({ kind: 'jwks', uri })).rejects.toThrow('is not https (http is for loopback only)')
  })

  test.each(['file:///etc/passwd', 'data:application/json,{"keys":[]}', 'ftp://127.0.0.1/jwks', 'jwks.json'])(
    'another scheme is refused: %s',
    async (uri) => {
      await expect(load({ kind: 'jwks', uri })).rejects.toThrow(/is not (https|a URL)/)
    },
  )

  test('the limit on bytes counts what is read', async () => {
    const length = JSON.stringify({ keys }).length
    const uri = `${keyServer.origin}/jwks`
    await expect(load({ kind: 'jwks', uri }, { maxBytes: length })).resolves.toEqual(keys)
    await expect(load({ kind: 'jwks', uri }, { maxBytes: length - 1 })).rejects.toThrow(
      `longer than ${length - 1} bytes`,
    )
  })

  test('bytes that are not UTF-8 are refused', async () => {
    keyServer.behave((_request, response) => response.end(Buffer.from('{"keys":[],"x":"\u00ff"}', 'latin1')))
    await expect(load({ kind: 'jwks', uri: keyServer.origin })).rejects.toThrow('the document is not UTF-8')
  })
})

describe('discovery', () => {
  const document = (change: object = {}) => ({
    issuer: keyServer.origin,
    jwks_uri: `${keyServer.origin}/jwks`,
    ...change,
  })
  const serve = (change?: object, at = DISCOVERY) =>
    keyServer.behave(serving({ [at]: document(change), '/jwks': { keys } }))

  test('reads the document of the issuer, then the set', async () => {
    serve()
    await expect(load({ kind: 'discovery' })).resolves.toEqual(keys)
    expect(keyServer.asked).toEqual([DISCOVERY, '/jwks'])
  })

  test('an issuer with a path and a slash at its end', async () => {
    const issuer = `${keyServer.origin}/realms/a/`
    serve({ issuer }, `/realms/a${DISCOVERY}`)
    await expect(load({ kind: 'discovery' }, {}, issuer)).resolves.toEqual(keys)
  })

  test('a document at an address of its own', async () => {
    serve({ issuer: 'urn:idp' }, '/about')
    await expect(load({ kind: 'discovery', uri: `${keyServer.origin}/about` }, {}, 'urn:idp')).resolves.toEqual(keys)
  })

  test.each([
    ['another issuer', { issuer: 'https://evil.test' }],
    ['a slash more', { issuer: 'http://127.0.0.1/' }],
    ['none', { issuer: null }],
  ])('a document that names %s is refused, and its keys are not fetched', async (_name, change) => {
    serve(change)
    await expect(load({ kind: 'discovery' })).rejects.toThrow('is not that of issuer')
    expect(keyServer.asked).toEqual([DISCOVERY])
  })

  test('a document without jwks_uri is refused', async () => {
    serve({ jwks_uri: ['/jwks'] })
    await expect(load({ kind: 'discovery' })).rejects.toThrow('has no jwks_uri')
  })

  test('the address of the keys obeys the same rules', async () => {
    serve({ jwks_uri: 'http://0.0.0.0/jwks' })
    await expect(load({ kind: 'discovery' })).rejects.toThrow('is not https (http is for loopback only)')
  })

  test('a document from elsewhere must not point to this machine', () => {
    const far = 'https://idp.test/.well-known/openid-configuration'
    const named = (uri: string) => ({ issuer: 'https://idp.test', jwks_uri: uri })
    for (const uri of ['http://127.0.0.1:9200/', 'https://localhost/', 'http://[::1]/', 'http://0x7f.1/']) {
      expect(() => keySetUriOf(named(uri), far, 'https://idp.test')).toThrow('points to this machine')
    }
    expect(keySetUriOf(named('https://keys.test/'), far, 'https://idp.test')).toBe('https://keys.test/')
  })

  test('a redirect is not followed', async () => {
    keyServer.behave(answering(302, '', { location: '/jwks' }))
    await expect(load({ kind: 'discovery' })).rejects.toThrow('answered 302')
    expect(keyServer.asked).toEqual([DISCOVERY])
  })
})

describe('a file', () => {
  let dir: string
  let path: string
  let now = Date.now()

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'key-file-'))
    path = join(dir, 'jwks.json')
  })

  afterEach(() => rm(dir, { recursive: true }))

  const authenticator = () => {
    const options = issuerOptions(world, world.main, '')
    return createAuthenticator({
      issuers: [{ ...options, keys: { kind: 'file', path } }],
      rememberedTokens: 10,
      now: () => now,
    })
  }

  test('that changes is read again, and kept when it becomes garbage', async () => {
    await writeFile(path, JSON.stringify({ keys: [world.keys.es384.jwk] }))
    const opened = authenticator()
    await opened.start()
    const token = `Bearer ${world.token()}`
    await expect(opened.authenticate([token])).rejects.toMatchObject({ cause: { check: 'key-unknown' } })
    await writeFile(path, JSON.stringify({ keys }))
    now += CACHE.cooldownMs
    await expect(opened.authenticate([token])).resolves.toMatchObject({ subject: 'alice' })
    await writeFile(path, '{')
    now += CACHE.cooldownMs
    await expect(opened.authenticate([`Bearer ${world.token({ key: world.keys.retired })}`])).rejects.toMatchObject({
      status: 503,
    })
    await expect(opened.authenticate([token])).resolves.toMatchObject({ subject: 'alice' })
    expect(opened.health()).toMatchObject([{ usable: true, lastError: 'the document is not JSON' }])
    opened.close()
  })

  test.each([
    ['is missing', undefined, 'ENOENT'],
    ['is empty', '', 'the document is not JSON'],
    ['has no keys', '{}', 'the document has no "keys"'],
    ['is too long', `{"keys":[],"x":"${'x'.repeat(CACHE.maxBytes)}"}`, 'the document is longer than'],
  ])('that %s at start ends the start', async (_name, content, message) => {
    if (content !== undefined) await writeFile(path, content)
    const opened = authenticator()
    await expect(opened.start()).rejects.toThrow(message)
    opened.close()
  })
})
