import type { Json, JsonObject } from './json-values.ts'
import { isJsonArray, isJsonObject } from './json-values.ts'

type Path = readonly string[]

/**
 * Applies `filter_path`: comma-separated dotted paths with `*` and `**`; those that begin with `-` exclude.
 * https://docs.opensearch.org/latest/api-reference/common-parameters/
 */
export function filterAnswer(answer: JsonObject, filterPath: string): JsonObject {
  const filters = filterPath.split(',').filter((filter) => filter !== '')
  const includes = filters.filter((filter) => !filter.startsWith('-')).map(parsePath)
  const excludes = filters.filter((filter) => filter.startsWith('-')).map((filter) => parsePath(filter.slice(1)))
  const included = includes.length === 0 ? answer : filterObject(answer, includes, true)
  return excludes.length === 0 ? included : filterObject(included, excludes, false)
}

/** Dots that belong to a name are written `\.`. */
function parsePath(filter: string): Path {
  return filter.split(/(?<!\\)\./).map((segment) => segment.replaceAll('\\.', '.'))
}

/** The paths that are still open below a property, or whether a path ended at it. */
function step(paths: readonly Path[], name: string): 'matched' | readonly Path[] {
  const open: Path[] = []
  for (const path of paths) {
    const [segment = '', ...rest] = path
    if (!matchesSegment(segment, name)) continue
    if (rest.length === 0) return 'matched'
    if (segment === '**') open.push(path)
    open.push(rest)
  }
  return open
}

function matchesSegment(segment: string, name: string): boolean {
  if (segment === '*' || segment === '**') return true
  const pattern = segment.split('*').map(escapeRegExp).join('.*')
  return new RegExp(`^${pattern}$`, 's').test(name)
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

function filterObject(object: JsonObject, paths: readonly Path[], inclusive: boolean): JsonObject {
  const kept = new Map<string, Json>()
  for (const [name, value] of object) {
    const next = step(paths, name)
    const decided = next === 'matched' ? inclusive : next.length === 0 ? !inclusive : undefined
    const member = decided === undefined && next !== 'matched' ? filterValue(value, next, inclusive) : value
    if (decided !== false && member !== undefined) kept.set(name, member)
  }
  return kept
}

/** What remains of a value below which paths are still open. Objects and lists of which nothing remains are left out. */
function filterValue(value: Json, paths: readonly Path[], inclusive: boolean): Json | undefined {
  if (isJsonObject(value)) {
    const kept = filterObject(value, paths, inclusive)
    return kept.size === 0 ? undefined : kept
  }
  if (isJsonArray(value)) {
    const kept = value.map((member) => filterValue(member, paths, inclusive)).filter((member) => member !== undefined)
    return kept.length === 0 ? undefined : kept
  }
  return inclusive ? undefined : value
}
