import { chmod, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { openLocalIssuer } from '../../../src/auth/local-issuer.ts'
import { createAuthenticator } from '../../../src/auth/verify.ts'
import { issuerOptions, makeTokenWorld } from '../../support/token-builder.ts'

const ISSUER = 'urn:memory-gateway:local'
const world = makeTokenWorld()
let dir: string

beforeEach(async () => {
  dir = join(await mkdtemp(join(tmpdir(), 'local-issuer-')), 'keys')
})

afterEach(() => rm(join(dir, '..'), { recursive: true }))

const open = (create = true) => openLocalIssuer(dir, { issuer: ISSUER, create })
const REQUEST = {
  subject: 'alice',
  scopes: ['memory:delete', 'memory:read'],
  audience: 'memory-gateway',
  ttlMs: 7_776_000_000,
}

test('makes its key files, the private one for its owner only', async () => {
  const { keyId, created, jwksPath } = await open()
  expect(created).toBe(true)
  expect((await readdir(dir)).sort()).toEqual(['jwks.json', 'private.jwk.json'])
  expect((await stat(join(dir, 'private.jwk.json'))).mode & 0o777).toBe(0o600)
  expect(JSON.parse(await readFile(jwksPath, 'utf8'))).toEqual({
    keys: [
      { kty: 'EC', crv: 'P-256', x: expect.any(String), y: expect.any(String), kid: keyId, alg: 'ES256', use: 'sig' },
    ],
  })
})

test('signs tokens that the authenticator accepts', async () => {
  const local = await open()
  const token = await local.sign({ ...REQUEST, extraClaims: { backend_roles: ['team'] } })
  const options = {
    ...issuerOptions(world, world.main, ''),
    issuer: ISSUER,
    algorithms: ['ES256'],
    requiredClaims: ['jti'],
  }
  const issuers = [{ ...options, keys: { kind: 'file' as const, path: local.jwksPath } }]
  const authenticator = createAuthenticator({ issuers, rememberedTokens: 0 })
  await authenticator.start()
  const principal = await authenticator.authenticate([`Bearer ${token}`])
  expect(principal).toMatchObject({ subject: 'alice', issuer: ISSUER, backendRoles: ['team'] })
  expect([...principal.scopes]).toEqual(REQUEST.scopes)
  authenticator.close()
})

test('the token says what was asked for, for as long as was asked', async () => {
  const local = await openLocalIssuer(dir, { issuer: ISSUER, create: true, now: () => 1_000_500 })
  const token = await local.sign({ ...REQUEST, ttlMs: 1500 })
  expect(decodeProtectedHeader(token)).toEqual({ alg: 'ES256', kid: local.keyId, typ: 'JWT' })
  expect(decodeJwt(token)).toEqual({
    iss: ISSUER,
    sub: 'alice',
    aud: 'memory-gateway',
    scope: 'memory:delete memory:read',
    iat: 1000,
    exp: 1002,
    jti: expect.any(String),
  })
})

test('an extra claim does not replace one of its own', async () => {
  const local = await open()
  await expect(async () => local.sign({ ...REQUEST, extraClaims: { sub: 'root' } })).rejects.toThrow(
    'The claim sub has',
  )
})

test('the key stays: opened again it is the same', async () => {
  const first = await open()
  const again = await open()
  expect([again.keyId, again.created]).toEqual([first.keyId, false])
  expect((await open(false)).keyId).toBe(first.keyId)
})

test('many at once end up with one key', async () => {
  const opened = await Promise.all(Array.from({ length: 20 }, () => open()))
  expect(new Set(opened.map(({ keyId }) => keyId)).size).toBe(1)
  expect(opened.filter(({ created }) => created).length).toBe(1)
  expect((await readdir(dir)).sort()).toEqual(['jwks.json', 'private.jwk.json'])
})

test('a missing public file is made again', async () => {
  const { jwksPath, keyId } = await open()
  await rm(jwksPath)
  await open(false)
  expect(JSON.parse(await readFile(jwksPath, 'utf8'))).toMatchObject({ keys: [{ kid: keyId }] })
})

test('says what is wrong with the files, and what to do', async () => {
  const path = join(dir, 'private.jwk.json')
  await expect(open(false)).rejects.toThrow(`There is no signing key at ${path}; create one first`)
  const { jwksPath } = await open()
  await chmod(path, 0o640)
  await expect(open()).rejects.toThrow(
    `The signing key ${path} is open to other users (mode 0640); run: chmod 600 ${path}`,
  )
  await chmod(path, 0o600)
  await writeFile(jwksPath, '{"keys":[{"kid":"another"}]}')
  await expect(open()).rejects.toThrow(`${jwksPath} lacks the public key of private.jwk.json beside it`)
  await writeFile(path, '{"kty":"EC","crv":"P-256"}')
  await expect(open()).rejects.toThrow(`${path} is not a private key for ES256`)
  await writeFile(path, 'x')
  await expect(open()).rejects.toThrow(`${path} cannot be used`)
})
