import { generateKeyPairSync } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { fingerprintOfJwk } from '../../../src/auth/fingerprint.ts'
import { inspectTrustedKeys } from '../../../src/auth/inspect-keys.ts'
import { serving, startKeyServer } from '../../support/key-server.ts'
import type { KeyServer } from '../../support/key-server.ts'

const CACHE = {
  maxAgeMs: 60_000,
  refreshBeforeMs: 0,
  cooldownMs: 0,
  staleForMs: 0,
  fetchTimeoutMs: 5_000,
  maxBytes: 100_000,
  maxKeys: 10,
}
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey
const [ecJwk, rsaJwk] = [ec, rsa].map((key) => ({ ...key.export({ format: 'jwk' }), kid: 'k', use: 'sig' }))
const prints = [ecJwk, rsaJwk].map((jwk) => fingerprintOfJwk({ ...jwk }))
const pem = String(ec.export({ format: 'pem', type: 'spki' }))
const bare = rsa.export({ format: 'der', type: 'spki' }).toString('base64')
const secret = Buffer.from('a secret of thirty-two bytes, or so').toString('base64')
let server: KeyServer

beforeAll(async () => {
  server = await startKeyServer(serving({}))
  const discovery = { issuer: 'https://whoever.test', jwks_uri: `${server.origin}/keys` }
  server.behave(
    serving({ '/discovery': discovery, '/keys': { keys: [ecJwk, rsaJwk] }, '/odd': { keys: [{ kty: 'oct' }] } }),
  )
})
afterAll(() => server.close())

describe('the keys by which a cluster reads tokens', () => {
  test('are the same as PEM, without its first and last line, as a key set, and behind a discovery document of any issuer', async () => {
    expect(new Set(prints).size).toBe(2)
    expect(await inspectTrustedKeys({ kind: 'given', texts: [pem, bare] }, CACHE)).toEqual(prints)
    expect(await inspectTrustedKeys({ kind: 'jwks', uri: `${server.origin}/keys` }, CACHE)).toEqual(prints)
    expect(await inspectTrustedKeys({ kind: 'discovery', uri: `${server.origin}/discovery` }, CACHE)).toEqual(prints)
  })

  test.each([
    ['a secret is among them', () => ({ kind: 'given' as const, texts: [pem, secret] })],
    ['one of a set is no public key', () => ({ kind: 'jwks' as const, uri: `${server.origin}/odd` })],
    ['they cannot be had', () => ({ kind: 'jwks' as const, uri: `${server.origin}/none` })],
    ['they are to be had without TLS', () => ({ kind: 'discovery' as const, uri: 'http://192.0.2.1/discovery' })],
  ])('are not known where %s', async (_, trusted) => {
    expect(await inspectTrustedKeys(trusted(), CACHE)).toBeUndefined()
  })
})
