import type { TokenSpec, TokenWorld } from '../support/token-builder.ts'

/** A token that must be accepted: refusing too much breaks callers as surely as refusing too little. */
export interface AcceptedToken {
  readonly name: string
  readonly spec: (world: TokenWorld) => TokenSpec
  /** The header's value, where it is not `Bearer <token>`. */
  readonly header?: (token: string) => string
  /** What the principal must have, beside the subject `alice`; sets as lists. */
  readonly principal?: Readonly<Record<string, unknown>>
}

const claims = (name: string, given: TokenSpec['claims'], principal?: AcceptedToken['principal']): AcceptedToken => ({
  name,
  spec: () => ({ ...(given && { claims: given }) }),
  ...(principal && { principal }),
})

const header = (name: string, given: TokenSpec['header']): AcceptedToken => ({
  name,
  spec: () => ({ ...(given && { header: given }) }),
})

/** JSON of an accepted payload with more text at its end, for what JSON.stringify would not write. */
const raw = (name: string, more: string): AcceptedToken => ({
  name,
  spec: (world) => ({ rawPayload: `${JSON.stringify(world.claims()).slice(0, -1)},${more}}` }),
})

const algorithms: readonly AcceptedToken[] = [
  { name: 'ES256', spec: ({ keys }) => ({ key: keys.es256 }) },
  { name: 'ES384', spec: ({ keys }) => ({ key: keys.es384 }) },
  { name: 'ES512', spec: ({ keys }) => ({ key: keys.es512 }) },
  { name: 'EdDSA', spec: ({ keys }) => ({ key: keys.ed25519 }) },
  ...['RS256', 'RS512', 'PS256', 'PS384', 'PS512'].map((algorithm) => ({
    name: `${algorithm} with a key that names no algorithm`,
    spec: ({ keys }: TokenWorld) => ({ key: keys.rsa, algorithm }),
  })),
  { name: 'PS256 with a key for it alone', spec: ({ keys }) => ({ key: keys.forPs256 }) },
  {
    name: 'HS256 at the issuer with a secret',
    spec: ({ hmac }) => ({ issuer: hmac }),
    principal: { subject: 'legacy-alice', issuer: 'urn:legacy-apps' },
  },
  {
    name: 'HS256 without kid',
    spec: ({ hmac }) => ({ issuer: hmac, header: { kid: undefined } }),
    principal: { subject: 'legacy-alice' },
  },
  { name: 'an EC key whose kid an RSA key has too', spec: ({ keys }) => ({ key: keys.shared }) },
  { name: 'an RSA key whose kid an EC key has too', spec: ({ keys }) => ({ key: keys.sharedRsa }) },
  { name: 'no kid where one key fits', spec: ({ keys }) => ({ key: keys.es384, header: { kid: undefined } }) },
  {
    name: 'no kid at an issuer with one key of the type',
    spec: ({ partner }) => ({ issuer: partner, header: { kid: undefined } }),
    principal: { subject: 'partner-alice', issuer: 'https://partner.test' },
  },
  {
    name: 'a kid that another issuer uses too',
    spec: ({ partner }) => ({ issuer: partner }),
    principal: { subject: 'partner-alice' },
  },
]

const headers: readonly AcceptedToken[] = [
  ...[
    'JWT',
    'jwt',
    'Jwt',
    'at+jwt',
    'AT+JWT',
    'application/at+jwt',
    'application/jwt',
    'Application/At+Jwt',
    'APPLICATION/JWT',
  ].map((typ) => header(`typ ${typ}`, { typ })),
  header('a header with members that mean nothing here', {
    cty: 'JWT',
    x5t: 'AAAA',
    'x5t#S256': 'AAAA',
    url: 'https://a.test',
  }),
  header('a header with zip, which is for encryption', { zip: 'DEF' }),
  {
    name: 'a header with spaces',
    spec: () => ({ rawHeader: ' { "kid" : "one" ,\n\t"typ": "JWT", "alg": "ES256" } ' }),
  },
  {
    name: 'a header with an escape',
    spec: () => ({ rawHeader: '{"k\\u0069d":"\\u006fne","typ":"JWT","alg":"ES256"}' }),
  },
  ...['bearer', 'BEARER', 'bEaReR'].map((scheme) => ({
    name: `the scheme ${scheme}`,
    spec: () => ({}),
    header: (token: string) => `${scheme} ${token}`,
  })),
  { name: 'two spaces after the scheme', spec: () => ({}), header: (token) => `Bearer  ${token}` },
]

const audiences: readonly AcceptedToken[] = [
  claims('the audience in a list', { aud: ['memory-gateway'] }),
  claims('the audience in a list of others', { aud: ['a', 'memory-gateway', 'b'] }),
  claims('the other audience that is accepted', { aud: 'memory-gateway-too' }),
  claims('both audiences', { aud: ['memory-gateway', 'memory-gateway-too'] }),
]

