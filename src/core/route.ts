import { GatewayError } from './failure.ts'
import { MEMORY_OPERATIONS, MEMORY_PREFIX, MEMORY_ROUTES, NO_ROUTE } from './memory-routes.ts'
import type { MemoryOperation } from './memory-routes.ts'
import type { Target } from './target.ts'

/** In which words a request is answered. */
export type Dialect = 'opensearch' | 'memoryPlugin'

/** What a request asks of a memory container. Where the path does not name one of the parts, it is empty. */
export interface MemoryAddress {
  readonly containerId: string
  /** As the caller sent it, percent-decoded: checked after authentication, and quoted in the answer. */
  readonly typeText: string
  readonly memoryId: string
}

/** One request on a memory route; a union, so that each kind of work has a handler. */
export type MemoryRequest = {
  [Operation in MemoryOperation]: MemoryAddress & { readonly kind: Operation }
}[MemoryOperation]

/** What a request asks for. The kind also fixes the dialect of every answer to it. */
export type Route =
  | MemoryRequest
  | { readonly kind: 'deleteLegacyMemory'; readonly memoryId: string }
  /** Several at once, named in the body. */
  | { readonly kind: 'deleteLegacyMemories' }
  /** A CORS preflight may be answered here, before authentication; without an Origin header it needs a token, as all others do. */
  | { readonly kind: 'legacyOptions'; readonly allow: readonly string[] }
  | { readonly kind: 'unknownLegacyPath' }
  | { readonly kind: 'wrongMethod'; readonly dialect: Dialect; readonly allow: readonly string[] }
  | { readonly kind: 'noHandler' }
  | { readonly kind: 'passThrough' }
  /** The public keys of receipts: for everybody, without a token. */
  | { readonly kind: 'receiptKeys' }

const WELL_KNOWN_PREFIX = ['.well-known', 'memory-gateway'] as const
const KEY_SET = 'jwks.json'
const LEGACY_PREFIX = ['api', 'memories'] as const
const LEGACY_METHODS = ['DELETE'] as const
const LEGACY_BULK = 'bulk-delete'
const LEGACY_BULK_METHODS = ['DELETE', 'POST'] as const

/** The dialect of a raw target that may not even parse: told from its first bytes, so that every refusal has one. */
export function dialectOfRawTarget(rawTarget: string): Dialect {
  return /^\/+api\/+memories(?:[/?#;]|$)/i.test(rawTarget) ? 'memoryPlugin' : 'opensearch'
}

export function isMemoryRequest(route: Route): route is MemoryRequest {
  return Object.hasOwn(MEMORY_OPERATIONS, route.kind)
}

export function dialectOf(route: Route): Dialect {
  if (isMemoryRequest(route)) return 'opensearch'
  switch (route.kind) {
    case 'deleteLegacyMemory':
    case 'deleteLegacyMemories':
    case 'legacyOptions':
    case 'unknownLegacyPath':
      return 'memoryPlugin'
    case 'wrongMethod':
      return route.dialect
    case 'noHandler':
    case 'passThrough':
    case 'receiptKeys':
      return 'opensearch'
  }
}

/**
 * Decides what a request asks for, from its method and its target as they arrived.
 * @throws GatewayError ambiguousTarget where a path is spelt so that another parser could read one of our routes into or out of it
 */
export function routeOf(method: string, target: Target): Route {
  if (startsWith(target, LEGACY_PREFIX)) return legacyRoute(method, target)
  if (startsWith(target, MEMORY_PREFIX)) return memoryRoute(method, target)
  // Most paths need no closer look.
  if (/well-known/i.test(target.decodedPath) && startsWith(target, WELL_KNOWN_PREFIX))
    return wellKnownRoute(method, target)
  return { kind: 'passThrough' }
}

/** RFC 8615: the folder is ours, and nothing below it goes to a cluster. */
function wellKnownRoute(method: string, target: Target): Route {
  const rest = target.rawSegments.slice(WELL_KNOWN_PREFIX.length)
  if (rest.length !== 1 || rest[0] !== KEY_SET) return { kind: 'noHandler' }
  if (method === 'GET' || method === 'HEAD') return { kind: 'receiptKeys' }
  return { kind: 'wrongMethod', dialect: 'opensearch', allow: ['GET', 'HEAD'] }
}

function legacyRoute(method: string, target: Target): Route {
  const rest = target.segments.slice(LEGACY_PREFIX.length)
  if (rest.length > 1) return { kind: 'unknownLegacyPath' }
  const isBulk = rest[0] === LEGACY_BULK
  const allow = isBulk ? LEGACY_BULK_METHODS : LEGACY_METHODS
  if (method === 'OPTIONS') return { kind: 'legacyOptions', allow }
  if (method === 'POST' && isBulk) {
    if (target.rawSegments[LEGACY_PREFIX.length] !== LEGACY_BULK) throw respelt()
    return { kind: 'deleteLegacyMemories' }
  }
  if (method !== 'DELETE') return { kind: 'wrongMethod', dialect: 'memoryPlugin', allow }
  return { kind: 'deleteLegacyMemory', memoryId: rest[0] ?? '' }
}

function memoryRoute(method: string, target: Target): Route {
  const rest = target.segments.slice(MEMORY_PREFIX.length)
  const rawRest = target.rawSegments.slice(MEMORY_PREFIX.length)
  if (rest.includes('')) return { kind: 'noHandler' }
  const found = MEMORY_ROUTES.find(({ template }) => fits(template, rest))
  if (found === undefined) {
    return fits(NO_ROUTE, rest) ? { kind: 'noHandler' } : { kind: 'unknownMemoryRoute', ...addressOf([], []) }
  }
  if (!fits(found.template, rawRest)) throw respelt()
  const { template, operations } = found
  if (!Object.hasOwn(operations, method)) {
    return { kind: 'wrongMethod', dialect: 'opensearch', allow: Object.keys(operations) }
  }
  return { kind: operations[method] ?? 'unknownMemoryRoute', ...addressOf(template, rest) }
}

function addressOf(template: readonly string[], segments: readonly string[]): MemoryAddress {
  const named = (parameter: string): string => segments[template.indexOf(parameter)] ?? ''
  return { containerId: named('{container}'), typeText: named('{type}'), memoryId: named('{id}') }
}

function fits(template: readonly string[], segments: readonly string[]): boolean {
  return (
    template.length === segments.length &&
    template.every((part, position) => part.startsWith('{') || part === segments[position])
  )
}

/**
 * Whether the path lies under a prefix of ours. OpenSearch compares literal segments as they arrive, undecoded; other parsers decode them,
 * merge slashes, or take what follows two of them for a host. Where the readings differ the request is refused.
 */
function startsWith(target: Target, prefix: readonly string[]): boolean {
  const asArrived = prefix.every((part, position) => target.rawSegments[position] === part)
  if (asArrived) return true
  const merged = target.segments.flatMap((segment) => segment.split('/')).filter((segment) => segment !== '')
  const isMerged = prefix.every((part, position) => merged[position]?.toLowerCase() === part)
  // RFC 3986 section 4.2: what follows two slashes is a host to many parsers, and the path begins behind it.
  const isBehindHost =
    target.raw.startsWith('//') && prefix.every((part, position) => merged[position + 1]?.toLowerCase() === part)
  if (isMerged || isBehindHost) throw respelt()
  return false
}

function respelt(): GatewayError {
  return new GatewayError('ambiguousTarget', {
    reason: 'The request target spells a fixed part of this path in an unusual way; write it plainly',
  })
}
