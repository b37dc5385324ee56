import type { CheckId } from '../../src/auth/refusal.ts'
import { base64url, signBytes } from '../support/token-builder.ts'
import type { TokenSpec, TokenWorld } from '../support/token-builder.ts'

/** What has broken others, in our words: a row of the project's list of threats to tokens. */
export const TOKEN_THREATS = {
  unsigned: 'a token that says it needs no signature is believed',
  keyConfusion: 'a key is used with an algorithm or for a purpose that it is not for',
  keyFromToken: 'the token brings its own key, or makes the gateway fetch one',
  encrypted: 'decrypting a token is work at the command of whoever sends it',
  laxParsing: 'a malformed signature, header or number slips through, or two parsers read two things',
  cachedVerification: 'a remembered verification is taken for more than it proved',
  removedKey: 'a key that its issuer has taken back is still trusted',
  keyLookup: 'a token makes the gateway fetch keys as often as it likes',
  wrongKind: 'a token for another purpose, sender or audience is taken for an access token',
  mixedIssuers: 'names or keys of two issuers are mixed up',
  outOfTime: 'a token works before or after its time',
  placement: 'a token in the URL, or in another place than the one, is accepted',
} as const

export interface AttackRequest {
  readonly headers: readonly (readonly [string, string])[]
  /** To be appended to the path of the request. */
  readonly target?: string
}

export interface TokenAttack {
  readonly name: string
  readonly threat: keyof typeof TOKEN_THREATS
  /** The check that refuses it. */
  readonly check: CheckId
  readonly status: 400 | 401
  readonly build: (world: TokenWorld) => Promise<AttackRequest>
}

type Build = (world: TokenWorld) => AttackRequest

function attack(threat: TokenAttack['threat'], check: CheckId, name: string, build: Build): TokenAttack {
  const status = check === 'bearer-single' ? 400 : 401
  return { name, threat, check, status, build: (world) => Promise.resolve().then(() => build(world)) }
}

const bearer = (token: string): AttackRequest => ({ headers: [['authorization', `Bearer ${token}`]] })

/** An attack whose token differs from an accepted one by what is given. */
function tokenAttack(
  threat: TokenAttack['threat'],
  check: CheckId,
  name: string,
  spec: TokenSpec | ((world: TokenWorld) => TokenSpec),
): TokenAttack {
  return attack(threat, check, name, (world) => bearer(world.token(typeof spec === 'function' ? spec(world) : spec)))
}

/** An attack that takes the text of an accepted token and changes it. */
function textAttack(
  threat: TokenAttack['threat'],
  check: CheckId,
  name: string,
  change: (token: string, parts: readonly [string, string, string]) => string,
): TokenAttack {
  return attack(threat, check, name, (world) => {
    const token = world.token()
    const [header = '', payload = '', signature = ''] = token.split('.')
    return bearer(change(token, [header, payload, signature]))
  })
}

const claim = (threat: TokenAttack['threat'], check: CheckId, name: string, claims: TokenSpec['claims']): TokenAttack =>
  tokenAttack(threat, check, name, { ...(claims && { claims }) })

const header = (
  threat: TokenAttack['threat'],
  check: CheckId,
  name: string,
  members: TokenSpec['header'],
): TokenAttack => tokenAttack(threat, check, name, { ...(members && { header: members }) })

/** JSON of an accepted payload with more text at its end, for what JSON.stringify would not write. */
const payloadPlus = (world: TokenWorld, claims: TokenSpec['claims'], more: string): string =>
  `${JSON.stringify({ ...world.claims(), ...claims }).slice(0, -1)},${more}}`

const NO_SIGNATURE = new Uint8Array()
const MANY_ROUNDS = 2 ** 31 - 1

const unsigned: readonly TokenAttack[] = [
  ...['none', 'None', 'NONE', 'nOnE', '', ' none'].map((alg) =>
    tokenAttack('unsigned', 'header-alg', `alg "${alg}" without a signature`, {
      header: { alg },
      signature: NO_SIGNATURE,
    }),
  ),
  ...[null, true, 0, ['ES256'], { name: 'ES256' }].map((alg) =>
    tokenAttack('unsigned', 'header-alg', `alg ${JSON.stringify(alg)}, well signed`, { header: { alg } }),
  ),
  header('unsigned', 'header-alg', 'no alg, well signed', { alg: undefined }),
  tokenAttack('unsigned', 'header-alg', 'alg none over a good signature', { header: { alg: 'none' } }),
  tokenAttack('unsigned', 'header-alg', 'alg in the prototype of the header', {
    rawHeader: '{"__proto__":{"alg":"ES256","kid":"one","typ":"JWT"}}',
  }),
]

