import type { Container } from './backing-index.ts'
import { GatewayError } from './failure.ts'
import type { Override, Principal, Scope } from './principal.ts'

/** Whose memories are whose, as the operator set it. */
export interface AccessPolicy {
  readonly ownership: {
    /** Fields of a memory that may name its owner, dotted for nested ones, in order: the first that is present decides. */
    readonly fields: readonly string[]
    /** What happens to a memory that has none of them, for callers without the scope that overrides ownership. */
    readonly unowned: 'deny' | 'allow'
  }
  /** Who is admitted to a container that names neither an owner nor backend roles. */
  readonly containersWithoutOwner: 'allow' | 'scope' | 'deny'
}

export function holds(principal: Principal, scope: Scope): boolean {
  return principal.scopes.has(scope)
}

/**
 * Lets a caller with any of the scopes pass; the first one is named to everybody else.
 * @throws GatewayError insufficientScope
 */
export function requireScope(principal: Principal, ...scopes: readonly [Scope, ...Scope[]]): void {
  if (scopes.some((scope) => holds(principal, scope))) return
  const reason = `The bearer token lacks the scope for this request: ${scopes[0]}`
  throw new GatewayError('insufficientScope', { scope: scopes[0], reason })
}

/** Whether the caller may use the container at all. A role named `all_access` in a token means nothing here. */
export function admits(container: Container, principal: Principal, policy: AccessPolicy, override: Override): boolean {
  return admissionOf(container, principal, policy, override) !== undefined
}

/** What admits a caller to a container. */
export type Admission = 'scope' | 'ownerless' | 'containersClaim' | 'owner' | 'backendRole'

/** By what the caller is admitted to the container; `undefined` where by nothing. */
export function admissionOf(
  container: Container,
  principal: Principal,
  policy: AccessPolicy,
  override: Override,
): Admission | undefined {
  if (holds(principal, override)) return 'scope'
  if (!container.hasOwner) {
    switch (policy.containersWithoutOwner) {
      case 'allow':
        return 'ownerless'
      case 'scope':
        return principal.containers.includes(container.id) ? 'containersClaim' : undefined
      case 'deny':
        return undefined
    }
  }
  return admissionByName(container, principal)
}

/** Whether the container itself names the caller: as its owner, or by a backend role. */
export function namesCaller(container: Container, principal: Principal, override: Override): boolean {
  return holds(principal, override) || admissionByName(container, principal) !== undefined
}

function admissionByName(container: Container, principal: Principal): 'owner' | 'backendRole' | undefined {
  if (container.ownerName === principal.subject) return 'owner'
  return container.backendRoles.some((role) => principal.backendRoles.includes(role)) ? 'backendRole' : undefined
}

/** Whether this memory, of a container that admitted the caller, is theirs. */
export function owns(source: unknown, principal: Principal, policy: AccessPolicy, override: Override): boolean {
  if (holds(principal, override)) return true
  for (const field of policy.ownership.fields) {
    const values = valuesAt(source, field.split('.'))
    if (values.length > 0) return values.every((value) => value === principal.subject)
  }
  return policy.ownership.unowned === 'allow'
}

/**
 * All values under a path, however the stored document spells it: `{"a":{"b":1}}` and `{"a.b":1}` are the same field for the cluster.
 * `null` is absence, as it is for the cluster's `exists` query. A list is one value, and so never equals a name.
 */
export function valuesAt(source: unknown, path: readonly string[]): readonly unknown[] {
  if (source === undefined || source === null) return []
  if (path.length === 0) return [source]
  if (typeof source !== 'object' || Array.isArray(source)) return []
  return path.flatMap((_, position) => {
    const key = path.slice(0, position + 1).join('.')
    return Object.hasOwn(source, key)
      ? valuesAt((source as Readonly<Record<string, unknown>>)[key], path.slice(position + 1))
      : []
  })
}

/** The fields of a memory's document that a decision needs, at their top level: a dotted name in a source filter costs the node far more. */
export function fieldsToRead(policy: AccessPolicy): readonly string[] {
  const topLevel = policy.ownership.fields.map((field) => field.split('.')[0] ?? field)
  return [...new Set(['memory_container_id', ...topLevel])]
}
