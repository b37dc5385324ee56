import { GatewayError } from '../core/failure.ts'
import { idBytes, MAX_ID_BYTES, MEMORY_TYPES, parseMemoryType } from '../core/memory.ts'
import type { MemoryType } from '../core/memory.ts'
import type { Principal } from '../core/principal.ts'
import { dialectOf } from '../core/route.ts'
import type { Route } from '../core/route.ts'
import type { HandlerParts } from './exchange.ts'

/** The server checks the type before anything else, and quotes it as it was sent. */
export function memoryTypeOf(text: string): MemoryType {
  const type = parseMemoryType(text)
  if (type !== undefined) return type
  throw new GatewayError('invalidMemoryType', {
    reason: `Invalid memory type: ${text}. Must be one of: ${MEMORY_TYPES.join(', ')}`,
  })
}

export function checkedId(memoryId: string): string {
  const bytes = idBytes(memoryId)
  if (bytes <= MAX_ID_BYTES) return memoryId
  throw new GatewayError('invalidMemoryId', {
    reason: `id is too long, must be no longer than ${String(MAX_ID_BYTES)} bytes but was: ${String(bytes)}`,
  })
}

export function checkedLegacyId(memoryId: string): string {
  if (memoryId.trim() === '') throw new GatewayError('invalidMemoryId', { reason: 'Memory ID is required' })
  if (idBytes(memoryId) > MAX_ID_BYTES) throw new GatewayError('invalidMemoryId', { reason: 'Memory ID is too long' })
  return memoryId
}

/** The container that a caller of MemoryPlugin's API means: it names only the memory. */
export function legacyContainer(principal: Principal, legacy: HandlerParts['legacy']): string {
  const containerId = principal.container ?? legacy.container
  if (containerId === undefined) throw new GatewayError('noLegacyContainer')
  return containerId
}

/** The container that a request addresses, where it addresses one. */
export function containerOf(
  { legacy }: Pick<HandlerParts, 'legacy'>,
  route: Route,
  principal: Principal,
): string | undefined {
  // A route that does not name one has it empty.
  if ('containerId' in route && route.containerId !== '') return route.containerId
  return dialectOf(route) === 'memoryPlugin' ? (principal.container ?? legacy.container) : undefined
}
