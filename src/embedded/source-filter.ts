import { inHashOrder } from './java-order.ts'
import { JsonReader } from './json-reader.ts'
import { readValue } from './json-tree.ts'
import type { Json, JsonObject } from './json-values.ts'
import { isJsonArray, isJsonObject, isRawJson } from './json-values.ts'
import type { PatternState } from './path-patterns.ts'
import { EVERYTHING, PathPatterns } from './path-patterns.ts'

/** What of a document's source is asked for. */
export interface SourceFilter {
  readonly fetch: boolean
  readonly includes: readonly string[]
  readonly excludes: readonly string[]
}

export const WHOLE_SOURCE: SourceFilter = { fetch: true, includes: [], excludes: [] }

interface Filter {
  readonly includes: PathPatterns
  readonly excludes: PathPatterns
}

/** The part of a source that is asked for: the text as it was stored, or a filtered copy; `undefined` where none is wanted. */
export function selectSource(source: string, filter: SourceFilter): Json | undefined {
  if (!filter.fetch) return undefined
  if (filter.includes.length === 0 && filter.excludes.length === 0) return { kind: 'raw', text: source }
  const includes = filter.includes.length === 0 ? EVERYTHING : new PathPatterns(filter.includes)
  const excludes = new PathPatterns(filter.excludes)
  return filterObject(parseSource(source), { includes, excludes }, includes.start, excludes.start)
}

/** Reads a source that was accepted before. */
export function parseSource(source: string): JsonObject {
  const reader = new JsonReader(Buffer.from(source, 'utf8'))
  const value = readValue(reader, reader.require())
  return isJsonObject(value) ? value : new Map()
}

/** An answer in which stored text is read, for what is to be indented or filtered. */
export function withoutRawText(value: Json): Json {
  if (isJsonObject(value)) return new Map([...value].map(([name, member]) => [name, withoutRawText(member)]))
  if (isJsonArray(value)) return value.map(withoutRawText)
  return value !== null && isRawJson(value) ? parseSource(value.text) : value
}

function filterObject(object: JsonObject, filter: Filter, include: PatternState, exclude: PatternState): JsonObject {
  const kept: [string, Json][] = []
  for (const [name, value] of object) {
    const included = filter.includes.step(include, name)
    const excluded = filter.excludes.step(exclude, name)
    if (included.length === 0 || filter.excludes.accepts(excluded)) continue
    const member = filterMember(value, filter, included, excluded)
    if (member !== undefined) kept.push([name, member])
  }
  return new Map(inHashOrder(kept))
}

function filterMember(value: Json, filter: Filter, include: PatternState, exclude: PatternState): Json | undefined {
  const accepted = filter.includes.accepts(include)
  if (accepted && filter.excludes.step(exclude, '.').length === 0) return value
  // What is accepted is wanted whole, but for what the excludes may take out of it.
  const inner = accepted ? { ...filter, includes: EVERYTHING } : filter
  const innerInclude = accepted ? EVERYTHING.start : include
  if (isJsonObject(value)) {
    const below = inner.includes.step(innerInclude, '.')
    if (below.length === 0) return undefined
    const kept = filterObject(value, inner, below, filter.excludes.step(exclude, '.'))
    return accepted || kept.size > 0 ? kept : undefined
  }
  if (isJsonArray(value)) {
    const kept = filterArray(value, inner, innerInclude, exclude)
    return accepted || kept.length > 0 ? kept : undefined
  }
  return accepted ? value : undefined
}

function filterArray(
  array: readonly Json[],
  filter: Filter,
  include: PatternState,
  exclude: PatternState,
): readonly Json[] {
  const accepted = filter.includes.accepts(include)
  return array
    .filter((member) => isJsonObject(member) || isJsonArray(member) || accepted)
    .flatMap((member): readonly Json[] => {
      if (isJsonArray(member)) {
        const kept = filterArray(member, filter, include, exclude)
        return kept.length === 0 ? [] : [kept]
      }
      if (!isJsonObject(member)) return [member]
      const kept = filterObject(member, filter, filter.includes.step(include, '.'), filter.excludes.step(exclude, '.'))
      return kept.size === 0 ? [] : [kept]
    })
}