const keyConfusion: readonly TokenAttack[] = [
  ...(['pem', 'der'] as const).flatMap((format) =>
    ['HS256', 'HS384', 'HS512'].map((algorithm) =>
      tokenAttack('keyConfusion', 'header-alg', `${algorithm} with the public RSA key as ${format}`, ({ keys }) => {
        const secret =
          format === 'pem'
            ? Buffer.from(keys.rsa.publicKey.export({ format, type: 'spki' }))
            : keys.rsa.publicKey.export({ format, type: 'spki' })
        return { key: keys.rsa, algorithm, secret }
      }),
    ),
  ),
  tokenAttack('keyConfusion', 'header-alg', 'HS256 with the JSON of the public key', ({ keys }) => ({
    algorithm: 'HS256',
    secret: Buffer.from(JSON.stringify(keys.es256.jwk)),
  })),
  tokenAttack('keyConfusion', 'header-alg', 'HS256 with the modulus of the public key', ({ keys }) => ({
    key: keys.rsa,
    algorithm: 'HS256',
    secret: Buffer.from(String(keys.rsa.jwk['n']), 'base64url'),
  })),
  tokenAttack('keyConfusion', 'header-alg', 'HS256 with a symmetric key of the public key set', (world) => ({
    algorithm: 'HS256',
    header: { kid: 'symmetric' },
    secret: world.hmac.secret ?? NO_SIGNATURE,
  })),
  tokenAttack('keyConfusion', 'header-alg', 'RS384, well signed, where the issuer uses others', ({ keys }) => ({
    key: keys.rsa,
    algorithm: 'RS384',
  })),
  tokenAttack(
    'keyConfusion',
    'header-alg',
    'RS256 at an issuer whose set has an RSA key, but which signs ES256',
    (world) => ({
      issuer: world.partner,
      key: world.keys.partnerRsa,
    }),
  ),
  tokenAttack('keyConfusion', 'header-alg', 'HS384 at an issuer with HS256', (world) => ({
    issuer: world.hmac,
    algorithm: 'HS384',
  })),
  header('keyConfusion', 'header-alg', 'alg in another case', { alg: 'es256' }),
  tokenAttack('keyConfusion', 'key-type', 'RS256 with the kid of an EC key', ({ keys }) => ({
    key: keys.attackerRsa,
    header: { kid: keys.es256.kid },
  })),
  tokenAttack('keyConfusion', 'key-type', 'ES256 with the kid of an RSA key', ({ keys }) => ({
    header: { kid: keys.rsa.kid },
  })),
  tokenAttack('keyConfusion', 'key-type', 'ES256 with the kid of a P-384 key', ({ keys }) => ({
    header: { kid: keys.es384.kid },
  })),
  tokenAttack('keyConfusion', 'key-type', 'EdDSA with the kid of an EC key', ({ keys }) => ({
    key: keys.ed25519,
    header: { kid: keys.es256.kid },
  })),
  tokenAttack('keyConfusion', 'key-type', 'ES256 with the kid of a symmetric key', { header: { kid: 'symmetric' } }),
  tokenAttack('keyConfusion', 'key-rsa-size', 'an RSA key of 1024 bits', ({ keys }) => ({ key: keys.weakRsa })),
  tokenAttack('keyConfusion', 'key-use', 'a key for encryption', ({ keys }) => ({ key: keys.encryption })),
  tokenAttack('keyConfusion', 'key-ops', 'a key for derivation', ({ keys }) => ({ key: keys.derivation })),
  tokenAttack('keyConfusion', 'key-ops', 'a key whose operations are no list', ({ keys }) => ({
    key: keys.oddOperations,
  })),
  tokenAttack('keyConfusion', 'key-alg', 'RS256 with a key for PS256', ({ keys }) => ({
    key: keys.forPs256,
    algorithm: 'RS256',
  })),
  tokenAttack('keyConfusion', 'key-alg', 'PS512 with a key for PS256', ({ keys }) => ({
    key: keys.forPs256,
    algorithm: 'PS512',
  })),
  tokenAttack('keyConfusion', 'key-private', 'a key whose private part is in the key set', ({ keys }) => ({
    key: keys.leaked,
  })),
  tokenAttack('keyConfusion', 'key-malformed', 'a key that is no point of its curve', ({ keys }) => ({
    key: keys.broken,
  })),
  tokenAttack('keyConfusion', 'key-ambiguous', 'one of two keys with the same kid', ({ keys }) => ({ key: keys.twin })),
  tokenAttack('keyConfusion', 'key-ambiguous', 'the other of two keys with the same kid', ({ keys }) => ({
    key: keys.otherTwin,
  })),
  tokenAttack('keyConfusion', 'key-ambiguous', 'no kid where several keys fit', { header: { kid: undefined } }),
]

