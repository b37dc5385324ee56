import { holds } from '../access.ts'
import type { UpgradeProtocol } from '../asked-upgrade.ts'
import type { Principal } from '../principal.ts'
import type { Refusal } from './decision.ts'
import type { GuardRule } from './rules.ts'

/** What the guard knows of a request that asks for an upgrade, and that goes on in any case. */
interface Upgrading {
  readonly protocol: UpgradeProtocol
  /** The rule that let it through. */
  readonly rule: GuardRule | undefined
  readonly principal: Principal
  /** Whether nothing was said against it, not even by a guard that only observes. */
  readonly isClean: boolean
  /** Whether its cluster is reached as the gateway itself. */
  readonly isService: boolean
}

/**
 * What becomes of the wish to upgrade. `strip`: the request goes on without it, as any other. What an upgraded connection carries is seen by nobody, so it
 * is for those who may reach everything, and never with credentials that are not its caller's.
 */
export function decideUpgrade({
  protocol,
  rule,
  principal,
  isClean,
  isService,
}: Upgrading): 'pass' | 'strip' | Refusal {
  // check: upgrade-clean
  if (!isClean) return 'strip'
  // check: upgrade-rule
  if (rule?.upgrade?.includes(protocol) !== true) return 'strip'
  // check: upgrade-admin
  if (!holds(principal, 'opensearch:admin')) return NOT_INSPECTED
  // check: upgrade-service
  if (isService) return AS_GATEWAY
  return 'pass'
}

const NOT_INSPECTED: Refusal = {
  kind: 'refuse',
  cause: 'unclear',
  reason: 'What an upgraded connection carries is not inspected: only opensearch:admin may have one',
  scope: 'opensearch:admin',
}

const AS_GATEWAY: Refusal = {
  kind: 'refuse',
  cause: 'unclear',
  reason: 'This cluster is reached as the gateway itself, which upgrades no connection for its callers',
  scope: undefined,
}
