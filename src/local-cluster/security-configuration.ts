import { distinguishedName } from './certificates.ts'

/** Lets the cluster itself read the bearer tokens that the gateway reads. */
export interface JwtOptions {
  /** Public keys as PEM (SPKI), RSA or EC. A token signed by any of them is accepted. */
  readonly publicKeys: readonly string[]
}

/** The one internal user: it has all that a user can have (role all_access), and is no super admin for all that. */
export const ADMIN_USER = { username: 'admin', password: 'local-cluster-admin' } as const

// bcrypt of that password, made with the plugin's own org.opensearch.security.tools.Hasher; 5 rounds, to be quick.
const ADMIN_HASH = '$2y$05$3aw8yaQZ7J6TtvsOQ/H.J.d6qkf3DEBhHOb9Be5SdfJiVkKeu/srG'

/** Lines of opensearch.yml. Paths are relative to its folder, in which the plugin wants them. */
export function securitySettings(): Record<string, unknown> {
  const tls = (layer: string) => ({
    [`plugins.security.ssl.${layer}.pemcert_filepath`]: 'node.pem',
    [`plugins.security.ssl.${layer}.pemkey_filepath`]: 'node-key.pem',
    [`plugins.security.ssl.${layer}.pemtrustedcas_filepath`]: 'ca.pem',
  })
  return {
    ...tls('transport'),
    'plugins.security.ssl.transport.enforce_hostname_verification': false,
    ...tls('http'),
    'plugins.security.ssl.http.enabled': true,
    'plugins.security.ssl.http.clientauth_mode': 'OPTIONAL',
    'plugins.security.authcz.admin_dn': [distinguishedName('admin')],
    'plugins.security.nodes_dn': [distinguishedName('node')],
    'plugins.security.restapi.roles_enabled': ['all_access'],
    'plugins.security.allow_default_init_securityindex': true,
    'plugins.security.system_indices.enabled': true,
    'plugins.security.system_indices.indices': ['.plugins-ml-*'],
  }
}

/**
 * The files of config/opensearch-security that differ from those that the plugin comes with: file name -> text.
 * JSON, which is YAML too. Source of the keys: the comments of the plugin's own config.yml.
 */
export function securityFiles(jwt: JwtOptions | undefined): Map<string, string> {
  const users = { [ADMIN_USER.username]: { hash: ADMIN_HASH, reserved: true, backend_roles: ['admin'] } }
  const domains = {
    proxy_auth_domain: proxyDomain(0),
    ...(jwt === undefined ? {} : { jwt_auth_domain: jwtDomain(1, jwt) }),
    basic: basicDomain(2),
  }
  // Who connects from this address is believed about who is calling: the plugin looks at nothing else.
  const xff = { enabled: true, internalProxies: '127\\.0\\.0\\.1', remoteIpHeader: 'x-forwarded-for' }
  return new Map([
    [
      'config.yml',
      file('config', { config: { dynamic: { http: { anonymous_auth_enabled: false, xff }, authc: domains } } }),
    ],
    ['internal_users.yml', file('internalusers', users)],
  ])
}

function basicDomain(order: number): object {
  return {
    http_enabled: true,
    transport_enabled: true,
    order,
    http_authenticator: { type: 'basic', challenge: true },
    authentication_backend: { type: 'intern' },
  }
}

/** First, so that it shows at once where a caller's own x-proxy-user gets through. */
function proxyDomain(order: number): object {
  return {
    http_enabled: true,
    transport_enabled: false,
    order,
    http_authenticator: {
      type: 'proxy',
      challenge: false,
      config: { user_header: 'x-proxy-user', roles_header: 'x-proxy-roles' },
    },
    authentication_backend: { type: 'noop' },
  }
}

function jwtDomain(order: number, { publicKeys }: JwtOptions): object {
  return {
    http_enabled: true,
    transport_enabled: false,
    order,
    http_authenticator: {
      type: 'jwt',
      challenge: false,
      config: {
        signing_key: publicKeys,
        jwt_header: 'Authorization',
        subject_key: 'sub',
        roles_key: 'roles',
        jwt_clock_skew_tolerance_seconds: 30,
      },
    },
    authentication_backend: { type: 'noop' },
  }
}

function file(type: string, content: object): string {
  return JSON.stringify({ _meta: { type, config_version: 2 }, ...content }, undefined, 2)
}
