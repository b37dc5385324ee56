import { securedCluster } from '../clusters.ts'
import type { ClusterKind } from '../doctor-ground.ts'
import type { Case } from '../doctor-world.ts'
import { CASES_OF_CALLERS } from './of-callers.ts'
import { CASES_OF_CONTAINERS } from './of-containers.ts'
import { CASES_OF_INDICES } from './of-indices.ts'
import { CASES_OF_ISSUERS } from './of-issuers.ts'
import { CASES_OF_NODES } from './of-nodes.ts'
import { CASES_OF_SECURITY } from './of-security.ts'
import { CASES_OF_TLS } from './of-tls.ts'

const ALL = [
  ...CASES_OF_NODES,
  ...CASES_OF_TLS,
  ...CASES_OF_INDICES,
  ...CASES_OF_CONTAINERS,
  ...CASES_OF_ISSUERS,
  ...CASES_OF_SECURITY,
  ...CASES_OF_CALLERS,
]

/** Every trouble that can be brought to a cluster of this kind, with the clusters that run. */
export function casesFor(kind: ClusterKind): readonly Case[] {
  const hasBoth = securedCluster() !== undefined
  return ALL.filter(({ only, needsBoth }) => (only ?? kind) === kind && (hasBoth || needsBoth !== true))
}
