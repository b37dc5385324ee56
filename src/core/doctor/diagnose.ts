import type { Facts } from './facts.ts'
import { findInContainers } from './find-in-containers.ts'
import { findInIndices } from './find-in-indices.ts'
import { findInIssuer, findInTokenDomains } from './find-in-issuers.ts'
import { findInCertificates, findInNodes } from './find-in-nodes.ts'
import { findInOrders, findInPassThrough } from './find-in-pass-through.ts'
import { findInProxyHeaders } from './find-in-proxy-headers.ts'
import { findInTokens } from './find-in-tokens.ts'
import type { DoctorSettings, Finding } from './finding.ts'

/** All that is wrong with a deployment, errors first. */
export function diagnose(facts: Facts, settings: DoctorSettings): readonly Finding[] {
  const findings = [
    ...facts.clusters.flatMap((cluster) => [
      ...findInNodes(cluster, settings, facts.at),
      ...findInIndices(cluster, settings),
      ...findInContainers(cluster, settings),
      ...findInTokenDomains(cluster, settings),
      ...findInPassThrough(cluster, settings),
      ...findInOrders(cluster, settings),
      ...findInTokens(cluster, facts.issuers, settings),
      ...findInProxyHeaders(cluster),
    ]),
    ...facts.issuers.flatMap((issuer, position) => findInIssuer(issuer, settings, position)),
    ...findInCertificates(facts),
  ]
  return [...findings].sort((one, other) => rank(one) - rank(other))
}

const rank = ({ severity }: Finding): number => (severity === 'error' ? 0 : 1)

/** The exit code of the command: 0 nothing found, 3 warnings only, 4 errors. */
export function exitCodeOfFindings(findings: readonly Finding[]): number {
  if (findings.length === 0) return 0
  return findings.some(({ severity }) => severity === 'error') ? 4 : 3
}
