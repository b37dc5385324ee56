import type { IdentityFacts, TokenDomain } from '../../core/doctor/facts.ts'
import type { ClusterClient } from '../client.ts'
import { isObject } from '../reading.ts'
import type { JsonObject } from '../reading.ts'

/** Who the security plugin says that the service identity is. @returns `undefined` where there is no security plugin */
export async function readIdentity(client: ClusterClient, signal: AbortSignal): Promise<IdentityFacts | undefined> {
  const body = await read(client, '/_plugins/_security/authinfo', signal)
  if (body === undefined || typeof body['user_name'] !== 'string') return undefined
  const certificate = body['principal']
  return {
    user: body['user_name'],
    roles: Array.isArray(body['roles']) ? body['roles'].map(String) : [],
    certificate: typeof certificate === 'string' ? certificate : undefined,
  }
}

/** How the security plugin reads bearer tokens. @returns `undefined` where the service identity may not know */
export async function readTokenDomains(
  client: ClusterClient,
  signal: AbortSignal,
): Promise<readonly TokenDomain[] | undefined> {
  const body = await read(client, '/_plugins/_security/api/securityconfig', signal)
  const domains = at(body, 'config', 'dynamic', 'authc')
  if (domains === undefined) return undefined
  return Object.entries(domains).flatMap(([name, domain]): readonly TokenDomain[] => {
    const authenticator = at(domain, 'http_authenticator')
    const type = authenticator?.['type']
    if (!isObject(domain) || domain['http_enabled'] !== true || (type !== 'jwt' && type !== 'openid')) return []
    const config = at(authenticator, 'config') ?? {}
    return [{ name, type, subjectKey: claimOf(config['subject_key']), rolesKey: claimOf(config['roles_key']) }]
  })
}

/** A nested claim is written as a list of its steps. */
function claimOf(key: unknown): string | undefined {
  if (typeof key === 'string' && key !== '') return key
  return Array.isArray(key) && key.length > 0 ? key.join('.') : undefined
}

async function read(client: ClusterClient, path: string, signal: AbortSignal): Promise<JsonObject | undefined> {
  const { status, body } = await client.request({ method: 'GET', path, isRepeatable: true }, signal)
  return status === 200 && isObject(body) ? body : undefined
}

function at(value: unknown, ...path: readonly string[]): JsonObject | undefined {
  const found = path.reduce<unknown>((inside, name) => (isObject(inside) ? inside[name] : undefined), value)
  return isObject(found) ? found : undefined
}
