import type { Body } from './body.ts'

type Pattern = readonly string[]

/**
 * Keeps or leaves out parts of a body as the server's `filter_path` does: comma-separated paths, `*` within a name, `**` for any depth,
 * a leading `-` to leave out. Lists are transparent. A body of which nothing is left is an empty object.
 */
export function applyFilterPath(body: Body, filterPath: string | undefined): Body {
  const paths = (filterPath ?? '').split(',').filter((path) => path !== '')
  const excludes = paths.filter((path) => path.startsWith('-')).map((path) => path.slice(1).split('.'))
  const includes = paths.filter((path) => !path.startsWith('-')).map((path) => path.split('.'))
  const kept = includes.length === 0 ? body : keep(body, includes)
  const left = excludes.length === 0 || kept === undefined ? kept : leaveOut(kept, excludes)
  return left ?? {}
}

function keep(body: Body, patterns: readonly Pattern[]): Body | undefined {
  return mapChildren(body, (key, value) => {
    const rests = patterns.flatMap((pattern) => advance(pattern, key))
    if (rests.some(isComplete)) return value
    return rests.length > 0 && isContainer(value) ? keep(value, rests) : undefined
  })
}

function leaveOut(body: Body, patterns: readonly Pattern[]): Body | undefined {
  return mapChildren(body, (key, value) => {
    const rests = patterns.flatMap((pattern) => advance(pattern, key))
    if (rests.some(isComplete)) return undefined
    return rests.length > 0 && isContainer(value) ? leaveOut(value, rests) : value
  })
}

/** Rebuilds an object or list from those children for which the visit yields something; nothing where none does. */
function mapChildren(body: Body, visit: (key: string, value: Body) => Body | undefined): Body | undefined {
  if (Array.isArray(body)) {
    const items = (body as readonly Body[]).map((item) => (isContainer(item) ? mapChildren(item, visit) : undefined))
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
  if (first === '**') return [pattern, ...(rest.length === 0 ? [[]] : advance(rest, key))]
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
  return typeof value === 'object' && value !== null
}
