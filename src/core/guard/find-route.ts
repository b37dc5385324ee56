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
  readonly segments: readonly string[]
}

/** By method and number of segments, those with literals further left first: the order in which the server's own tree looks. */
const CANDIDATES = orderCandidates()

function orderCandidates(): ReadonlyMap<string, readonly Candidate[]> {
  const candidates = new Map<string, Candidate[]>()
  for (const row of API_ROWS) {
    for (const [template, methods] of Object.entries(row.routes)) {
      const segments = template.split('/').slice(1)
      const cut = template === '/' ? [] : segments
      for (const method of methods) {
        const key = `${method} ${String(cut.length)}`
        candidates.set(key, [...(candidates.get(key) ?? []), { row, template, segments: cut }])
      }
    }
  }
  for (const list of candidates.values()) list.sort((a, b) => (shapeOf(a) < shapeOf(b) ? -1 : 1))
  return candidates
}

function fits(wanted: readonly string[], rawSegments: readonly string[]): boolean {
  for (let position = 0; position < wanted.length; position++) {
    const part = wanted[position] ?? ''
    if (part !== rawSegments[position] && !isParameter(part)) return false
  }
  return true
}

function shapeOf({ segments }: Candidate): string {
  return segments.map((segment) => (isParameter(segment) ? '1' : '0')).join('')
}

function isParameter(segment: string): boolean {
  return segment.startsWith('{')
}

/**
 * The route that the server would take; `undefined` where the table has none. Fixed segments are compared as they arrived, as the server does (`%5fdoc` is not
 * `_doc`). An index's name never begins with an underscore, so a path that does is a route of its own: one that is not in the table must not
 * be taken for an index.
 */
export function findRoute(method: string, { rawSegments, segments }: Target): FoundRoute | undefined {
  if (segments.includes('')) return undefined
  const candidates = CANDIDATES.get(`${method} ${String(segments.length)}`) ?? []
  const startsLikeRoute = segments[0]?.startsWith('_') === true && segments[0] !== '_all'
  for (const { row, template, segments: wanted } of candidates) {
    if (startsLikeRoute && isParameter(wanted[0] ?? '')) continue
    if (!fits(wanted, rawSegments)) continue
    const pairs = wanted.flatMap((part, position) =>
      isParameter(part) ? [[part.slice(1, -1), segments[position] ?? ''] as const] : [],
    )
    return { row, template, parameters: new Map(pairs) }
  }
  return undefined
}
