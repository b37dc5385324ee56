import { admits, owns } from './access.ts'
import type { AccessPolicy } from './access.ts'
import { backingIndexOf } from './backing-index.ts'
import type { BackingIndex, Container } from './backing-index.ts'
import { GatewayError } from './failure.ts'
import { belongsTo } from './look.ts'
import type { FoundPlace, Look, Place } from './look.ts'
import type { MemoryType } from './memory.ts'
import type { Override, Principal } from './principal.ts'

/** Why a request for memories ends here: a value, which every dialect has words for. */
export type Refusal =
  | { readonly kind: 'containerNotFound' }
  /** The container has this type switched off. */
  | { readonly kind: 'indexNotFound' }
  | { readonly kind: 'indexMissing'; readonly index: BackingIndex }
  | { readonly kind: 'memoryNotFound' }
  | { readonly kind: 'denied'; readonly by: 'container' | 'owner' }

/**
 * Decides on one memory, by one look. The order of the checks is the server's: container, access to it, index, memory, owner.
 * Reads, updates and deletes are decided here, and differ in nothing but the scope that overrides ownership.
 * @throws GatewayError unusableContainer
 */
export function decide(
  look: Look,
  principal: Principal,
  policy: AccessPolicy,
  override: Override,
): { readonly kind: 'granted'; readonly place: FoundPlace } | Refusal {
  const admission = decideContainer(look.container, principal, policy, override)
  if (admission.kind !== 'granted') return admission

  const { container } = admission
  const place = look.places.find((candidate) => candidate.kind === 'found' && belongsTo(candidate.memory, container))
  if (place?.kind === 'found') {
    const isOwn = owns(place.memory.source, principal, policy, override)
    return isOwn ? { kind: 'granted', place } : { kind: 'denied', by: 'owner' }
  }
  return whyNotFound(look.places)
}

/** Decides on a container as a whole: it is known, and the caller is admitted to it. */
export function decideContainer(
  container: Container | undefined,
  principal: Principal,
  policy: AccessPolicy,
  override: Override,
): { readonly kind: 'granted'; readonly container: Container } | Refusal {
  if (container === undefined) return { kind: 'containerNotFound' }
  return admits(container, principal, policy, override)
    ? { kind: 'granted', container }
    : { kind: 'denied', by: 'container' }
}

/**
 * Decides on all memories of one type in a container, before any is looked at: the container as a whole, and that it has the type switched on.
 * @throws GatewayError unusableContainer
 */
export function decideIndex(
  container: Container | undefined,
  type: MemoryType,
  principal: Principal,
  policy: AccessPolicy,
  override: Override,
): { readonly kind: 'granted'; readonly container: Container; readonly index: BackingIndex } | Refusal {
  const admission = decideContainer(container, principal, policy, override)
  if (admission.kind !== 'granted') return admission
  const named = backingIndexOf(admission.container.naming, type)
  switch (named.kind) {
    case 'index':
      return { ...admission, index: named.index }
    case 'switchedOff':
      return { kind: 'indexNotFound' }
    case 'unusable':
      throw new GatewayError('unusableContainer', { cause: named.why })
  }
}

function whyNotFound(places: readonly Place[]): Refusal {
  const unusable = places.find((place) => place.kind === 'unusable')
  if (unusable !== undefined) throw new GatewayError('unusableContainer', { cause: unusable.why })
  const [only, ...others] = places
  if (only === undefined || others.length > 0) return { kind: 'memoryNotFound' }
  switch (only.kind) {
    case 'switchedOff':
      return { kind: 'indexNotFound' }
    case 'indexMissing':
      return { kind: 'indexMissing', index: only.index }
    case 'unusable':
    case 'absent':
    case 'found':
      return { kind: 'memoryNotFound' }
  }
}