const keyFromToken: readonly TokenAttack[] = [
  tokenAttack('keyFromToken', 'header-key-material', "the attacker's key as jwk", ({ keys }) => ({
    key: keys.attacker,
    header: { jwk: keys.attacker.jwk },
  })),
  tokenAttack('keyFromToken', 'header-key-material', "the attacker's key as jwk under a known kid", ({ keys }) => ({
    key: keys.attacker,
    header: { jwk: keys.attacker.jwk, kid: keys.es256.kid },
  })),
  tokenAttack('keyFromToken', 'header-key-material', 'a good signature and its own key as jwk', ({ keys }) => ({
    header: { jwk: keys.es256.jwk },
  })),
  header('keyFromToken', 'header-key-material', 'a good signature and jku', { jku: 'https://evil.test/jwks.json' }),
  header('keyFromToken', 'header-key-material', 'a good signature and jku to this machine', {
    jku: 'http://127.0.0.1:9200/',
  }),
  header('keyFromToken', 'header-key-material', 'a good signature and x5u', { x5u: 'https://evil.test/chain.pem' }),
  header('keyFromToken', 'header-key-material', 'a good signature and x5c', { x5c: ['MIIB'] }),
  header('keyFromToken', 'header-key-material', 'a good signature and an empty jwk', { jwk: null }),
  tokenAttack('keyFromToken', 'header-key-material', 'jku spelled with an escape', {
    rawHeader: '{"alg":"ES256","kid":"one","typ":"JWT","jk\\u0075":"https://evil.test/jwks.json"}',
  }),
  ...['../../../../etc/passwd', "' OR '1'='1", 'https://evil.test/jwks.json', '__proto__', '', 'One'].map((kid) =>
    tokenAttack('keyFromToken', 'key-unknown', `kid "${kid}"`, ({ keys }) => ({ key: keys.attacker, header: { kid } })),
  ),
]

const encrypted: readonly TokenAttack[] = [
  attack('encrypted', 'token-parts', 'a JWE that asks for two thousand million rounds of PBES2', () =>
    bearer(
      jwe(
        { alg: 'PBES2-HS256+A128KW', enc: 'A128CBC-HS256', p2c: MANY_ROUNDS, p2s: 'c2FsdHNhbHQ', typ: 'JWT' },
        [24, 16, 64, 16],
      ),
    ),
  ),
  attack('encrypted', 'token-parts', 'a JWE with a compressed payload', () =>
    bearer(jwe({ alg: 'dir', enc: 'A256GCM', zip: 'DEF', kid: 'one' }, [0, 12, 2048, 16])),
  ),
  attack('encrypted', 'token-parts', 'a JWE to the public key', () =>
    bearer(jwe({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: 'rsa' }, [256, 12, 64, 16])),
  ),
  textAttack('encrypted', 'token-parts', 'five parts that begin with a good token', (token) => `${token}.AA.AA`),
  tokenAttack('encrypted', 'header-alg', 'three parts that ask for PBES2', {
    header: { alg: 'PBES2-HS512+A256KW', p2c: MANY_ROUNDS, p2s: 'c2FsdHNhbHQ', enc: 'A256GCM' },
  }),
  tokenAttack('encrypted', 'header-alg', 'three parts that say dir', { header: { alg: 'dir', enc: 'A256GCM' } }),
]

function jwe(members: Readonly<Record<string, unknown>>, sizes: readonly number[]): string {
  return [base64url(JSON.stringify(members)), ...sizes.map((size) => base64url(Buffer.alloc(size, 7)))].join('.')
}

