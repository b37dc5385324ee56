import { constants, createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { IssuerOptions, KeyCacheOptions } from '../../src/auth/issuer.ts'

type Members = Readonly<Record<string, unknown>>

/** A key pair, and how its public part is published. */
export interface TestKey {
  readonly kid: string
  readonly algorithm: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  /** As it stands in a key set. */
  readonly jwk: Members
}

const GENERATE: Readonly<Record<string, () => { privateKey: KeyObject; publicKey: KeyObject }>> = {
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ES384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  ES512: () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  PS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  weakRS256: () => generateKeyPairSync('rsa', { modulusLength: 1024 }),
}

/** Makes a key; `published` goes over the members of its public JWK. */
export function makeKey(kid: string, algorithm: string, published: Members = {}): TestKey {
  const pair = GENERATE[algorithm]?.()
  if (pair === undefined) throw new Error(`no way to make a key for ${algorithm}`)
  const jwk = { ...pair.publicKey.export({ format: 'jwk' }), kid, ...published }
  return { kid, algorithm: algorithm.replace('weak', ''), ...pair, jwk }
}

/** Signs with node:crypto alone, so that the verification is held against another implementation. */
export function signBytes(algorithm: string, key: KeyObject | Uint8Array, input: string | Uint8Array): Buffer {
  const digest = `sha${algorithm.slice(2)}`
  if (key instanceof Uint8Array) return createHmac(digest, key).update(input).digest()
  const data = Buffer.from(input)
  if (algorithm === 'EdDSA') return sign(null, data, key)
  if (algorithm.startsWith('ES')) return sign(digest, data, { key, dsaEncoding: 'ieee-p1363' })
  if (algorithm.startsWith('RS')) return sign(digest, data, key)
  const saltLength = constants.RSA_PSS_SALTLEN_DIGEST
  return sign(digest, data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength })
}

export function base64url(content: string | Uint8Array): string {
  return Buffer.from(content).toString('base64url')
}

/** What differs from a token that is accepted. A member that is `undefined` is left out. */
export interface TokenSpec {
  /** Whose token it says it is; default the main issuer. */
  readonly issuer?: WorldIssuer
  /** Signs, and gives `alg` and `kid`; default the first key of the issuer. */
  readonly key?: TestKey
  /** Signs as this, and gives `alg`; default that of the key. */
  readonly algorithm?: string
  /** Signs in place of the key. */
  readonly secret?: Uint8Array
  readonly header?: Members
  readonly claims?: Members
  /** Stand in place of the JSON of header and payload, byte for byte. */
  readonly rawHeader?: string | Uint8Array
  readonly rawPayload?: string | Uint8Array
  /** Stands in place of the signature. */
  readonly signature?: Uint8Array
}

/** An issuer of the world, and where and what its key server answers. */
export interface WorldIssuer {
  readonly issuer: string
  readonly namePrefix: string
  readonly algorithms: readonly string[]
  readonly key: TestKey
  /** Path of the key set at the key server; `secret` issuers have none. */
  readonly path: string
  readonly published: readonly Members[]
  readonly secret?: Uint8Array
}

/** The issuers, keys and defaults that tokens are built from; a gateway to be attacked is configured with `issuers`. */
export interface TokenWorld {
  readonly audience: string
  readonly requiredClaims: readonly string[]
  readonly main: WorldIssuer
  readonly partner: WorldIssuer
  readonly hmac: WorldIssuer
  readonly issuers: readonly WorldIssuer[]
  readonly keys: ReturnType<typeof makeKeys>
  /** Seconds since 1970. */
  readonly now: () => number
  /** The claims of an accepted token of the issuer. */
  claims(issuer?: WorldIssuer): Members
  token(spec?: TokenSpec): string
  /** What the key server answers, by path. */
  documents(): Readonly<Record<string, unknown>>
}

function makeKeys() {
  const twin = makeKey('twin', 'ES256')
  const shared = makeKey('shared', 'ES256')
  const leaked = makeKey('leaked', 'ES256')
  return {
    es256: makeKey('one', 'ES256', { use: 'sig', alg: 'ES256', key_ops: ['verify'] }),
    es384: makeKey('es384', 'ES384'),
    es512: makeKey('es512', 'ES512'),
    ed25519: makeKey('ed25519', 'EdDSA', { use: 'sig' }),
    rsa: makeKey('rsa', 'RS256'),
    forPs256: makeKey('ps256-only', 'PS256', { alg: 'PS256' }),
    weakRsa: makeKey('weak', 'weakRS256'),
    encryption: makeKey('encryption', 'ES256', { use: 'enc' }),
    derivation: makeKey('derivation', 'ES256', { key_ops: ['deriveBits'] }),
    oddOperations: makeKey('odd-operations', 'ES256', { key_ops: 'verify' }),
    leaked: { ...leaked, jwk: { ...leaked.privateKey.export({ format: 'jwk' }), kid: 'leaked' } },
    broken: makeKey('broken', 'ES256', { x: 'AAAA' }),
    twin,
    otherTwin: makeKey('twin', 'ES256'),
    shared,
    sharedRsa: makeKey('shared', 'RS256'),
    /** Not in any key set (any more). */
    retired: makeKey('retired', 'ES256'),
    /** The attacker's own. */
    attacker: makeKey('attacker', 'ES256'),
    attackerRsa: makeKey('attacker-rsa', 'RS256'),
    /** Has the same kid as the main issuer's first key. */
    partner: makeKey('one', 'ES256'),
    partnerRsa: makeKey('partner-rsa', 'RS256'),
  }
}

