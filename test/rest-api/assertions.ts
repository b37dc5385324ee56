import { isObject, javaText, writeJson } from './json.ts'
import type { Json } from './json.ts'

type Check = (actual: Json | undefined, expected: Json) => boolean

/** Steps of the form `kind: { path: expected }`. */
export const COMPARISONS: Readonly<Record<string, Check>> = {
  match: (actual, expected) => matches(actual, expected),
  length: (actual, expected) => sizeOf(actual) === Number(expected),
  gt: ordered((actual, expected) => actual > expected),
  gte: ordered((actual, expected) => actual >= expected),
  lt: ordered((actual, expected) => actual < expected),
  lte: ordered((actual, expected) => actual <= expected),
  contains,
  close_to: (actual, expected) =>
    isObject(expected) && Math.abs(Number(actual) - Number(expected['value'])) <= Number(expected['error']),
}

/** What `is_true` takes for true: there, and not empty, zero or "false". */
export function isTrue(actual: Json | undefined): boolean {
  if (actual === undefined || actual === null) return false
  return !['', '0', 'false'].includes(javaText(actual).toLowerCase())
}

function ordered(compare: (actual: bigint | number | string, expected: bigint | number | string) => boolean): Check {
  return (actual, expected) =>
    isOrdered(actual) &&
    isOrdered(expected) &&
    (typeof actual === 'string') === (typeof expected === 'string') &&
    compare(actual, expected)
}

const isOrdered = (value: Json | undefined): value is bigint | number | string =>
  typeof value === 'bigint' || typeof value === 'number' || typeof value === 'string'

function matches(actual: Json | undefined, expected: Json): boolean {
  if (typeof expected === 'string' && /^\/.+\/\s*$/s.test(expected.trimStart())) {
    return typeof actual === 'string' && javaPattern(expected.trim().slice(1, -1)).test(actual)
  }
  return equal(actual ?? null, expected)
}

function equal(a: Json, b: Json): boolean {
  if (isNumber(a) && isNumber(b)) return a === b || Number(a) === Number(b)
  if (Array.isArray(a))
    return Array.isArray(b) && a.length === b.length && a.every((item, place) => equal(item, b[place] ?? null))
  if (!isObject(a) || !isObject(b)) return a === b
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && equal(a[name] ?? null, b[name] ?? null))
  )
}

const isNumber = (value: Json): value is number | bigint => typeof value === 'number' || typeof value === 'bigint'

function contains(actual: Json | undefined, expected: Json): boolean {
  if (!Array.isArray(actual)) return isObject(actual) && isObject(expected) && includes(actual, expected)
  return actual.some((item) =>
    isObject(expected) && isObject(item) ? includes(item, expected) : equal(item, expected),
  )
}

function includes(whole: Record<string, Json>, part: Record<string, Json>): boolean {
  return Object.entries(part).every(([name, value]) => Object.hasOwn(whole, name) && equal(whole[name] ?? null, value))
}

function sizeOf(value: Json | undefined): number | undefined {
  if (typeof value === 'string' || Array.isArray(value)) return value.length
  return isObject(value) ? Object.keys(value).length : undefined
}

/**
 * Java's pattern with COMMENTS: unescaped blanks and `#` comments do not count, and `$` is also before a last line break. Possessive quantifiers (`*+`)
 * become greedy ones: they match the same here.
 */
export function javaPattern(source: string): RegExp {
  let pattern = ''
  let inClass = false
  for (let at = 0; at < source.length; at++) {
    const here = source.charAt(at)
    if (here === '\\') pattern += escaped(source.charAt(++at))
    else if (here === '#') at = source.includes('\n', at) ? source.indexOf('\n', at) : source.length
    else if (/\s/.test(here) || (here === '+' && !inClass && /(?<!\\)[*+?}]$/.test(pattern))) continue
    else if (here === '$' && !inClass) pattern += '(?=\\n?(?![\\s\\S]))'
    else {
      if (here === '[' || here === ']') inClass = here === '['
      pattern += here
    }
  }
  return new RegExp(pattern)
}

/** Escaped blanks count. */
function escaped(next: string): string {
  return next === ' ' || next === '#' ? `[${next}]` : `\\${next}`
}

/** For messages: short. */
export function brief(value: Json | undefined): string {
  const text = value === undefined ? 'nothing' : writeJson(value)
  return text.length > 300 ? `${text.slice(0, 300)}…` : text
}
