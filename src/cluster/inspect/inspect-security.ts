import type { IdentityFacts, ProxiedFacts } from '../../core/doctor/facts.ts'
import type { ClusterClient } from '../client.ts'
import { isObject } from '../reading.ts'
import type { JsonObject } from '../reading.ts'
import { at } from './security-config.ts'

/** The cluster knows no request of the security plugin's: it is not installed, or disabled. */
export const NO_PLUGIN = 'noPlugin'

const AUTHINFO = '/_plugins/_security/authinfo'
/** Whom nobody is called. */
const NOBODY = 'memory-gateway-doctor'

/** Who the security plugin says that the service identity is. @returns `undefined` where it does not say */
export async function readIdentity(
  client: ClusterClient,
  signal: AbortSignal,
): Promise<IdentityFacts | typeof NO_PLUGIN | undefined> {
  const { status, body } = await ask(client, AUTHINFO, signal)
  if (status === 400 && isObject(body) && String(body['error']).startsWith('no handler found')) return NO_PLUGIN
  if (status !== 200 || !isObject(body) || typeof body['user_name'] !== 'string') return undefined
  const certificate = body['principal']
  return {
    user: body['user_name'],
    roles: Array.isArray(body['roles']) ? body['roles'].map(String) : [],
    certificate: typeof certificate === 'string' ? certificate : undefined,
    address: /^\[?(?<address>[^\]]+?)\]?:\d+$/.exec(String(body['remote_address']))?.groups?.['address'],
  }
}

/** Of the form of a token, and signed by nobody. Shown only where there is no security plugin: one would count and record a failed login. */
export const NOBODYS_TOKEN = [{ alg: 'ES256', typ: 'JWT' }, { sub: NOBODY }]
  .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  .concat(Buffer.alloc(64).toString('base64url'))
  .join('.')

/** Whether the cluster answers whoever asks. @param stranger asks with a token that nobody signed */
export async function ignoresTokens(stranger: ClusterClient, signal: AbortSignal): Promise<boolean> {
  return (await ask(stranger, '/', signal)).status === 200
}

/** `config.dynamic` of the security plugin. @returns `undefined` where the service identity may not know */
export async function readSecurityConfig(client: ClusterClient, signal: AbortSignal): Promise<JsonObject | undefined> {
  const { status, body } = await ask(client, '/_plugins/_security/api/securityconfig', signal)
  const dynamic = status === 200 ? at(body, 'config', 'dynamic') : undefined
  return at(dynamic, 'authc') === undefined ? undefined : dynamic
}

/**
 * Whether the cluster believes what the gateway says of its callers: nothing but a request that is passed through, made in the name of nobody,
 * can tell. @param passing connects as such a request does @returns `undefined` where it does not say
 */
export async function tryProxyHeaders(
  passing: ClusterClient,
  signal: AbortSignal,
): Promise<Pick<ProxiedFacts, 'isBelieved' | 'takenFor'> | undefined> {
  // RFC 5737: an address of nobody's.
  const headers = { 'x-proxy-user': NOBODY, 'x-forwarded-for': '192.0.2.1' }
  const { status, body } = await passing.request({ method: 'GET', path: AUTHINFO, headers, isRepeatable: true }, signal)
  if (status === 401) return { takenFor: undefined, isBelieved: false }
  if (status !== 200 || !isObject(body) || typeof body['user_name'] !== 'string') return undefined
  return { takenFor: body['user_name'], isBelieved: body['user_name'] === NOBODY }
}

const ask = (client: ClusterClient, path: string, signal: AbortSignal) =>
  client.request({ method: 'GET', path, isRepeatable: true }, signal)
