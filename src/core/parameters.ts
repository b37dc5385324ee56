import type { Refresh } from './delete-memory.ts'
import { GatewayError } from './failure.ts'
import { percentDecode } from './target.ts'
import type { Target } from './target.ts'

/** How the caller wants an answer of ours to look: the server's common parameters. */
export interface Presentation {
  readonly pretty: boolean
  /** Applies to answers, not to errors, as in the server. */
  readonly filterPaths: FilterPaths
  readonly format: 'json' | 'yaml'
}

/** The paths of a `filter_path`, without the `-` of those to leave out. */
export interface FilterPaths {
  readonly includes: readonly string[]
  readonly excludes: readonly string[]
}

const COMMON = ['error_trace', 'filter_path', 'format', 'human', 'pretty'] as const

/**
 * Reads the query string as the server does: `&` and `;` separate, `+` is a space, a name without `=` has an empty value, and an `=` without
 * a name before it is skipped.
 * @throws GatewayError ambiguousTarget for a name that comes twice or is not valid UTF-8
 */
export function parseQuery(query: string | undefined): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  for (const piece of (query ?? '').split(/[&;]/)) {
    const pair = piece.replace(/^=+/, '')
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
 * How to answer, as far as it can be told: used for every answer, so it never throws. Where the query cannot be read, or holds a boolean that
 * is none, the server answers as if it had no query; so does this.
 * @param accept the Accept header: names the format where the query names none that is known
 */
export function presentationOf(target: Target | undefined, accept: string | undefined): Presentation {
  const parameters = readableQuery(target?.query)
  return {
    pretty: ['', 'true'].includes(parameters.get('pretty') ?? 'false'),
    filterPaths: filterPathsOf(parameters.get('filter_path')),
    format: formatOf(parameters.get('format')) ?? formatOfMediaType(accept ?? '') ?? 'json',
  }
}

function readableQuery(query: string | undefined): ReadonlyMap<string, string> {
  try {
    const parameters = parseQuery(query)
    checkBooleans(parameters)
    return parameters
  } catch {
    return new Map()
  }
}

function formatOf(format: string | undefined): Presentation['format'] | undefined {
  const lower = format?.toLowerCase()
  return lower === 'json' || lower === 'yaml' ? lower : undefined
}

/** One media type, as the server reads it: with parameters that are pairs, and without lists. */
function formatOfMediaType(header: string): Presentation['format'] | undefined {
  const [type = '', ...parameters] = header.split(';')
  const last = parameters.findLastIndex((parameter) => parameter !== '')
  if (!parameters.slice(0, last + 1).every(isPair)) return undefined
  return formatOf(/^application\/(?:vnd\.opensearch\+)?(json|yaml)$/i.exec(type.trim())?.[1])
}

function isPair(parameter: string): boolean {
  const [name, value, ...others] = parameter.trim().split('=')
  return (
    name === name?.trimEnd() &&
    value !== undefined &&
    value !== '' &&
    value === value.trimStart() &&
    others.length === 0
  )
}

function filterPathsOf(filterPath: string | undefined): FilterPaths {
  const paths = (filterPath ?? '')
    .split(',')
    .map(trimAsJava)
    .filter((path) => path !== '')
  return {
    includes: paths.filter((path) => !path.startsWith('-')),
    excludes: paths.filter((path) => path.startsWith('-')).map((path) => trimAsJava(path.slice(1))),
  }
}

/** Java's `String.trim`: everything up to the space goes, and nothing else; JavaScript's takes other characters. */
function trimAsJava(text: string): string {
  let [from, to] = [0, text.length]
  while (from < to && text.charCodeAt(from) <= 0x20) from++
  while (to > from && text.charCodeAt(to - 1) <= 0x20) to--
  return text.slice(from, to)
}

/**
 * Checks the parameters of a memory's delete in the order of the server, and reads the one that is ours, `refresh`.
 * @throws GatewayError unrecognizedParameter, ambiguousTarget
 */
export function parseDeleteParameters(target: Target): { readonly refresh: Refresh } {
  const parameters = parseQuery(target.query)
  checkBooleans(parameters)
  const refresh = parseRefresh(parameters.get('refresh'))
  checkNames(target, parameters, ['refresh'])
  return { refresh }
}

/**
 * The same for a session, whose delete has one parameter more, `cascade`.
 * @throws GatewayError unrecognizedParameter, ambiguousTarget
 */
export function parseSessionParameters(target: Target): { readonly refresh: Refresh; readonly cascade: boolean } {
  const parameters = parseQuery(target.query)
  if (!parameters.has('cascade')) return { ...parseDeleteParameters(target), cascade: false }
  checkBooleans(parameters)
  const refresh = parseRefresh(parameters.get('refresh'))
  const cascade = parseFlag(parameters, 'cascade')
  checkNames(target, parameters, ['refresh', 'cascade'])
  return { refresh, cascade }
}

/**
 * Checks the parameters of a delete by query, and reads the one that is ours, `dry_run`.
 * @throws GatewayError unrecognizedParameter, ambiguousTarget
 */
export function parseByQueryParameters(target: Target): { readonly dryRun: boolean } {
  const parameters = parseQuery(target.query)
  checkBooleans(parameters)
  const dryRun = parseFlag(parameters, 'dry_run')
  checkNames(target, parameters, ['dry_run'])
  return { dryRun }
}

/**
 * Checks the parameters of a container's delete.
 * @returns the memory types in `delete_memories` as they were sent: which of them there are is checked elsewhere
 * @throws GatewayError unrecognizedParameter, ambiguousTarget
 */
export function parseContainerParameters(target: Target): {
  readonly allMemories: boolean
  readonly memories: readonly string[]
} {
  const parameters = parseQuery(target.query)
  checkBooleans(parameters)
  const allMemories = parseFlag(parameters, 'delete_all_memories')
  const memories = (parameters.get('delete_memories') ?? '').split(',').filter((type) => type !== '')
  checkNames(target, parameters, ['delete_all_memories', 'delete_memories'])
  return { allMemories, memories }
}

/** The server's `paramAsBoolean`: a name without a value is true. */
function parseFlag(parameters: ReadonlyMap<string, string>, name: string): boolean {
  checkBooleans(parameters, [name])
  return ['', 'true'].includes(parameters.get(name) ?? 'false')
}

/**
 * Checks the parameters of a route that has none of its own.
 * @throws GatewayError unrecognizedParameter, ambiguousTarget
 */
export function checkParameters(target: Target): void {
  const parameters = parseQuery(target.query)
  checkBooleans(parameters)
  checkNames(target, parameters, [])
}

/**
 * The common parameters that lay out an answer, for a request of ours whose answer goes to the caller as it comes.
 * @param accept the Accept header: names the format where the query names none that is known
 */
export function layoutParametersOf(target: Target, accept: string | undefined): Readonly<Record<string, string>> {
  const parameters = parseQuery(target.query)
  const { format } = presentationOf(target, accept)
  const kept = ['pretty', 'human', 'filter_path'].flatMap((name) => {
    const value = parameters.get(name)
    return value === undefined ? [] : [[name, value] as const]
  })
  return { ...Object.fromEntries(kept), ...(format === 'json' ? {} : { format }) }
}

/** Everything that is neither common nor the route's own is refused: a misspelt parameter must not do more than was meant. */
function checkNames(target: Target, parameters: ReadonlyMap<string, string>, own: readonly string[]): void {
  const known: readonly string[] = [...COMMON, ...own]
  const unknown = [...parameters.keys()].filter((name) => !known.includes(name)).sort()
  if (unknown.length > 0) {
    const names = unknown.map((name) => `[${name}]${suggestion(name, known)}`).join(', ')
    const plural = unknown.length > 1 ? 's' : ''
    const reason = `request [${target.decodedPath}] contains unrecognized parameter${plural}: ${names}`
    throw new GatewayError('unrecognizedParameter', { reason })
  }
  checkFilterPaths(filterPathsOf(parameters.get('filter_path')))
}

function checkBooleans(
  parameters: ReadonlyMap<string, string>,
  names: readonly string[] = ['pretty', 'human', 'error_trace'],
): void {
  for (const name of names) {
    const value = parameters.get(name) ?? 'false'
    if (['', 'true', 'false'].includes(value)) continue
    throw new GatewayError('unrecognizedParameter', {
      reason: `Failed to parse value [${value}] as only [true] or [false] are allowed.`,
    })
  }
}

/** The server stumbles over a `-` with nothing after it only when it writes the answer, the delete done; here nothing has run yet. */
function checkFilterPaths({ excludes }: FilterPaths): void {
  if (excludes.length === 0 || excludes.some((path) => path !== '')) return
  throw new GatewayError('unrecognizedParameter', { reason: 'filters cannot be null or empty' })
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