const laxParsing: readonly TokenAttack[] = [
  tokenAttack('laxParsing', 'signature', 'ES256 with r = s = 0', { signature: Buffer.alloc(64) }),
  tokenAttack('laxParsing', 'signature', 'ES256 with r and s the order of the curve', {
    signature: Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'.repeat(2), 'hex'),
  }),
  tokenAttack('laxParsing', 'signature', 'ES256 with a DER signature of zeros', {
    signature: Buffer.from('3006020100020100', 'hex'),
  }),
  tokenAttack('laxParsing', 'signature', 'RS256 with a signature of zeros', ({ keys }) => ({
    key: keys.rsa,
    signature: Buffer.alloc(256),
  })),
  tokenAttack('laxParsing', 'signature', 'EdDSA with a signature of zeros', ({ keys }) => ({
    key: keys.ed25519,
    signature: Buffer.alloc(64),
  })),
  tokenAttack('laxParsing', 'signature', 'an empty signature', { signature: NO_SIGNATURE }),
  tokenAttack('laxParsing', 'signature', 'half a signature', { signature: Buffer.alloc(32, 1) }),
  tokenAttack('laxParsing', 'signature', 'PS256 signed as RS256', ({ keys }) => ({
    key: keys.rsa,
    algorithm: 'RS256',
    header: { alg: 'PS256' },
  })),
  tokenAttack('laxParsing', 'signature', "the attacker's signature under a known kid", ({ keys }) => ({
    key: keys.attacker,
    header: { kid: keys.es256.kid },
  })),
  textAttack('laxParsing', 'signature', 'one bit of the signature', (_, [head, payload, signature]) => {
    const bytes = Buffer.from(signature, 'base64url')
    bytes.writeUInt8(bytes.readUInt8(10) ^ 1, 10)
    return `${head}.${payload}.${base64url(bytes)}`
  }),
  textAttack('laxParsing', 'base64url', 'stray bits in the last character of the signature', (token) =>
    nextCharacter(token),
  ),
  textAttack('laxParsing', 'base64url', 'padding after the signature', (token) => `${token}==`),
  textAttack('laxParsing', 'base64url', 'padding after the payload', (_, [head, payload, signature]) =>
    [head, `${payload}=`, signature].join('.'),
  ),
  attack('laxParsing', 'base64url', 'the other base64 alphabet', (world) => {
    const [head = '', payload = '', signature = ''] = world
      .token({ rawPayload: payloadPlus(world, {}, '"x":"\u00bf\u00ff~~~"') })
      .split('.')
    const other = signature.replaceAll('-', '+').replaceAll('_', '/')
    return bearer(`${head}.${payload.replaceAll('-', '+').replaceAll('_', '/')}+.${other}`)
  }),
  textAttack(
    'laxParsing',
    'base64url',
    'a space in the signature',
    (token) => `${token.slice(0, -4)} ${token.slice(-4)}`,
  ),
  textAttack('laxParsing', 'base64url', 'a percent-encoded character', (token) => token.replace('.', '.%65')),
  textAttack('laxParsing', 'base64url', 'a character outside ASCII', (token) => `${token.slice(0, -1)}\u00e9`),
  textAttack('laxParsing', 'token-parts', 'two parts', (_, [head, payload]) => `${head}.${payload}`),
  textAttack('laxParsing', 'token-parts', 'one part', (_, [head]) => head),
  textAttack('laxParsing', 'token-parts', 'a fourth part', (token) => `${token}.AA`),
  textAttack('laxParsing', 'token-parts', 'a dot at the end', (token) => `${token}.`),
  textAttack('laxParsing', 'token-parts', 'a token without its dots', (token) => token.replaceAll('.', '')),
  attack('laxParsing', 'token-parts', 'an API key in place of a token', () => bearer('sk-0123456789abcdef')),
  textAttack('laxParsing', 'json-syntax', 'an empty header', (_, [, payload, signature]) => `.${payload}.${signature}`),
  textAttack('laxParsing', 'json-syntax', 'an empty payload', (_, [head, , signature]) => `${head}..${signature}`),
  attack('laxParsing', 'json-syntax', 'dots alone', () => bearer('..')),
  tokenAttack('laxParsing', 'json-syntax', 'a byte order mark before the header', {
    rawHeader: '\ufeff{"alg":"ES256","kid":"one","typ":"JWT"}',
  }),
  tokenAttack('laxParsing', 'json-syntax', 'a comment in the payload', (world) => ({
    rawPayload: `/**/${JSON.stringify(world.claims())}`,
  })),
  tokenAttack('laxParsing', 'json-syntax', 'a trailing comma in the payload', (world) => ({
    rawPayload: payloadPlus(world, {}, ''),
  })),
  tokenAttack('laxParsing', 'json-syntax', 'two JSON documents in the payload', (world) => ({
    rawPayload: JSON.stringify(world.claims()).repeat(2),
  })),
  tokenAttack('laxParsing', 'json-syntax', 'a NUL after the payload', (world) => ({
    rawPayload: `${JSON.stringify(world.claims())}\0`,
  })),
  tokenAttack('laxParsing', 'json-syntax', 'exp NaN', (world) => ({
    rawPayload: payloadPlus(world, { exp: undefined }, '"exp":NaN'),
  })),
  ...['null', '[]', '"text"', '7'].flatMap((raw) => [
    tokenAttack('laxParsing', 'json-object', `the header ${raw}`, { rawHeader: raw }),
    tokenAttack('laxParsing', 'json-object', `the payload ${raw}`, { rawPayload: raw }),
  ]),
  tokenAttack('laxParsing', 'json-utf8', 'a byte that is not UTF-8 in the subject', (world) => ({
    rawPayload: Buffer.from(JSON.stringify({ ...world.claims(), sub: 'al\u00ffice' }), 'latin1'),
  })),
  tokenAttack('laxParsing', 'json-utf8', 'an overlong character in the header', {
    rawHeader: Buffer.concat([
      Buffer.from('{"alg":"ES256","kid":"one","typ":"JWT","x":"'),
      Buffer.from([0xc0, 0xaf]),
      Buffer.from('"}'),
    ]),
  }),
  tokenAttack('laxParsing', 'json-duplicate', 'alg twice, none first', {
    rawHeader: '{"alg":"none","alg":"ES256","kid":"one","typ":"JWT"}',
  }),
  tokenAttack('laxParsing', 'json-duplicate', 'kid twice', {
    rawHeader: '{"alg":"ES256","kid":"two","kid":"one","typ":"JWT"}',
  }),
  tokenAttack('laxParsing', 'json-duplicate', 'sub twice', (world) => ({
    rawPayload: payloadPlus(world, {}, '"sub":"root"'),
  })),
  tokenAttack('laxParsing', 'json-duplicate', 'sub twice, once with an escape', (world) => ({
    rawPayload: payloadPlus(world, {}, '"s\\u0075b":"root"'),
  })),
  tokenAttack('laxParsing', 'json-duplicate', 'exp twice', (world) => ({
    rawPayload: payloadPlus(world, { exp: 1 }, `"exp":${world.now() + 600}`),
  })),
  tokenAttack('laxParsing', 'json-duplicate', 'a member twice, deep down', (world) => ({
    rawPayload: payloadPlus(world, {}, '"realm":[{"access":{"roles":["a"],"roles":["b"]}}]'),
  })),
  tokenAttack('laxParsing', 'json-duplicate', '__proto__ twice', (world) => ({
    rawPayload: payloadPlus(world, {}, '"__proto__":{},"__proto__":{}'),
  })),
  header('laxParsing', 'header-crit', 'crit with an unknown extension', {
    crit: ['urn:test:ext'],
    'urn:test:ext': true,
  }),
  header('laxParsing', 'header-crit', 'crit that names exp', { crit: ['exp'], exp: 1 }),
  header('laxParsing', 'header-crit', 'an empty crit', { crit: [] }),
  header('laxParsing', 'header-crit', 'crit null', { crit: null }),
  header('laxParsing', 'header-b64', 'b64 false without crit', { b64: false }),
  attack('laxParsing', 'header-b64', 'b64 false with crit, signed over the plain payload', (world) => {
    const head = base64url('{"alg":"ES256","kid":"one","typ":"JWT","b64":false,"crit":["b64"]}')
    const payload = base64url(JSON.stringify(world.claims()))
    const signed = `${head}.${Buffer.from(payload, 'base64url').toString()}`
    return bearer(`${head}.${payload}.${base64url(signBytes('ES256', world.keys.es256.privateKey, signed))}`)
  }),
  header('laxParsing', 'header-b64', 'b64 true with crit', { b64: true, crit: ['b64'] }),
  tokenAttack('laxParsing', 'header-kid', 'a number as kid where one key fits', (world) => ({
    issuer: world.partner,
    header: { kid: 7 },
  })),
  tokenAttack('laxParsing', 'header-kid', 'null as kid where one key fits', (world) => ({
    issuer: world.partner,
    header: { kid: null },
  })),
  tokenAttack('laxParsing', 'header-kid', 'a list as kid', { header: { kid: ['one'] } }),
  ...['"9999999999"', 'null', 'true', '[9999999999]', '1e999', '1e308', '-1e999', '8640000000001'].map((exp) =>
    tokenAttack('laxParsing', 'claim-exp-form', `exp ${exp}`, (world) => ({
      rawPayload: payloadPlus(world, { exp: undefined }, `"exp":${exp}`),
    })),
  ),
  claim('laxParsing', 'claim-nbf-form', 'nbf as a string', { nbf: '0' }),
  claim('laxParsing', 'claim-nbf-form', 'nbf null', { nbf: null }),
  claim('laxParsing', 'claim-iat-form', 'iat as a string', { iat: '0' }),
  claim('laxParsing', 'claim-iat-form', 'iat as a date', { iat: '2026-01-01T00:00:00Z' }),
  tokenAttack('laxParsing', 'token-size', 'a good token of more than 8 KiB', { claims: { padding: 'x'.repeat(6200) } }),
]

