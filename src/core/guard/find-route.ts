import type { Target } from '../target.ts'
import { API_ROWS } from './routes.ts'
import type { ApiRow } from './routes.ts'

/** The route of the server that a request takes. */
export interface FoundRoute {
  readonly row: ApiRow
  readonly template: string
  /** The path's parameters, percent-decoded once. */
  readonly parameters: ReadonlyMap<string, string>
}

interface Candidate {
  readonly row: ApiRow
  readonly template: string
  readonly literals: readonly Part[]
  readonly parameters: readonly Part[]
}

/** A segment of a template: its place, and its text or the name of its parameter. */
type Part = readonly [position: number, text: string]

/** By method and number of segments, those with literals further left first: the order in which the server's own tree looks. */
const CANDIDATES = orderCandidates()

function orderCandidates(): ReadonlyMap<string, readonly Candidate[]> {
  const candidates = new Map<string, Candidate[]>()
  for (const row of API_ROWS) {
    for (const [template, methods] of Object.entries(row.routes)) {
      const segments = template === '/' ? [] : template.split('/').slice(1)
      const parts = segments.map((segment, position): Part => [position, segment])
      const literals = parts.filter(([, segment]) => !isParameter(segment))
      const parameters = parts.filter(([, segment]) => isParameter(segment)).map(nameOf)
      for (const method of methods) {
        const key = keyOf(method, segments.length)
        candidates.set(key, [...(candidates.get(key) ?? []), { row, template, literals, parameters }])
      }
    }
  }
  for (const list of candidates.values()) list.sort((a, b) => (shapeOf(a) < shapeOf(b) ? -1 : 1))
  return candidates
}

function keyOf(method: string, segments: number): string {
  return `${method} ${String(segments)}`
}

function isParameter(segment: string): boolean {
  return segment.startsWith('{')
}

function nameOf([position, segment]: Part): Part {
  return [position, segment.slice(1, -1)]
}

/** A digit a segment: 1 for a parameter, 0 for a literal. */
function shapeOf({ literals, parameters }: Candidate): string {
  const digits = Array.from({ length: literals.length + parameters.length }, () => '0')
  for (const [position] of parameters) digits[position] = '1'
  return digits.join('')
}

/**
 * The route that the server would take; `undefined` where the table has none. Fixed segments are compared as they arrived, as the server does (`%5fdoc` is not
 * `_doc`). An index's name never begins with an underscore, so a path that does is a route of its own: one that is not in the table must not
 * be taken for an index.
 */
export function findRoute(method: string, { rawSegments, segments }: Target): FoundRoute | undefined {
  if (segments.includes('')) return undefined
  const candidates = CANDIDATES.get(keyOf(method, segments.length)) ?? []
  const startsLikeRoute = segments[0]?.startsWith('_') === true && segments[0] !== '_all'
  for (const { row, template, literals, parameters } of candidates) {
    if (startsLikeRoute && parameters[0]?.[0] === 0) continue
    if (!literals.every(([position, text]) => rawSegments[position] === text)) continue
    const values = parameters.map(([position, name]) => [name, segments[position] ?? ''] as const)
    return { row, template, parameters: new Map(values) }
  }
  return undefined
}
