import { admissionOf, holds, valuesAt } from '../access.ts'
import type { AccessPolicy } from '../access.ts'
import type { Container } from '../backing-index.ts'
import type { Principal } from '../principal.ts'

const OVERRIDE = 'memory:delete:any'

/**
 * By which rule a delete that was granted is the caller's: what admitted them to the container, and what made the memory theirs, as in `owner/owner_id`.
 * The second is the field that named them, the scope that overrides ownership, or `unowned`.
 */
export function ruleOf(container: Container, source: unknown, principal: Principal, policy: AccessPolicy): string {
  const admission = admissionOf(container, principal, policy, OVERRIDE) ?? 'none'
  if (holds(principal, OVERRIDE)) return `${admission}/${OVERRIDE}`
  const field = policy.ownership.fields.find((name) => valuesAt(source, name.split('.')).length > 0)
  return `${admission}/${field ?? 'unowned'}`
}
