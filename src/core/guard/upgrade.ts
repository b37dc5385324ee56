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
  if (!isClean || rule?.upgrade?.includes(protocol) !== true) return 'strip'
  if (!holds(principal, 'opensearch:admin')) {
    const reason = 'What an upgraded connection carries is not inspected: only opensearch:admin may have one'
    return { kind: 'refuse', cause: 'unclear', reason, scope: 'opensearch:admin' }
  }
  if (!isService) return 'pass'
  const reason = 'This cluster is reached as the gateway itself, which upgrades no connection for its callers'
  return { kind: 'refuse', cause: 'unclear', reason, scope: undefined }
}
