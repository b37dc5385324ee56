import type { ClusterFacts } from './facts.ts'
import { few } from './finding.ts'
import type { DoctorSettings, Finding } from './finding.ts'

/** Domains of which the plugin keeps one, and says nothing: who is let in by another of them is let in no more. */
export function findInOrders({ name, sharedOrders }: ClusterFacts, { clusters }: DoctorSettings): readonly Finding[] {
  if (clusters[name]?.passThrough === 'service') return []
  return sharedOrders.map((names) => ({
    id: 'domains-share-an-order',
    severity: 'error',
    about: `clusters.${name}.passThrough.identity`,
    seen: `the authentication domains ${few(names)} of ${name} have the same order`,
    means: `the security plugin uses one of them and drops the others: where that is the one by which callers are known, what is passed through is answered with 401 by the cluster`,
    remedy: {
      text: `give each an order of its own in the security plugin's configuration (${few(names.map((one) => `config.dynamic.authc.${one}.order`))}), those that challenge the highest`,
    },
  }))
}

/** Where requests go on with the caller's own token, to a cluster that makes nothing of it. */
export function findInPassThrough(
  { name, unreadTokens }: ClusterFacts,
  { clusters, issuers }: DoctorSettings,
): readonly Finding[] {
  if (unreadTokens === undefined || clusters[name]?.passThrough !== 'caller') return []
  const passThrough = `clusters.${name}.passThrough`
  const base = { id: 'callers-unknown', about: `${passThrough}.identity` } as const
  if (unreadTokens.kind === 'ignored') {
    return [
      {
        ...base,
        severity: 'warning',
        seen: `${name} answers a request with a token that nobody signed, and requests are passed through with the caller's own (identity caller)`,
        means:
          'every caller has all rights there: nothing but the scopes and rules of the gateway decides on what is passed through, and the cluster is shown tokens that it has no use for',
        remedy: {
          text: 'give the cluster its security plugin; or say that the gateway is the only guard, which then keeps the tokens to itself',
          settings: { [`${passThrough}.identity`]: 'service' },
        },
      },
    ]
  }
  const claims = issuers.find(({ namePrefix }) => namePrefix === '') ?? issuers[0]
  const keys = `subject_key: ${claims?.subjectClaim ?? 'sub'}, roles_key: ${claims?.backendRolesClaim ?? 'roles'}`
  return [
    {
      ...base,
      severity: 'error',
      seen: `requests are passed through with the caller's own token (identity caller), and ${name} reads none: its authentication domains are ${few(unreadTokens.domains) || 'none'}`,
      means: 'what is passed through is answered with 401 by the cluster; deletes of memories work',
      remedy: {
        text: `let the cluster read the tokens, by an authentication domain of type jwt or openid (${keys}) that comes before any that challenges; or, where it has one of type proxy that trusts this machine, set ${passThrough} to { identity: proxyHeaders, cert, key } with a pair that is not the service's`,
      },
    },
  ]
}
