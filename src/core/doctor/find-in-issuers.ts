import type { ClusterFacts, IssuerFacts } from './facts.ts'
import type { DoctorSettings, Finding } from './finding.ts'

/** What is wrong with an issuer's keys and clock. */
export function findInIssuer(
  { source, keys, error, clockAheadMs }: IssuerFacts,
  { issuers }: DoctorSettings,
  position: number,
): readonly Finding[] {
  const settings = issuers[position]
  if (settings === undefined || source === undefined) return []
  const about = `auth.issuers[${String(position)}]`
  const findings: Finding[] = []
  if (error !== undefined) {
    findings.push({
      id: 'keys-unavailable',
      severity: 'error',
      about,
      seen: `its keys cannot be had from ${source}: ${error}`,
      means: 'tokens of this issuer are answered with 503 once no kept set is left',
      remedy: {
        text: `let this machine reach ${source}, and have it answer with a key set; or correct ${about}.jwks or .discovery`,
      },
    })
  } else if (keys.every(({ algorithms }) => algorithms.length === 0)) {
    const types = [...new Set(keys.map(({ type }) => type))].join(', ')
    findings.push({
      id: 'keys-do-not-fit',
      severity: 'error',
      about: `${about}.algorithms`,
      seen: `${source} has ${keys.length === 0 ? 'no keys' : `keys of type ${types}, none`} for ${settings.algorithms.join(', ')}`,
      means: 'every token of this issuer is refused with 401',
      remedy: {
        text: `set ${about}.algorithms to those that the issuer signs with (RSA keys: RS256 or PS256; EC: ES256)`,
      },
    })
  }
  // A Date has whole seconds.
  if (clockAheadMs !== undefined && Math.abs(clockAheadMs) > settings.clockToleranceMs + 1_000) {
    const seconds = Math.round(Math.abs(clockAheadMs) / 1_000)
    findings.push({
      id: 'clock-skew',
      severity: 'warning',
      about: `${about}.clockTolerance`,
      seen: `the clock of ${source} is ${String(seconds)} s ${clockAheadMs > 0 ? 'ahead of' : 'behind'} this machine's, and ${String(settings.clockToleranceMs / 1_000)} s are tolerated`,
      means:
        clockAheadMs > 0
          ? 'tokens that say nbf are refused while they are young, and all live longer than they should'
          : 'tokens are taken for expired too early',
      remedy: { text: 'set both clocks by NTP' },
    })
  }
  return findings
}

/** Where the cluster and the gateway read different names out of one token. */
export function findInTokenDomains(
  { name, tokenDomains }: ClusterFacts,
  { issuers, clusters }: DoctorSettings,
): readonly Finding[] {
  const isBare = issuers.findIndex(({ namePrefix }) => namePrefix === '')
  const issuer = issuers[isBare]
  if (tokenDomains === undefined || tokenDomains.length === 0 || issuer === undefined) return []
  if (clusters[name]?.passThrough !== 'caller') return []
  const asked = tokenDomains.map(({ subjectKey }) => subjectKey ?? 'sub')
  const roles = tokenDomains.flatMap(({ rolesKey }) => (rolesKey === undefined ? [] : [rolesKey]))
  const claims = `auth.issuers[${String(isBare)}].claims`
  return [
    ...differs('subject-key-differs', name, `${claims}.subject`, asked, issuer.subjectClaim),
    ...differs('roles-key-differs', name, `${claims}.backendRoles`, roles, issuer.backendRolesClaim),
  ]
}

const DIFFERENCES = {
  'subject-key-differs': {
    severity: 'error',
    takes: 'the user',
    means:
      'memories and containers name other owners than the gateway compares with: owners are refused their own, or somebody of that name is let in',
  },
  'roles-key-differs': {
    severity: 'warning',
    takes: 'backend roles',
    means:
      'who is admitted to a container by a backend role at the cluster is not admitted here, or the other way round',
  },
} as const

function differs(
  id: keyof typeof DIFFERENCES,
  cluster: string,
  about: string,
  theirs: readonly string[],
  ours: string,
): readonly Finding[] {
  if (theirs.length === 0 || theirs.includes(ours)) return []
  const { severity, takes, means } = DIFFERENCES[id]
  const seen = `the security plugin of ${cluster} takes ${takes} from the claim ${theirs.join(' or ')}, the gateway from ${ours}`
  const remedy = { text: 'read the same claim as the cluster', settings: { [about]: theirs[0] } }
  return [{ id, severity, about, seen, means, remedy }]
}
