import type { FilterPaths } from '../core/parameters.ts'
import { decimalText, isList } from './body.ts'
import type { Body } from './body.ts'

type Pattern = readonly string[]

/**
 * Keeps or leaves out parts of a body as the server's `filter_path` does (compared with a running 3.4.0): `*` within a name, `**` for one or
 * more levels. Lists are transparent. A body of which nothing is left is an empty object.
 */
export function applyFilterPath(body: Body, { includes, excludes }: FilterPaths): Body {
  const kept = includes.length === 0 ? body : keep(body, includes.map(patternOf))
  const left = excludes.length === 0 || kept === undefined ? kept : leaveOut(kept, excludes.map(patternOf))
  return left ?? {}
}

/** A dot separates unless a backslash stands before it; dots at the end say nothing. */
function patternOf(path: string): Pattern {
  const names = path.split(/(?<!\\)\./)
  const last = names.findLastIndex((name) => name !== '')
  return names.slice(0, last + 1).map((name) => name.replaceAll(/\\./g, '.'))
}

function keep(body: Body, patterns: readonly Pattern[]): Body | undefined {
  return mapChildren(body, 'noScalars', (key, value) => {
    const rests = patterns.flatMap((pattern) => advance(pattern, key))
    if (rests.some(isComplete)) return value
    return rests.length > 0 && isContainer(value) ? keep(value, rests) : undefined
  })
}

function leaveOut(body: Body, patterns: readonly Pattern[]): Body | undefined {
  return mapChildren(body, 'scalarsToo', (key, value) => {
    const rests = patterns.flatMap((pattern) => advance(pattern, key))
    if (rests.some(isComplete)) return undefined
    return rests.length > 0 && isContainer(value) ? leaveOut(value, rests) : value
  })
}

/**
 * Rebuilds an object or list from those children for which the visit yields something; nothing where none does.
 * @param inLists whether what has no fields stays in a list
 */
function mapChildren(
  body: Body,
  inLists: 'scalarsToo' | 'noScalars',
  visit: (key: string, value: Body) => Body | undefined,
): Body | undefined {
  if (isList(body)) {
    const scalar = (item: Body): Body | undefined => (inLists === 'scalarsToo' ? item : undefined)
    const items = body.map((item) => (isContainer(item) ? mapChildren(item, inLists, visit) : scalar(item)))
    const left = items.filter((item) => item !== undefined)
    return left.length > 0 ? left : undefined
  }
  const left = Object.entries(body as Readonly<Record<string, Body>>).flatMap(([key, value]) => {
    const mapped = visit(key, value)
    return mapped === undefined ? [] : [[key, mapped] as const]
  })
  return left.length > 0 ? Object.fromEntries(left) : undefined
}

/** What is left of a pattern once it has gone down one key: nothing at all where the key does not fit. */
function advance(pattern: Pattern, key: string): readonly Pattern[] {
  const [first, ...rest] = pattern
  if (first === undefined) return []
  if (first === '**') return [pattern, rest]
  return nameFits(first, key) ? [rest] : []
}

function isComplete(rest: Pattern): boolean {
  return rest.length === 0
}

/** `*` stands for any run of characters. Greedy matching from the left, without backtracking over more than one star. */
function nameFits(pattern: string, key: string): boolean {
  const [head = '', ...parts] = pattern.split('*')
  const tail = parts.pop()
  if (tail === undefined) return head === key
  if (!key.startsWith(head) || !key.endsWith(tail) || key.length < head.length + tail.length) return false
  let at = head.length
  for (const part of parts) {
    const found = key.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  return at <= key.length - tail.length
}

function isContainer(value: Body): boolean {
  return typeof value === 'object' && value !== null && decimalText(value) === undefined
}
