import type { IdentityFacts, TokenDomain, UnreadTokens } from '../../core/doctor/facts.ts'
import type { ClusterClient } from '../client.ts'
import { isObject } from '../reading.ts'
import type { JsonObject } from '../reading.ts'

/** The cluster knows no request of the security plugin's: it is not installed, or disabled. */
export const NO_PLUGIN = 'noPlugin'

/** Who the security plugin says that the service identity is. @returns `undefined` where it does not say */
export async function readIdentity(
  client: ClusterClient,
  signal: AbortSignal,
): Promise<IdentityFacts | typeof NO_PLUGIN | undefined> {
  const { status, body } = await ask(client, '/_plugins/_security/authinfo', signal)
  if (status === 400 && isObject(body) && String(body['error']).startsWith('no handler found')) return NO_PLUGIN
  if (status !== 200 || !isObject(body) || typeof body['user_name'] !== 'string') return undefined
  const certificate = body['principal']
  return {
    user: body['user_name'],
    roles: Array.isArray(body['roles']) ? body['roles'].map(String) : [],
    certificate: typeof certificate === 'string' ? certificate : undefined,
  }
}

/** Of the form of a token, and signed by nobody. Shown only where there is no security plugin: one would count and record a failed login. */
export const NOBODYS_TOKEN = [{ alg: 'ES256', typ: 'JWT' }, { sub: 'memory-gateway-doctor' }]
  .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  .concat(Buffer.alloc(64).toString('base64url'))
  .join('.')

/** Whether the cluster answers whoever asks. @param stranger asks with a token that nobody signed */
export async function ignoresTokens(stranger: ClusterClient, signal: AbortSignal): Promise<boolean> {
  return (await ask(stranger, '/', signal)).status === 200
}

/** How the security plugin reads bearer tokens. @returns `undefined` where the service identity may not know */
export async function readTokens(
  client: ClusterClient,
  signal: AbortSignal,
): Promise<{ readonly domains: readonly TokenDomain[]; readonly unread: UnreadTokens | undefined } | undefined> {
  const { status, body } = await ask(client, '/_plugins/_security/api/securityconfig', signal)
  const domains = status === 200 ? at(body, 'config', 'dynamic', 'authc') : undefined
  if (domains === undefined) return undefined
  const enabled = Object.entries(domains).flatMap(([name, domain]): readonly Domain[] => {
    const authenticator = at(domain, 'http_authenticator')
    if (!isObject(domain) || domain['http_enabled'] !== true || authenticator === undefined) return []
    return [{ name, type: String(authenticator['type']), config: at(authenticator, 'config') ?? {} }]
  })
  const reading = enabled.filter(({ type }) => type === 'jwt' || type === 'openid').map(describe)
  return { domains: reading, unread: unreadIn(enabled, reading) }
}

interface Domain {
  readonly name: string
  readonly type: string
  readonly config: JsonObject
}

function describe({ name, type, config }: Domain): TokenDomain {
  const header = config['jwt_header']
  return {
    name,
    type,
    header: typeof header === 'string' && header !== '' ? header : undefined,
    subjectKey: claimOf(config['subject_key']),
    rolesKey: claimOf(config['roles_key']),
  }
}

/** The plugin's types of domains that make nothing of an issuer's token. It takes names of classes too, of which nothing is known. */
const READING_NO_TOKENS = new Set(['basic', 'clientcert', 'extended-proxy', 'kerberos', 'proxy', 'saml'])

function unreadIn(enabled: readonly Domain[], reading: readonly TokenDomain[]): UnreadTokens | undefined {
  const mayRead = ({ name, type }: Domain): boolean => {
    const read = reading.find((domain) => domain.name === name)
    // What is passed through has the token where every OAuth client writes it.
    return read === undefined
      ? !READING_NO_TOKENS.has(type)
      : read.header === undefined || read.header.toLowerCase() === 'authorization'
  }
  if (enabled.some(mayRead)) return undefined
  return { kind: 'refused', domains: enabled.map(({ name, type }) => `${name} (${type})`) }
}

/** A nested claim is written as a list of its steps. */
function claimOf(key: unknown): string | undefined {
  if (typeof key === 'string' && key !== '') return key
  return Array.isArray(key) && key.length > 0 ? key.join('.') : undefined
}

const ask = (client: ClusterClient, path: string, signal: AbortSignal) =>
  client.request({ method: 'GET', path, isRepeatable: true }, signal)

function at(value: unknown, ...path: readonly string[]): JsonObject | undefined {
  const found = path.reduce<unknown>((inside, name) => (isObject(inside) ? inside[name] : undefined), value)
  return isObject(found) ? found : undefined
}
