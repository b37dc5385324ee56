import type { ClusterFacts, ProxiedFacts } from './facts.ts'
import { few } from './finding.ts'
import type { Finding } from './finding.ts'

/** Where the gateway says who is calling, and the cluster does not believe it. */
export function findInProxyHeaders({ name, proxied }: ClusterFacts): readonly Finding[] {
  if (proxied === undefined || proxied.isBelieved) return []
  const { takenFor } = proxied
  const about = `clusters.${name}.passThrough.identity`
  const became = takenFor === undefined ? 'is answered with 401' : `is taken for one of ${takenFor}`
  const [why, remedy] = explain(proxied)
  return [
    {
      id: 'proxy-headers-ignored',
      severity: 'error',
      about,
      seen: `requests are passed through with x-proxy-user (identity proxyHeaders), and at ${name} such a request ${became}${why}`,
      means: `${takenFor === undefined ? 'what is passed through is answered with 401 by the cluster' : `what is passed through has the rights of ${takenFor}, whoever calls`}; deletes of memories work`,
      remedy: { text: remedy },
    },
  ]
}

const DOMAIN = 'type: proxy, challenge: false, config: { user_header: x-proxy-user, roles_header: x-proxy-roles }'

/** The first thing that stands in the way, and what takes it away: what comes after it is seen then. */
function explain({ address, settings }: ProxiedFacts): readonly [why: string, remedy: string] {
  const match = `config.dynamic.http.xff.internalProxies match the gateway's address${address === undefined ? '' : ` ${address}`}, and no caller's`
  if (settings === undefined) {
    return [
      '; its configuration is not for the service identity to read',
      `let the security plugin's configuration have an authentication domain (${DOMAIN}) before any that challenges, config.dynamic.http.xff.enabled: true, and ${match}`,
    ]
  }
  const { domains, isXffEnabled, xffHeader, internalProxies } = settings
  const readers = domains.filter(({ userHeader }) => userHeader.toLowerCase() === 'x-proxy-user')
  if (readers.length === 0) {
    const others = domains.map(({ name, userHeader }) => `${name} reads ${userHeader || 'no header'}`)
    return [
      `: no authentication domain of type proxy reads x-proxy-user${others.length === 0 ? '' : `; ${few(others)}`}`,
      `give the security plugin's configuration an authentication domain (${DOMAIN}) before any that challenges`,
    ]
  }
  const challenged = readers.find(({ behind }) => behind !== undefined)
  if (challenged !== undefined && readers.every(({ behind }) => behind !== undefined)) {
    const { name, behind = '' } = challenged
    return [
      `: the authentication domain ${name} comes after ${behind}, which challenges`,
      `give config.dynamic.authc.${name} a lower order than ${behind} has`,
    ]
  }
  if (!isXffEnabled) {
    return [': config.dynamic.http.xff.enabled is false', 'set config.dynamic.http.xff.enabled to true']
  }
  if (xffHeader.toLowerCase() !== 'x-forwarded-for') {
    return [
      `: config.dynamic.http.xff.remoteIpHeader is ${xffHeader}`,
      'set config.dynamic.http.xff.remoteIpHeader to x-forwarded-for, which is what the gateway sends',
    ]
  }
  const from = address === undefined ? '' : `, which comes from ${address}`
  return [
    `${from}: config.dynamic.http.xff.internalProxies is ${internalProxies ?? "the plugin's own"}`,
    `let ${match}; or have the gateway connect from an address that it matches`,
  ]
}
