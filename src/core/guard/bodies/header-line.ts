import { isJsonObject } from '../../strict-json.ts'
import { isTexts } from './source-filter.ts'

/** What the header of a search says in a `_msearch` body; each list of indices by itself. */
export type HeaderLine =
  | { readonly kind: 'header'; readonly indices: readonly (readonly string[])[] }
  | { readonly kind: 'unreadable'; readonly why: string }

// All that OpenSearch 3.4.0 takes (MultiSearchRequest.readMultiLineFormat).
const KEYS = new Set([
  'index',
  'indices',
  'search_type',
  'searchType',
  'ccs_minimize_roundtrips',
  'ccsMinimizeRoundtrips',
  'request_cache',
  'requestCache',
  'preference',
  'routing',
  'allow_partial_search_results',
  'expand_wildcards',
  'expandWildcards',
  'ignore_unavailable',
  'ignoreUnavailable',
  'allow_no_indices',
  'allowNoIndices',
  'ignore_throttled',
  'ignoreThrottled',
  'cancel_after_time_interval',
  'cancelAfterTimeInterval',
  'phase_took',
])

/**
 * Reads one header, as `{"index":"a,b"}`, parsed before. `index` and `indices` are one thing for the server, which takes the one that its
 * hash map has last: both are reported.
 */
export function readHeaderLine(line: unknown): HeaderLine {
  if (!isJsonObject(line)) return { kind: 'unreadable', why: 'is no object' }
  const unknown = Object.keys(line).find((key) => !KEYS.has(key))
  if (unknown !== undefined)
    return { kind: 'unreadable', why: `holds an unknown key: ${JSON.stringify(unknown.slice(0, 64))}` }
  const named = ['index', 'indices'].flatMap((key) => (Object.hasOwn(line, key) ? [line[key]] : []))
  if (!named.every(isTexts)) return { kind: 'unreadable', why: 'names indices by something other than texts' }
  return { kind: 'header', indices: named.map((value) => [value].flat().map(String)) }
}