/** The same bytes, spelled with another last character: the lowest bits of it are not used. */
function nextCharacter(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return token.slice(0, -1) + alphabet.charAt(alphabet.indexOf(token.slice(-1)) + 1)
}

const outOfTime: readonly TokenAttack[] = [
  claim('outOfTime', 'claim-exp-form', 'no exp', { exp: undefined }),
  tokenAttack('outOfTime', 'claim-exp', 'expired a minute ago', (world) => ({ claims: { exp: world.now() - 60 } })),
  claim('outOfTime', 'claim-exp', 'exp 0', { exp: 0 }),
  claim('outOfTime', 'claim-exp', 'exp before 1970', { exp: -1 }),
  tokenAttack('outOfTime', 'claim-nbf', 'not valid for another minute', (world) => ({
    claims: { nbf: world.now() + 60 },
  })),
  tokenAttack('outOfTime', 'claim-iat', 'issued in a minute', (world) => ({ claims: { iat: world.now() + 60 } })),
  tokenAttack('removedKey', 'key-unknown', 'signed with a key that is not published any more', ({ keys }) => ({
    key: keys.retired,
  })),
  tokenAttack('keyLookup', 'key-unknown', 'a kid that nobody has', { header: { kid: 'ffffffff-0000' } }),
  tokenAttack('keyLookup', 'key-unknown', 'a kid of 4 KB', { header: { kid: 'k'.repeat(4096) } }),
  tokenAttack('keyLookup', 'claim-iss', 'an issuer that nobody knows', { claims: { iss: 'https://evil.test/' } }),
  tokenAttack('keyLookup', 'claim-iss', 'an issuer on this machine', { claims: { iss: 'http://127.0.0.1/' } }),
]

