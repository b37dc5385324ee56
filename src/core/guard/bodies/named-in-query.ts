import { isJsonObject, member } from '../../strict-json.ts'
import type { JsonObject } from '../../strict-json.ts'
import type { Finding } from './finding.ts'
import type { FirstNamings } from './first-namings.ts'

/**
 * The keys under which a query of the server names an index (`terms` lookups, `percolate`, `indexed_shape`, `more_like_this`, ratings), and
 * what a plugin's would look like: a list of the query kinds of today would miss those of tomorrow. Compared without case, `_` and `-`.
 */
const NAMES_INDICES = /^(?:source|src|target|dest|destination|lookup|from|to)?(?:index|indices)(?:names?|patterns?)?$/

/**
 * What holds a query that cannot be seen: in base64 (`wrapper`), in a template's text (`template`, `templates` of ranking evaluations,
 * `collate` of suggesters), made by a model (`agentic`), or in the processors of an inline pipeline.
 */
const HIDES_QUERIES: Readonly<Record<string, (value: unknown) => boolean>> = {
  wrapper: isContainer,
  template: isContainer,
  templates: isContainer,
  template_id: (value) => value !== null,
  collate: isContainer,
  agentic: isContainer,
  search_pipeline: isContainer,
  // Reads and writes conversations by their id, in system indices.
  generative_qa_parameters: isContainer,
}

// Where an indexed shape is looked up that names no index (AbstractGeometryQueryBuilder of OpenSearch 3.4.0).
const DEFAULT_SHAPE_INDEX = 'shapes'

/** A bound on work: more lookups than this in one query are nobody's. */
const MAX_NAMINGS = 1_000

/**
 * Finds every index that a search body may name, and what may hide one, wherever it stands: a key counts in any position, so that no
 * nesting and no query kind is a way around. The price is that a field called `index` is judged as an index would be.
 */
export function findInQuery(body: unknown, line: number | undefined, namings: FirstNamings): readonly Finding[] {
  const findings: Finding[] = []
  const waiting: unknown[] = [body]
  // Not by recursion: the text may nest a thousand levels.
  for (let value = waiting.pop(); value !== undefined && findings.length < MAX_NAMINGS; value = waiting.pop()) {
    if (Array.isArray(value)) {
      for (const inner of value as readonly unknown[]) if (isContainer(inner)) waiting.push(inner)
    } else if (isJsonObject(value)) {
      for (const [key, inner] of Object.entries(value)) {
        findings.push(...findAtKey(key, inner, line, namings))
        if (isContainer(inner)) waiting.push(inner)
      }
    }
  }
  if (findings.length < MAX_NAMINGS) return findings
  return [...findings, { kind: 'hidden', line, what: 'more names of indices than the gateway looks up' }]
}

/** Whether a search is over a point in time, which has its indices with it. */
export function hasPointInTime(body: unknown): boolean {
  const pointInTime = isJsonObject(body) ? member(body, 'pit') : undefined
  const id = isJsonObject(pointInTime) ? member(pointInTime, 'id') : undefined
  return typeof id === 'string' && id !== ''
}

function findAtKey(key: string, value: unknown, line: number | undefined, namings: FirstNamings): readonly Finding[] {
  if (Object.hasOwn(HIDES_QUERIES, key) && HIDES_QUERIES[key]?.(value) === true) {
    return [{ kind: 'hidden', line, what: `a query that the gateway cannot see, in ${key}` }]
  }
  if (key === 'indexed_shape' && isJsonObject(value) && !hasText(value, 'index')) {
    return namings.named([DEFAULT_SHAPE_INDEX], line)
  }
  if (!NAMES_INDICES.test(key.toLowerCase().replaceAll(/[-_]/g, ''))) return []
  // Some of the server's parsers pass over the brackets of a list, and take the texts in it.
  return textsIn(value).flatMap((text) => namings.named([text], line))
}

function hasText(value: JsonObject, name: string): boolean {
  return typeof member(value, name) === 'string'
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  if (typeof value === 'number' || typeof value === 'boolean') return [String(value)]
  return Array.isArray(value) ? value.flatMap(textsIn) : []
}

function isContainer(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}
