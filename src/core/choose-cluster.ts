import type { Principal } from './principal.ts'

/** Claims, each with the values of which the token must have one. */
export type ClaimValues = Readonly<Record<string, readonly string[]>>

/** One of the operator's routes: which requests it takes, what it asks of their tokens, and where they go. */
export interface ClusterRoute {
  /** All that is given must hold. */
  readonly when: {
    readonly issuer?: string | undefined
    readonly claim?: ClaimValues | undefined
    readonly containers?: readonly string[] | undefined
    /** Patterns of paths, segment by segment: `*` for what is within one, `**` for any number of them. */
    readonly paths?: readonly string[] | undefined
    /** Patterns of index names: every index that the path names must fit one of them. */
    readonly indices?: readonly string[] | undefined
  }
  /** What a token must say besides: without it the request is refused, and no later route is tried. */
  readonly require: ClaimValues
  readonly cluster: string
}

export interface RouteQuestion {
  readonly principal: Principal
  /** The path's segments, percent-decoded. */
  readonly segments: readonly string[]
  /** The memory container that the request addresses. */
  readonly containerId: string | undefined
}

export type RouteChoice =
  | { readonly kind: 'cluster'; readonly cluster: string; readonly position: number }
  /** The route takes the request, and its token lacks a claim that the route requires. */
  | { readonly kind: 'claimMissing'; readonly claim: string; readonly position: number }
  | { readonly kind: 'noRoute' }

/** Chooses by the first route that takes the request. */
export function chooseCluster(routes: readonly ClusterRoute[], question: RouteQuestion): RouteChoice {
  const position = routes.findIndex((route) => takes(route, question))
  const route = routes[position]
  if (route === undefined) return { kind: 'noRoute' }
  const { principal } = question
  const claim = Object.keys(route.require).find((name) => !hasOneOf(principal, name, route.require[name] ?? []))
  if (claim !== undefined) return { kind: 'claimMissing', claim, position }
  return { kind: 'cluster', cluster: route.cluster, position }
}

/** Whether a route takes every request, so that none behind it is ever asked. */
export function takesAll({ when }: ClusterRoute): boolean {
  return Object.values(when).every((condition) => condition === undefined)
}

function takes({ when }: ClusterRoute, { principal, segments, containerId }: RouteQuestion): boolean {
  if (when.issuer !== undefined && when.issuer !== principal.issuer) return false
  if (!Object.entries(when.claim ?? {}).every(([name, values]) => hasOneOf(principal, name, values))) return false
  if (when.containers !== undefined && !(containerId !== undefined && when.containers.includes(containerId)))
    return false
  if (when.paths !== undefined && !when.paths.some((pattern) => fitsPath(pattern, segments))) return false
  return when.indices === undefined || fitsIndices(when.indices, segments)
}

function hasOneOf({ claims }: Principal, name: string, values: readonly string[]): boolean {
  return (claims.get(name) ?? []).some((value) => values.includes(value))
}

/** Whether a path, cut into decoded segments, fits a pattern such as `/logs-*\/_search` or `/tenants/**`. */
export function fitsPath(pattern: string, segments: readonly string[]): boolean {
  return fitSegments(pattern.split('/').slice(1), segments)
}

function fitSegments([first, ...rest]: readonly string[], segments: readonly string[]): boolean {
  if (first === undefined) return segments.length === 0
  if (first !== '**') {
    const [segment, ...others] = segments
    return segment !== undefined && fitsText(first, segment) && fitSegments(rest, others)
  }
  return segments.some((_, skipped) => fitSegments(rest, segments.slice(skipped))) || fitSegments(rest, [])
}

function fitsIndices(patterns: readonly string[], [list = '']: readonly string[]): boolean {
  if (list === '' || list.startsWith('_')) return false
  return list.split(',').every((name) => patterns.some((pattern) => fitsText(pattern, name)))
}

/** `*` stands for any characters. Walks both texts once: no pattern makes it slow. */
function fitsText(pattern: string, text: string): boolean {
  const [head = '', ...parts] = pattern.split('*')
  if (parts.length === 0) return text === pattern
  if (!text.startsWith(head)) return false
  const tail = parts.pop() ?? ''
  let from = head.length
  for (const part of parts) {
    const found = text.indexOf(part, from)
    if (found === -1) return false
    from = found + part.length
  }
  return text.length - tail.length >= from && text.endsWith(tail)
}

/**
 * The caller as they are on one cluster: a scope that is bound to it, as in `eu/memory:delete`, counts there and nowhere else; a scope
 * without a cluster counts on all of them.
 */
export function principalOn(principal: Principal, cluster: string): Principal {
  const prefix = `${cluster}/`
  const bound = [...principal.scopes].filter((scope) => scope.startsWith(prefix))
  if (bound.length === 0) return principal
  return { ...principal, scopes: new Set([...principal.scopes, ...bound.map((scope) => scope.slice(prefix.length))]) }
}
