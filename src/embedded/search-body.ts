import { illegalArgument, notSupported, StoreError } from './errors.ts'
import type { JsonReader, Token } from './json-reader.ts'
import { parseInteger } from './parameters.ts'
import type { Query } from './query-parser.ts'
import { parsingFailure } from './query-errors.ts'
import { parseQuery } from './query-parser.ts'
import { readSourceObject, readTexts, sourceFromScalar } from './source-body.ts'
import type { SourceFilter } from './source-filter.ts'

/** What a search asks for. */
export interface SearchOptions {
  readonly query: Query
  readonly from: number
  readonly size: number
  readonly source: SourceFilter
  /** How many hits are counted exactly; 0 for none. */
  readonly countUpTo: number
  readonly version: boolean
  readonly seqNo: boolean
}

/** The server counts this many hits exactly unless asked otherwise. */
export const COUNT_UP_TO = 10_000

const OTHER_KEYS = new Set([
  ...[
    'sort',
    'aggs',
    'aggregations',
    'highlight',
    'suggest',
    'rescore',
    'collapse',
    'script_fields',
    'post_filter',
    'pit',
    'slice',
  ],
  ...[
    'stored_fields',
    'docvalue_fields',
    'fields',
    'search_after',
    'indices_boost',
    'min_score',
    'explain',
    'profile',
    'terminate_after',
  ],
  ...['stats', 'ext', 'derived', 'search_pipeline', 'verbose_pipeline'],
])

/** Reads the body of a search; throws as the server does. */
export function parseSearch(reader: JsonReader): Partial<SearchOptions> {
  const start = reader.require()
  if (start.type !== 'START_OBJECT') {
    throw parsingFailure(reader, start, `Expected [START_OBJECT] but found [${start.type}]`)
  }
  let options: Partial<SearchOptions> = {}
  for (let name = reader.require(); name.type !== 'END_OBJECT'; name = reader.require()) {
    options = { ...options, ...parseKey(reader, name.text, reader.require()) }
  }
  return options
}

function parseKey(reader: JsonReader, key: string, value: Token): Partial<SearchOptions> {
  if (value.type === 'START_OBJECT' && key === 'query') return { query: parseQuery(reader) }
  if (key === '_source') return { source: parseSource(reader, value) }
  const scalar = value.type !== 'START_OBJECT' && value.type !== 'START_ARRAY'
  const known = scalar ? parseScalar(reader, key, value) : undefined
  if (known !== undefined) return known
  if (OTHER_KEYS.has(key)) throw notSupported(`[${key}] in a search`)
  throw parsingFailure(reader, value, `Unknown key for a ${value.type} in [${key}].`)
}

function parseSource(reader: JsonReader, value: Token): SourceFilter {
  if (value.type === 'START_ARRAY') return { fetch: true, includes: readTexts(reader), excludes: [] }
  if (value.type === 'START_OBJECT') return readSourceObject(reader)
  return sourceFromScalar(value)
}

function parseScalar(reader: JsonReader, key: string, value: Token): Partial<SearchOptions> | undefined {
  switch (key) {
    case 'from':
      return { from: nonNegative(key, intOf(value)) }
    case 'size':
      return { size: nonNegative(key, intOf(value)) }
    case 'version':
      return { version: value.text === 'true' }
    case 'seq_no_primary_term':
      return { seqNo: value.text === 'true' }
    case 'track_total_hits':
      return {
        countUpTo: value.type === 'VALUE_BOOLEAN' ? countLimit(value.text === 'true') : countLimit(intOf(value)),
      }
    case 'timeout':
    case 'track_scores':
      return {}
    default:
      return undefined
  }
}

function intOf(value: Token): number {
  const number = parseInteger(value.text, 2n ** 31n)
  if (number !== undefined) return Number(number)
  throw new StoreError(400, { type: 'number_format_exception', reason: `For input string: "${value.text}"` })
}

export function nonNegative(key: 'from' | 'size', value: number): number {
  if (value < 0) throw illegalArgument(`[${key}] parameter cannot be negative, found [${value}]`)
  return value
}

/** `track_total_hits`: everything, nothing (`false` or -1), or up to a number. */
export function countLimit(value: boolean | number): number {
  if (value === true) return Infinity
  return value === false || value < 0 ? 0 : value
}
