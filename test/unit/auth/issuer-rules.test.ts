import { expect, test } from '@jest/globals'
import { checkIssuers } from '../../../src/auth/issuer-rules.ts'
import type { IssuerOptions } from '../../../src/auth/issuer.ts'
import { createAuthenticator } from '../../../src/auth/verify.ts'
import { CACHE, issuerOptions, makeTokenWorld } from '../../support/token-builder.ts'

const world = makeTokenWorld()
const base = issuerOptions(world, world.main, 'https://idp.test')
const other = { ...issuerOptions(world, world.partner, 'https://partner.test'), cache: { ...CACHE } }
const secret = (bytes: number): IssuerOptions['keys'] => ({ kind: 'secret', secret: new Uint8Array(bytes) })
const uri = (address: string): IssuerOptions['keys'] => ({ kind: 'jwks', uri: address })
const one = (change: Partial<IssuerOptions>) => [{ ...base, ...change }]
const two = (change: Partial<IssuerOptions>, ofOther: Partial<IssuerOptions> = {}) => [
  { ...base, ...change },
  { ...other, ...ofOther },
]

test.each([
  ['no algorithm', one({ algorithms: [] }), 'issuers[0].algorithms', 'No algorithm is accepted'],
  ['none', one({ algorithms: ['ES256', 'none'] }), 'issuers[0].algorithms', 'No signature algorithm: none'],
  [
    'a key management algorithm',
    one({ algorithms: ['RSA-OAEP'] }),
    'issuers[0].algorithms',
    'No signature algorithm: RSA-OAEP',
  ],
  [
    'a name of the prototype',
    one({ algorithms: ['constructor'] }),
    'issuers[0].algorithms',
    'No signature algorithm: constructor',
  ],
  [
    'HMAC beside public keys',
    one({ algorithms: ['ES256', 'HS256'] }),
    'issuers[0].algorithms',
    'HS256 with public keys',
  ],
  ['HMAC with a key set', one({ algorithms: ['HS256'] }), 'issuers[0].algorithms', 'HS256 with public keys'],
  [
    'HMAC with a file',
    one({ algorithms: ['HS512'], keys: { kind: 'file', path: 'a' } }),
    'issuers[0].algorithms',
    'HS512 with',
  ],
  [
    'a secret and ES256',
    one({ algorithms: ['HS256', 'ES256'], keys: secret(32) }),
    'issuers[0].algorithms',
    'A shared secret goes',
  ],
  ['a secret of 31 bytes', one({ algorithms: ['HS256'], keys: secret(31) }), 'issuers[0].keys.secret', '248 bits'],
  [
    'HS512 with a secret of 63 bytes',
    one({ algorithms: ['HS512'], keys: secret(63) }),
    'issuers[0].keys.secret',
    'need 512',
  ],
  ['plain http', one({ keys: uri('http://idp.test/jwks') }), 'issuers[0].keys.uri', 'is not https'],
  [
    'credentials in the address',
    one({ keys: uri('https://a:b@idp.test/') }),
    'issuers[0].keys.uri',
    'has credentials in it',
  ],
  ['no address', one({ keys: uri('idp.test') }), 'issuers[0].keys.uri', 'is not a URL'],
  [
    'plain http for discovery',
    one({ keys: { kind: 'discovery', uri: 'http://idp.test' } }),
    'issuers[0].keys.uri',
    'is not https',
  ],
  [
    'discovery at an issuer that is no address',
    one({ issuer: 'idp', keys: { kind: 'discovery' } }),
    'issuers[0].keys.uri',
    'not a URL',
  ],
  [
    'a cooldown as long as the age',
    one({ cache: { ...CACHE, cooldownMs: CACHE.maxAgeMs } }),
    'issuers[0].cache.maxAgeMs',
    'no time',
  ],
  ['the same issuer twice', two({}, { issuer: base.issuer }), 'issuers[1].issuer', 'is configured twice'],
  ['two issuers with bare names', two({}, { namePrefix: '' }), 'issuers[1].namePrefix', 'two people would be one'],
  [
    'the same prefix',
    two({ namePrefix: 'a-' }, { namePrefix: 'a-' }),
    'issuers[1].namePrefix',
    'can yield the same name',
  ],
  [
    'a prefix of a prefix',
    two({ namePrefix: 'a' }, { namePrefix: 'a-' }),
    'issuers[1].namePrefix',
    'can yield the same name',
  ],
  [
    'a prefix of a prefix, the other way',
    two({ namePrefix: 'a-' }, { namePrefix: 'a' }),
    'issuers[1].namePrefix',
    'can yield the same name',
  ],
  [
    'one file for two sets',
    two({ cache: { ...CACHE, diskPath: '/keys' } }, { cache: { ...CACHE, diskPath: '/keys' } }),
    'issuers[1].cache.diskPath',
    'in the same file',
  ],
])('%s is a problem, and nothing starts with it', (_name, issuers, path, message) => {
  const problems = checkIssuers(issuers)
  expect(problems).toEqual([
    { path, message: expect.stringContaining(message), remedy: expect.stringMatching(/^[A-Z].{8}/) },
  ])
  expect(() => createAuthenticator({ issuers, rememberedTokens: 0 })).toThrow(`${path}: ${problems[0]?.message}`)
})

test.each([
  ['one issuer', one({})],
  ['two issuers, one with a prefix', two({})],
  ['prefixes that end alike', two({ namePrefix: 'a-' }, { namePrefix: 'ba-' })],
  ['a secret of 32 bytes', one({ algorithms: ['HS256'], keys: secret(32) })],
  ['HS512 with 64 bytes', one({ algorithms: ['HS256', 'HS512'], keys: secret(64) })],
  ['plain http to localhost', one({ keys: uri('http://localhost:8080/jwks') })],
  ['plain http to 127.0.0.2', one({ keys: uri('http://127.0.0.2/jwks') })],
  ['plain http to ::1', one({ keys: uri('http://[::1]:8080/jwks') })],
  ['discovery', one({ keys: { kind: 'discovery' } })],
  ['a file', one({ keys: { kind: 'file', path: 'jwks.json' } })],
  ['no issuer at all', []],
])('%s is fine', (_name, issuers) => {
  expect(checkIssuers(issuers)).toEqual([])
})

test('all problems are told at once', () => {
  const issuers = two({ algorithms: ['none'], keys: uri('http://idp.test') }, { issuer: base.issuer, namePrefix: '' })
  expect(checkIssuers(issuers).map(({ path }) => path)).toEqual([
    'issuers[0].algorithms',
    'issuers[0].keys.uri',
    'issuers[1].issuer',
    'issuers[1].namePrefix',
  ])
})