const cached: readonly TokenAttack[] = [
  attack('cachedVerification', 'signature', 'another subject under the signature of a good token', (world) => {
    const [head, , signature] = world.token().split('.')
    return bearer(`${head}.${base64url(JSON.stringify({ ...world.claims(), sub: 'root' }))}.${signature}`)
  }),
  attack('cachedVerification', 'signature', 'more scopes under the signature of a good token', (world) => {
    const [head, , signature] = world.token().split('.')
    const claims = { ...world.claims(), scope: 'memory:delete memory:delete:any opensearch:admin' }
    return bearer(`${head}.${base64url(JSON.stringify(claims))}.${signature}`)
  }),
]

const wrongKind: readonly TokenAttack[] = [
  header('wrongKind', 'header-typ', 'an ID token by its type', { typ: 'id+jwt' }),
  header('wrongKind', 'header-typ', 'a logout token', { typ: 'logout+jwt' }),
  header('wrongKind', 'header-typ', 'a proof of possession', { typ: 'dpop+jwt' }),
  header('wrongKind', 'header-typ', 'a security event', { typ: 'application/secevent+jwt' }),
  header('wrongKind', 'header-typ', 'no type', { typ: undefined }),
  header('wrongKind', 'header-typ', 'an empty type', { typ: '' }),
  header('wrongKind', 'header-typ', 'a type that is no string', { typ: ['JWT'] }),
  header('wrongKind', 'header-typ', 'a type with two prefixes', { typ: 'application/application/jwt' }),
  claim('wrongKind', 'claim-cnf', 'bound to a client certificate', {
    cnf: { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' },
  }),
  claim('wrongKind', 'claim-cnf', 'bound to a DPoP key', {
    cnf: { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' },
  }),
  claim('wrongKind', 'claim-cnf', 'an empty cnf', { cnf: null }),
  claim('wrongKind', 'claim-aud', 'for another audience', { aud: 'another-service' }),
  claim('wrongKind', 'claim-aud', 'for a list of other audiences', { aud: ['another-service', 'Memory-Gateway'] }),
  claim('wrongKind', 'claim-aud', 'for no audience', { aud: [] }),
  claim('wrongKind', 'claim-aud', 'for an audience that begins alike', { aud: 'memory-gateway.evil.test' }),
  claim('wrongKind', 'claim-aud', 'for a text that has the audience in it', { aud: 'another-service memory-gateway' }),
  claim('wrongKind', 'claim-aud-form', 'without aud', { aud: undefined }),
  claim('wrongKind', 'claim-aud-form', 'aud as an object', { aud: { 'memory-gateway': true } }),
  claim('wrongKind', 'claim-aud-form', 'aud with a member that is no string', { aud: ['memory-gateway', 7] }),
  claim('wrongKind', 'claim-required', 'without a claim that is required', { client_id: undefined }),
  claim('wrongKind', 'claim-required', 'a required claim that is null', { client_id: null }),
  claim('wrongKind', 'claim-sub', 'without a subject', { sub: undefined }),
  claim('wrongKind', 'claim-sub', 'an empty subject', { sub: '' }),
  claim('wrongKind', 'claim-sub', 'a number as subject', { sub: 7 }),
  claim('wrongKind', 'claim-sub', 'a list as subject', { sub: ['alice'] }),
  tokenAttack('wrongKind', 'claim-sub', 'a subject in the prototype', (world) => ({
    rawPayload: payloadPlus(world, { sub: undefined }, '"__proto__":{"sub":"alice"}'),
  })),
  claim('wrongKind', 'claim-name-form', 'a blank subject', { sub: ' \t' }),
  claim('wrongKind', 'claim-name-form', 'a line break in the subject', { sub: 'alice\r\nx-proxy-roles: all_access' }),
  claim('wrongKind', 'claim-name-form', 'a NUL in the subject', { sub: 'alice\0' }),
  claim('wrongKind', 'claim-name-form', 'half a surrogate pair in the subject', { sub: 'alice\ud800' }),
  claim('wrongKind', 'claim-name-form', 'an empty backend role', { backend_roles: ['team', ''] }),
  claim('wrongKind', 'claim-list-form', 'a number as scope', { scope: 7 }),
  claim('wrongKind', 'claim-list-form', 'an object in the list of scopes', { scope: ['memory:delete', {}] }),
  claim('wrongKind', 'claim-list-form', 'an object as backend roles', { backend_roles: { team: true } }),
  claim('wrongKind', 'claim-list-form', 'a number as containers', { containers: 7 }),
  claim('wrongKind', 'claim-container-form', 'a list as memory container', { memory_container: ['a', 'b'] }),
  claim('wrongKind', 'claim-container-form', 'an empty memory container', { memory_container: '' }),
]

const mixedIssuers: readonly TokenAttack[] = [
  tokenAttack(
    'mixedIssuers',
    'signature',
    "an issuer's token signed with the other's key of the same kid",
    ({ keys }) => ({
      key: keys.partner,
    }),
  ),
  tokenAttack('mixedIssuers', 'signature', "the partner's token signed with the main key of the same kid", (world) => ({
    issuer: world.partner,
    key: world.keys.es256,
  })),
  tokenAttack(
    'mixedIssuers',
    'key-unknown',
    "the partner's token signed with another key of the main issuer",
    (world) => ({
      issuer: world.partner,
      key: world.keys.twin,
    }),
  ),
  tokenAttack('mixedIssuers', 'signature', 'HS256 with the public key of another issuer as the secret', (world) => ({
    issuer: world.hmac,
    secret: Buffer.from(world.keys.es256.publicKey.export({ format: 'pem', type: 'spki' })),
  })),
  tokenAttack('mixedIssuers', 'signature', 'HS256 with an empty secret', (world) => ({
    issuer: world.hmac,
    secret: NO_SIGNATURE,
  })),
  claim('mixedIssuers', 'claim-iss', 'without an issuer', { iss: undefined }),
  claim('mixedIssuers', 'claim-iss', 'a list of issuers', { iss: ['https://idp.test/'] }),
  claim('mixedIssuers', 'claim-iss', 'the issuer without its slash', { iss: 'https://idp.test' }),
  claim('mixedIssuers', 'claim-iss', 'the issuer in another case', { iss: 'https://IDP.test/' }),
  claim('mixedIssuers', 'claim-iss', 'two issuers in one string', { iss: 'https://idp.test/ https://partner.test' }),
  claim('mixedIssuers', 'claim-foreign-prefix', "a bare subject that begins with the partner's prefix", {
    sub: 'partner-alice',
  }),
  claim('mixedIssuers', 'claim-foreign-prefix', "a bare backend role that begins with the partner's prefix", {
    backend_roles: ['team', 'partner-team'],
  }),
  claim('mixedIssuers', 'claim-foreign-prefix', "a bare role that begins with the partner's prefix", {
    roles: 'partner-admins',
  }),
]

const withHeaders = (name: string, check: CheckId, headers: (token: string) => AttackRequest['headers']): TokenAttack =>
  attack('placement', check, name, (world) => ({ headers: headers(world.token()) }))

const withTarget = (parameter: string): TokenAttack =>
  attack('placement', 'bearer-missing', `a good token as ?${parameter}=`, (world) => ({
    headers: [],
    target: `?${parameter}=${world.token()}`,
  }))

const placement: readonly TokenAttack[] = [
  withHeaders('no token at all', 'bearer-missing', () => []),
  ...['access_token', 'jwt', 'token', 'authorization', 'id_token'].map(withTarget),
  withHeaders('a good token in a cookie', 'bearer-missing', (token) => [
    ['cookie', `access_token=${token}; jwt=${token}`],
  ]),
  withHeaders('a good token in another header', 'bearer-missing', (token) => [
    ['x-access-token', token],
    ['x-authorization', `Bearer ${token}`],
    ['x-forwarded-access-token', token],
  ]),
  withHeaders('a good token for the proxy', 'bearer-missing', (token) => [['proxy-authorization', `Bearer ${token}`]]),
  withHeaders('two good tokens in two headers', 'bearer-single', (token) => [
    ['authorization', `Bearer ${token}`],
    ['authorization', `Bearer ${token}`],
  ]),
  withHeaders('a good token after a bad one', 'bearer-single', (token) => [
    ['authorization', 'Bearer x'],
    ['Authorization', `Bearer ${token}`],
  ]),
  withHeaders('Basic before Bearer', 'bearer-single', (token) => [
    ['authorization', 'Basic YWRtaW46YWRtaW4='],
    ['authorization', `Bearer ${token}`],
  ]),
  withHeaders('two tokens in one header', 'token-parts', (token) => [
    ['authorization', `Bearer ${token}, Bearer ${token}`],
  ]),
  withHeaders('Basic', 'bearer-scheme', () => [['authorization', 'Basic YWRtaW46YWRtaW4=']]),
  withHeaders('Basic with a good token as the password', 'bearer-scheme', (token) => [
    ['authorization', `Basic ${Buffer.from(`oauth2:${token}`).toString('base64')}`],
  ]),
  ...['JWT', 'Token', 'DPoP', 'Bearer:', 'Bear', 'Bearer\t'].map((scheme) =>
    withHeaders(`a good token under the scheme ${JSON.stringify(scheme)}`, 'bearer-scheme', (token) => [
      ['authorization', `${scheme} ${token}`],
    ]),
  ),
  withHeaders('a good token without a scheme', 'bearer-scheme', (token) => [['authorization', token]]),
  withHeaders('an empty Authorization header', 'bearer-scheme', () => [['authorization', '']]),
  withHeaders('Bearer alone', 'token-parts', () => [['authorization', 'Bearer']]),
  withHeaders('Bearer and a space', 'token-parts', () => [['authorization', 'Bearer ']]),
  withHeaders('Bearer twice', 'base64url', (token) => [['authorization', `Bearer Bearer ${token}`]]),
  withHeaders('a no-break space before a good token', 'base64url', (token) => [
    ['authorization', `Bearer \u00a0${token}`],
  ]),
  withHeaders('a no-break space after a good token', 'base64url', (token) => [
    ['authorization', `Bearer ${token}\u00a0`],
  ]),
  withHeaders('a tab between the scheme and a good token', 'base64url', (token) => [
    ['authorization', `Bearer \t${token}`],
  ]),
  withHeaders('a good token in quotes', 'base64url', (token) => [['authorization', `Bearer "${token}"`]]),
  withHeaders('a good token and a parameter', 'base64url', (token) => [['authorization', `Bearer ${token}, realm=x`]]),
]

export const tokenAttacks: readonly TokenAttack[] = [
  ...unsigned,
  ...keyConfusion,
  ...keyFromToken,
  ...encrypted,
  ...laxParsing,
  ...outOfTime,
  ...cached,
  ...wrongKind,
  ...mixedIssuers,
  ...placement,
]
