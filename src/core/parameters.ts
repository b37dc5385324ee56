import type { Refresh } from './delete-memory.ts'
import { GatewayError } from './failure.ts'
import { percentDecode } from './target.ts'
import type { Target } from './target.ts'

/** How the caller wants an answer of ours to look: the server's common parameters. */
export interface Presentation {
  readonly pretty: boolean
  /** `filter_path` as sent; applies to answers, not to errors, as in the server. */
  readonly filterPath: string | undefined
  readonly format: 'json' | 'yaml'
}

export const PLAIN: Presentation = { pretty: false, filterPath: undefined, format: 'json' }

const COMMON = ['error_trace', 'filter_path', 'format', 'human', 'pretty'] as const

/**
 * Reads the query string as the server does: `&` and `;` separate, `+` is a space, a name without `=` has an empty value.
 * @throws GatewayError ambiguousTarget for a name that comes twice or is not valid UTF-8
 */
export function parseQuery(query: string | undefined): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  for (const pair of (query ?? '').split(/[&;]/)) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decodePart(equals === -1 ? pair : pair.slice(0, equals))
    const value = decodePart(equals === -1 ? '' : pair.slice(equals + 1))
    if (parameters.has(name)) {
      throw new GatewayError('ambiguousTarget', { reason: 'The request target holds a query parameter more than once' })
    }
    parameters.set(name, value)
  }
  return parameters
}

function decodePart(text: string): string {
  const decoded = percentDecode(text.replaceAll('+', ' '))
  if (decoded !== undefined) return decoded
  throw new GatewayError('ambiguousTarget', {
    reason: 'The query holds a percent sign that is not followed by valid UTF-8 in hexadecimal',
  })
}

/**
 * How to answer, as far as it can be told: used for every answer, so it never throws.
 * @param accept the Accept header: names the format where the query does not
 */
export function presentationOf(target: Target | undefined, accept: string | undefined): Presentation {
  let parameters: ReadonlyMap<string, string>
  try {
    parameters = parseQuery(target?.query)
  } catch {
    return PLAIN
  }
  const format = (parameters.get('format') ?? accept ?? '').toLowerCase().split(';')[0]?.trim()
  return {
    pretty: ['', 'true'].includes(parameters.get('pretty') ?? 'false'),
    filterPath: parameters.get('filter_path'),
    format: format === 'yaml' || format === 'application/yaml' ? 'yaml' : 'json',
  }
}

/**
 * Checks the parameters of a memory's delete, and reads the one that is ours, `refresh`.
 * @throws GatewayError unrecognizedParameter, ambiguousTarget
 */
export function parseDeleteParameters(target: Target): { readonly refresh: Refresh } {
  const parameters = parseQuery(target.query)
  for (const name of ['pretty', 'human', 'error_trace']) checkBoolean(parameters.get(name))
  const known: readonly string[] = [...COMMON, 'refresh']
  const unknown = [...parameters.keys()].filter((name) => !known.includes(name)).sort()
  if (unknown.length > 0) {
    const names = unknown.map((name) => `[${name}]${suggestion(name, known)}`).join(', ')
    const plural = unknown.length > 1 ? 's' : ''
    const reason = `request [${target.decodedPath}] contains unrecognized parameter${plural}: ${names}`
    throw new GatewayError('unrecognizedParameter', { reason })
  }
  return { refresh: parseRefresh(parameters.get('refresh')) }
}

function checkBoolean(value: string | undefined): void {
  if (value === undefined || ['', 'true', 'false'].includes(value)) return
  throw new GatewayError('unrecognizedParameter', {
    reason: `Failed to parse value [${value}] as only [true] or [false] are allowed.`,
  })
}

function parseRefresh(value: string | undefined): Refresh {
  switch (value) {
    case undefined:
    case 'false':
      return 'false'
    case '':
    case 'true':
      return 'true'
    case 'wait_for':
      return 'wait_for'
    default:
      throw new GatewayError('unrecognizedParameter', { reason: `Unknown value for refresh: [${value}].` })
  }
}

/** "did you mean", by the server's measure: normalised edit distance, closest first, names more than half alike. */
function suggestion(name: string, known: readonly string[]): string {
  const alike = known
    .map((candidate) => ({
      candidate,
      likeness: 1 - editDistance(name, candidate) / Math.max(name.length, candidate.length),
    }))
    .filter(({ likeness }) => likeness > 0.5)
    .sort((a, b) => b.likeness - a.likeness || (a.candidate < b.candidate ? -1 : 1))
    .map(({ candidate }) => candidate)
  if (alike.length === 0) return ''
  return alike.length === 1 ? ` -> did you mean [${alike.join('')}]?` : ` -> did you mean any of [${alike.join(', ')}]?`
}

function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > b.length) return Math.max(a.length, b.length)
  let row = Array.from({ length: b.length + 1 }, (_, position) => position)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
