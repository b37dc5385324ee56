import { inspectTrustedKeys } from '../auth/inspect-keys.ts'
import type { IssuerOptions } from '../auth/issuer.ts'
import type { ClusterClient } from '../cluster/client.ts'
import {
  ignoresTokens,
  NO_PLUGIN,
  NOBODYS_TOKEN,
  readIdentity,
  readSecurityConfig,
  tryProxyHeaders,
} from '../cluster/inspect/inspect-security.ts'
import { proxySettingsIn, sharedOrdersIn, tokensIn } from '../cluster/inspect/security-config.ts'
import type { ReadingDomain } from '../cluster/inspect/security-config.ts'
import type { ConfigFile } from '../config/schema.ts'
import type { ClusterFacts, ProxiedFacts, TokenDomain } from '../core/doctor/facts.ts'
import { openServiceClient } from '../open-service-client.ts'

type Cluster = ConfigFile['clusters'][string]
export type SecurityFacts = Pick<
  ClusterFacts,
  'identity' | 'tokenDomains' | 'unreadTokens' | 'sharedOrders' | 'proxied'
>

export const NOTHING_OF_SECURITY: SecurityFacts = {
  identity: undefined,
  tokenDomains: undefined,
  unreadTokens: undefined,
  sharedOrders: [],
  proxied: undefined,
}

interface Question {
  readonly name: string
  readonly cluster: Cluster
  /** Asks as the service identity. */
  readonly client: ClusterClient
  readonly issuers: readonly IssuerOptions[]
  readonly timeout: () => AbortSignal
}

/** What the security plugin says of the service identity, of tokens, and of what the gateway says of its callers. Never rejects. */
export async function inspectSecurity(question: Question): Promise<SecurityFacts> {
  const { cluster, client, issuers, timeout } = question
  const identity = await orUndefined(readIdentity(client, timeout()))
  if (identity === undefined) return NOTHING_OF_SECURITY
  if (identity === NO_PLUGIN) return { ...NOTHING_OF_SECURITY, ...(await inspectWithoutPlugin(question)) }
  const dynamic = await orUndefined(readSecurityConfig(client, timeout()))
  const tokens = dynamic === undefined ? undefined : tokensIn(dynamic)
  const comparesKeys = cluster.passThrough.identity === 'caller'
  const believed = await tryProxied(question)
  return {
    identity,
    tokenDomains:
      tokens && (await Promise.all(tokens.domains.map((one) => withKeys(one, comparesKeys ? issuers : [])))),
    unreadTokens: tokens?.unread,
    sharedOrders: dynamic === undefined ? [] : sharedOrdersIn(dynamic),
    proxied: believed && {
      ...believed,
      address: identity.address,
      settings: dynamic === undefined ? undefined : proxySettingsIn(dynamic),
    },
  }
}

/** As a caller comes there: with a token, and nothing of the service identity's. */
async function inspectWithoutPlugin({ name, cluster, timeout }: Question): Promise<Partial<SecurityFacts>> {
  const stranger = openServiceClient(name, { ...cluster, service: { kind: 'bearer', token: NOBODYS_TOKEN } }).client
  try {
    const isIgnored = await orUndefined(ignoresTokens(stranger, timeout()))
    return isIgnored === true ? { unreadTokens: { kind: 'ignored' } } : {}
  } finally {
    await stranger.close()
  }
}

async function tryProxied({
  name,
  cluster,
  timeout,
}: Question): Promise<Pick<ProxiedFacts, 'isBelieved' | 'takenFor'> | undefined> {
  const { identity, cert, key } = cluster.passThrough
  if (identity !== 'proxyHeaders' || cert === undefined || key === undefined) return undefined
  const passing = openServiceClient(name, { ...cluster, service: { kind: 'clientCertificate', cert, key } }).client
  try {
    return await orUndefined(tryProxyHeaders(passing, timeout()))
  } finally {
    await passing.close()
  }
}

/** @param issuers whose keys they are compared with: they are fetched as the first's own are */
async function withKeys(
  { trusted, ...domain }: ReadingDomain,
  [issuer]: readonly IssuerOptions[],
): Promise<TokenDomain> {
  if (trusted === undefined || issuer === undefined) return { ...domain, keys: undefined }
  return { ...domain, keys: await inspectTrustedKeys(trusted, issuer.cache) }
}

async function orUndefined<Value>(value: Promise<Value>): Promise<Value | undefined> {
  return value.catch(() => undefined)
}