function makeIssuers(keys: ReturnType<typeof makeKeys>) {
  const { partner, partnerRsa } = keys
  const notOfMain = [partner, partnerRsa, keys.retired, keys.attacker, keys.attackerRsa]
  const ofMain = Object.values(keys).filter((key) => !notOfMain.includes(key))
  const secret = randomBytes(32)
  const main: WorldIssuer = {
    issuer: 'https://idp.test/',
    namePrefix: '',
    algorithms: ['ES256', 'ES384', 'ES512', 'RS256', 'RS512', 'PS256', 'PS384', 'PS512', 'EdDSA'],
    key: keys.es256,
    path: '/main/jwks.json',
    published: [...ofMain.map(({ jwk }) => jwk), { kty: 'oct', kid: 'symmetric', k: base64url(secret) }],
  }
  const other: WorldIssuer = {
    issuer: 'https://partner.test',
    namePrefix: 'partner-',
    algorithms: ['ES256'],
    key: partner,
    path: '/partner/jwks.json',
    published: [partner.jwk, partnerRsa.jwk],
  }
  const hmac: WorldIssuer = {
    issuer: 'urn:legacy-apps',
    namePrefix: 'legacy-',
    algorithms: ['HS256'],
    key: { ...partner, kid: 'hmac', algorithm: 'HS256' },
    path: '',
    published: [],
    secret,
  }
  return { main, partner: other, hmac }
}

/** Makes a world with keys of its own. `now` in milliseconds since 1970. */
export function makeTokenWorld(now: () => number = Date.now): TokenWorld {
  const keys = makeKeys()
  const { main, partner, hmac } = makeIssuers(keys)
  const seconds = () => Math.floor(now() / 1000)
  const world: TokenWorld = {
    audience: 'memory-gateway',
    requiredClaims: ['client_id'],
    main,
    partner,
    hmac,
    issuers: [main, partner, hmac],
    keys,
    now: seconds,
    claims: (issuer = main) => ({
      iss: issuer.issuer,
      aud: world.audience,
      sub: 'alice',
      client_id: 'tests',
      scope: 'memory:delete',
      iat: seconds(),
      exp: seconds() + 600,
    }),
    token: (spec = {}) => buildToken(world, spec),
    documents: () => ({ [main.path]: { keys: main.published }, [partner.path]: { keys: partner.published } }),
  }
  return world
}

function buildToken(world: TokenWorld, spec: TokenSpec): string {
  const issuer = spec.issuer ?? world.main
  const key = spec.key ?? issuer.key
  const algorithm = spec.algorithm ?? key.algorithm
  const header = spec.rawHeader ?? JSON.stringify({ alg: algorithm, kid: key.kid, typ: 'JWT', ...spec.header })
  const payload = spec.rawPayload ?? JSON.stringify({ ...world.claims(issuer), ...spec.claims })
  const input = `${base64url(header)}.${base64url(payload)}`
  const signature = spec.signature ?? signBytes(algorithm, spec.secret ?? issuer.secret ?? key.privateKey, input)
  return `${input}.${base64url(signature)}`
}

/** Generous bounds; a test names the one it is about. */
export const CACHE: KeyCacheOptions = {
  maxAgeMs: 600_000,
  refreshBeforeMs: 60_000,
  cooldownMs: 30_000,
  staleForMs: 3_600_000,
  fetchTimeoutMs: 5000,
  maxBytes: 262_144,
  maxKeys: 100,
}

/** An issuer of the world as the configuration would give it, with its keys at `origin`. */
export function issuerOptions(world: TokenWorld, issuer: WorldIssuer, origin: string): IssuerOptions {
  return {
    issuer: issuer.issuer,
    audience: [world.audience, 'memory-gateway-too'],
    algorithms: issuer.algorithms,
    keys: issuer.secret ? { kind: 'secret', secret: issuer.secret } : { kind: 'jwks', uri: origin + issuer.path },
    clockToleranceMs: 5000,
    requiredClaims: world.requiredClaims,
    types: ['JWT', 'at+jwt'],
    claims: {
      subject: 'sub',
      scopes: 'scope',
      roles: 'roles',
      backendRoles: 'backend_roles',
      container: 'memory_container',
      containers: 'containers',
    },
    keptClaims: ['tenant'],
    namePrefix: issuer.namePrefix,
    cache: CACHE,
  }
}
