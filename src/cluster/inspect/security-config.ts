import type { ProxySettings, TokenDomain, TrustedKeys, UnreadTokens } from '../../core/doctor/facts.ts'
import { isObject } from '../reading.ts'
import type { JsonObject } from '../reading.ts'

/** A domain that reads bearer tokens, and where its keys are. */
export interface ReadingDomain extends Omit<TokenDomain, 'keys'> {
  readonly trusted: TrustedKeys | undefined
}

/** How the security plugin reads bearer tokens. @param dynamic `config.dynamic` of its configuration */
export function tokensIn(dynamic: JsonObject): {
  readonly domains: readonly ReadingDomain[]
  readonly unread: UnreadTokens | undefined
} {
  const enabled = domainsIn(dynamic)
  const domains = enabled.filter(isReader).map(describe)
  return { domains, unread: unreadIn(enabled, domains) }
}

/** What proxy authentication hangs on. */
export function proxySettingsIn(dynamic: JsonObject): ProxySettings {
  const xff = at(dynamic, 'http', 'xff') ?? {}
  const proxies = domainsIn(dynamic).filter(({ type }) => type === 'proxy' || type === 'extended-proxy')
  return {
    domains: proxies.map(({ name, config, behind }) => ({
      name,
      userHeader: textOf(config['user_header']) ?? '',
      behind,
    })),
    isXffEnabled: xff['enabled'] === true,
    xffHeader: textOf(xff['remoteIpHeader']) ?? 'X-Forwarded-For',
    internalProxies: textOf(xff['internalProxies']),
  }
}

interface Domain {
  readonly name: string
  readonly type: string
  readonly config: JsonObject
  readonly behind: string | undefined
}

/** Those for HTTP that are switched on, in the order in which the plugin asks them. */
function domainsIn(dynamic: JsonObject): readonly Domain[] {
  const ordered = orderedIn(dynamic)
  return ordered.map(({ name, type, config, order }) => {
    const behind = ordered.find((one) => one.order < order && one.challenges && hasNobodyGoOn(one))
    return { name, type, config, behind: behind?.name }
  })
}

/** Domains that have one order: the plugin keeps a set by order, and so one of them only. */
export function sharedOrdersIn(dynamic: JsonObject): readonly (readonly string[])[] {
  const byOrder = Map.groupBy(orderedIn(dynamic), ({ order }) => order)
  return [...byOrder.values()].filter(({ length }) => length > 1).map((some) => some.map(({ name }) => name))
}

function orderedIn(dynamic: JsonObject) {
  const enabled = Object.entries(at(dynamic, 'authc') ?? {}).flatMap(([name, domain]) => {
    const authenticator = at(domain, 'http_authenticator')
    if (!isObject(domain) || domain['http_enabled'] !== true || authenticator === undefined) return []
    const config = at(authenticator, 'config') ?? {}
    // Both by default, as in the plugin's ConfigV7.
    const order = Number(domain['order'] ?? 0)
    return [
      { name, type: String(authenticator['type']), config, order, challenges: authenticator['challenge'] !== false },
    ]
  })
  return enabled.sort((one, other) => one.order - other.order)
}

/** The plugin's types that answer 401 where there is nothing that they read; those of certificates and of proxies have nothing to ask for. */
const CHALLENGING = new Set(['basic', 'kerberos', 'saml'])

const hasNobodyGoOn = (domain: Pick<Domain, 'type' | 'config'>): boolean =>
  CHALLENGING.has(domain.type) || (isReader(domain) && !readsAuthorization(headerOf(domain.config)))

const isReader = ({ type }: Pick<Domain, 'type'>): boolean => type === 'jwt' || type === 'openid'

const headerOf = (config: JsonObject): string | undefined => textOf(config['jwt_header'])

/** What is passed through has the token where every OAuth client writes it. */
const readsAuthorization = (header: string | undefined): boolean =>
  header === undefined || header.toLowerCase() === 'authorization'

function describe({ name, type, config, behind }: Domain): ReadingDomain {
  return {
    name,
    type,
    header: headerOf(config),
    subjectKey: claimOf(config['subject_key']),
    rolesKey: claimOf(config['roles_key']),
    behind,
    trusted: trustedIn(type, config),
  }
}

function trustedIn(type: string, config: JsonObject): TrustedKeys | undefined {
  const keySet = textOf(config['jwks_uri'])
  if (keySet !== undefined) return { kind: 'jwks', uri: keySet }
  const discovery = textOf(config['openid_connect_url'])
  if (type === 'openid') return discovery === undefined ? undefined : { kind: 'discovery', uri: discovery }
  const given = config['signing_key']
  const texts = (Array.isArray(given) ? given : [given]).filter((one) => typeof one === 'string')
  return texts.length === 0 ? undefined : { kind: 'given', texts }
}

/** The plugin's types of domains that make nothing of an issuer's token. It takes names of classes too, of which nothing is known. */
const READING_NO_TOKENS = new Set(['basic', 'clientcert', 'extended-proxy', 'kerberos', 'proxy', 'saml'])

function unreadIn(enabled: readonly Domain[], reading: readonly ReadingDomain[]): UnreadTokens | undefined {
  const mayRead = ({ name, type }: Domain): boolean => {
    const read = reading.find((domain) => domain.name === name)
    return read === undefined ? !READING_NO_TOKENS.has(type) : readsAuthorization(read.header)
  }
  if (enabled.some(mayRead)) return undefined
  return { kind: 'refused', domains: enabled.map(({ name, type }) => `${name} (${type})`) }
}

/** A nested claim is written as a list of its steps. */
function claimOf(key: unknown): string | undefined {
  return Array.isArray(key) && key.length > 0 ? key.join('.') : textOf(key)
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

/** The object at a path of names. */
export function at(value: unknown, ...path: readonly string[]): JsonObject | undefined {
  const found = path.reduce<unknown>((inside, name) => (isObject(inside) ? inside[name] : undefined), value)
  return isObject(found) ? found : undefined
}
