import { percentDecode } from '../target.ts'
import type { FoundRoute } from './find-route.ts'

/** The indices that a request names, as expressions: names, aliases, data streams, patterns, exclusions. */
export type Named =
  | { readonly kind: 'none' }
  /** `byAbsence`: because nothing is named. */
  | { readonly kind: 'all'; readonly byAbsence: boolean }
  | { readonly kind: 'list'; readonly expressions: readonly string[] }

/** A parameter of the query as the server reads it. */
export type QueryParameter = readonly [name: string, value: string]

/**
 * All parameters of a query, every occurrence: the server takes the last of those that come twice, others the first. `&` and `;` separate, `+` is a blank.
 * `undefined` where one cannot be decoded.
 */
export function readParameters(query: string | undefined): readonly QueryParameter[] | undefined {
  const parameters: QueryParameter[] = []
  for (const piece of (query ?? '').split(/[&;]/)) {
    const pair = piece.replace(/^=+/, '')
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = percentDecode((equals === -1 ? pair : pair.slice(0, equals)).replaceAll('+', ' '))
    const value = percentDecode((equals === -1 ? '' : pair.slice(equals + 1)).replaceAll('+', ' '))
    if (name === undefined || value === undefined) return undefined
    parameters.push([name, value])
  }
  return parameters
}

/**
 * The indices that path and query name. The parameter `index` counts on every route, also beside an index in the path: which of the two a handler reads is its own affair.
 */
export function indicesNamed({ row, parameters }: FoundRoute, query: readonly QueryParameter[]): Named {
  if (row.reach !== 'named') return { kind: 'none' }
  const texts = query.filter(([name]) => name === 'index').map(([, value]) => value)
  for (const alternatives of row.indices ?? []) {
    for (const name of alternatives.split('|')) {
      const inPath = parameters.get(name)
      const inQuery = name === 'index' ? [] : query.filter(([key]) => key === name).map(([, value]) => value)
      texts.push(...(inPath === undefined ? inQuery : [inPath, ...inQuery]))
      if (inPath !== undefined) break
    }
  }
  if (texts.length > 0) return readExpressions(texts)
  const isWide = Object.entries(row.widens ?? {}).some(([name, harmless]) =>
    query.some(([key, value]) => key === name && value !== harmless),
  )
  return row.absent === 'none' && !isWide ? { kind: 'none' } : { kind: 'all', byAbsence: true }
}

/**
 * Cuts lists at their commas. No text, an empty one or an empty item means all indices to some handlers; so does an exclusion that nothing
 * precedes, and `_all`.
 */
export function readExpressions(texts: readonly string[]): Named {
  const expressions = [...new Set(texts.flatMap((text) => text.split(',')))]
  if (expressions.length === 0 || expressions.some(meansAll)) return { kind: 'all', byAbsence: false }
  const firstPattern = expressions.findIndex((expression) => expression.includes('*'))
  const firstExclusion = expressions.findIndex(isExclusion)
  if (firstExclusion !== -1 && (firstPattern === -1 || firstExclusion < firstPattern)) {
    return { kind: 'all', byAbsence: false }
  }
  return { kind: 'list', expressions }
}

function meansAll(expression: string): boolean {
  return expression === '_all' || /^\**$/.test(expression)
}

/** It takes away from the patterns before it, so the decision leaves it out. */
export function isExclusion(expression: string): boolean {
  return expression.startsWith('-')
}