const scopes: readonly AcceptedToken[] = [
  claims('no scope', { scope: undefined }, { scopes: [] }),
  claims('an empty scope', { scope: '' }, { scopes: [] }),
  claims('scope null', { scope: null }, { scopes: [] }),
  claims('one scope', { scope: 'memory:delete' }, { scopes: ['memory:delete'] }),
  claims('several scopes', { scope: 'memory:delete memory:read' }, { scopes: ['memory:delete', 'memory:read'] }),
  claims(
    'scopes with more spaces',
    { scope: '  memory:delete   memory:read ' },
    { scopes: ['memory:delete', 'memory:read'] },
  ),
  claims('the same scope twice', { scope: 'memory:delete memory:delete' }, { scopes: ['memory:delete'] }),
  claims('a list of scopes', { scope: ['memory:delete', 'memory:read'] }, { scopes: ['memory:delete', 'memory:read'] }),
  claims('an empty list of scopes', { scope: [] }, { scopes: [] }),
  claims(
    'scopes with a tab between, which are one',
    { scope: 'memory:delete\tmemory:delete:any' },
    { scopes: ['memory:delete\tmemory:delete:any'] },
  ),
  claims(
    'a scope in a list with a space, which is one',
    { scope: ['memory:delete memory:read'] },
    { scopes: ['memory:delete memory:read'] },
  ),
]

const names: readonly AcceptedToken[] = [
  claims('no roles at all', {}, { roles: [], backendRoles: [], container: undefined, containers: [] }),
  claims(
    'roles null',
    { roles: null, backend_roles: null, memory_container: null, containers: null },
    { roles: [], backendRoles: [] },
  ),
  claims('roles as a list', { roles: ['a', 'b'] }, { roles: ['a', 'b'] }),
  claims('one role as a string', { roles: 'a' }, { roles: ['a'] }),
  claims('backend roles as a list', { backend_roles: ['team a', 'team-b'] }, { backendRoles: ['team a', 'team-b'] }),
  claims('a role called all_access, which means nothing', { roles: ['all_access'] }, { roles: ['all_access'] }),
  claims('a memory container', { memory_container: 'HudqiJkB1SltqOcZusVU' }, { container: 'HudqiJkB1SltqOcZusVU' }),
  claims('a list of containers', { containers: ['a', 'b'] }, { containers: ['a', 'b'] }),
  {
    name: 'roles of an issuer with a prefix',
    spec: ({ partner }) => ({ issuer: partner, claims: { roles: ['a'], backend_roles: ['team'] } }),
    principal: { subject: 'partner-alice', roles: ['partner-a'], backendRoles: ['partner-team'] },
  },
  {
    name: "a subject of the partner that begins with the partner's prefix",
    spec: ({ partner }) => ({ issuer: partner, claims: { sub: 'partner-alice' } }),
    principal: { subject: 'partner-partner-alice' },
  },
  claims('a subject that the prefix of another issuer begins with', { sub: 'partner' }, { subject: 'partner' }),
  claims(
    'a subject with spaces and punctuation',
    { sub: 'auth0|alice smith@example.test' },
    { subject: 'auth0|alice smith@example.test' },
  ),
  claims('a subject outside ASCII', { sub: 'álïçe 🦊 عليسة' }, { subject: 'álïçe 🦊 عليسة' }),
  claims('a subject of 1 KB', { sub: 'a'.repeat(1024) }, { subject: 'a'.repeat(1024) }),
]

const times: readonly AcceptedToken[] = [
  { name: 'expired, within the tolerance', spec: (world) => ({ claims: { exp: world.now() - 4 } }) },
  { name: 'not valid yet, within the tolerance', spec: (world) => ({ claims: { nbf: world.now() + 5 } }) },
  { name: 'issued in the future, within the tolerance', spec: (world) => ({ claims: { iat: world.now() + 5 } }) },
  { name: 'exp with a fraction', spec: (world) => ({ claims: { exp: world.now() + 0.5 } }) },
  {
    name: 'exp with an exponent',
    spec: (world) => ({
      rawPayload: JSON.stringify({ ...world.claims(), exp: 0 }).replace('"exp":0', '"exp":8.64e12'),
    }),
  },
  { name: 'a token of ninety days', spec: (world) => ({ claims: { exp: world.now() + 90 * 86_400 } }) },
  claims('no iat and no nbf', { iat: undefined }),
  claims('iat long ago', { iat: 0, nbf: 0 }),
]

const payloads: readonly AcceptedToken[] = [
  raw('claims that mean nothing here', '"acr":"1","azp":"app","realm_access":{"roles":["a"]},"active":true,"n":null'),
  raw('a value of 2,000 nested lists', `"deep":${'['.repeat(2000)}${']'.repeat(2000)}`),
  raw('the same member in two objects', '"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":1}],"d":{"d":{"d":1}}'),
  raw('strings that look like members', '"a":"\\"sub\\":","b":"{\\"iss\\":1}","c":["sub","sub"],"d":"\\\\"'),
  raw('a member named __proto__', '"__proto__":{"sub":"root"},"constructor":{"prototype":1}'),
  raw('an empty member name', '"":1,"a":{"":2}'),
  { name: 'a token of almost 8 KiB', spec: () => ({ claims: { padding: 'x'.repeat(5800) } }) },
  {
    name: 'a payload with spaces and line breaks',
    spec: (world) => ({ rawPayload: JSON.stringify(world.claims(), undefined, 4) }),
  },
]

export const acceptedTokens: readonly AcceptedToken[] = [
  ...algorithms,
  ...headers,
  ...audiences,
  ...scopes,
  ...names,
  ...times,
  ...payloads,
]
