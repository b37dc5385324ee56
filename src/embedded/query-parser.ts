import { illegalArgument, notSupported, StoreError } from './errors.ts'
import type { JsonReader, Token } from './json-reader.ts'
import { parsingFailure, refuseField, unknownField } from './query-errors.ts'
import { isScalar, readTexts } from './source-body.ts'

/** The queries that the store can answer. Values are texts: the mapping of the field says what they mean. */
export type Query =
  | { readonly kind: 'all' | 'none' }
  | { readonly kind: 'term'; readonly field: string; readonly value: string; readonly boost: number }
  | { readonly kind: 'terms'; readonly field: string; readonly values: readonly string[] }
  | { readonly kind: 'ids'; readonly values: readonly string[] }
  | { readonly kind: 'exists'; readonly field: string }
  | { readonly kind: 'constant'; readonly filter: Query }
  | BoolQuery

export interface BoolQuery {
  readonly kind: 'bool'
  readonly must: readonly Query[]
  readonly filter: readonly Query[]
  readonly should: readonly Query[]
  readonly mustNot: readonly Query[]
}

/** What other queries the server knows; refused by name rather than as unknown. */
const OTHER_QUERIES = new Set([
  ...[
    'match',
    'match_phrase',
    'match_phrase_prefix',
    'multi_match',
    'query_string',
    'simple_query_string',
    'range',
    'prefix',
  ],
  ...['wildcard', 'regexp', 'fuzzy', 'nested', 'has_child', 'has_parent', 'function_score', 'script', 'script_score'],
  ...['dis_max', 'boosting', 'more_like_this', 'wrapper', 'knn', 'neural', 'hybrid', 'terms_set', 'template'],
])

const PARSERS: ReadonlyMap<string, (reader: JsonReader) => Query> = new Map([
  ['match_all', parseMatchAll],
  ['match_none', (reader) => ({ ...parseMatchAll(reader), kind: 'none' })],
  ['term', parseTerm],
  ['terms', parseTerms],
  ['ids', parseIds],
  ['exists', parseExists],
  ['constant_score', parseConstantScore],
  ['bool', parseBool],
])

/** Reads a query whose opening brace has been read, up to its closing brace; throws as the server does. */
export function parseQuery(reader: JsonReader): Query {
  const name = reader.require()
  if (name.type === 'END_OBJECT') {
    const { line, column } = reader.placeOf(name)
    throw illegalArgument(`query malformed, empty clause found at [${line}:${column}]`)
  }
  const open = reader.require()
  if (open.type !== 'START_OBJECT') {
    throw parsingFailure(reader, open, `[${name.text}] query malformed, no start_object after query name`)
  }
  const parse = PARSERS.get(name.text)
  if (parse === undefined) throw unknownQuery(reader, name.text, open)
  const query = parse(reader)
  const end = reader.require()
  if (end.type === 'END_OBJECT') return query
  throw parsingFailure(reader, end, `[${name.text}] malformed query, expected [END_OBJECT] but found [${end.type}]`)
}

function unknownQuery(reader: JsonReader, name: string, open: Token): StoreError {
  if (OTHER_QUERIES.has(name)) return notSupported(`the query [${name}]`)
  const { line, column } = reader.placeOf(open)
  const causedBy = { type: 'named_object_not_found_exception', reason: `[${line}:${column}] unknown field [${name}]` }
  return parsingFailure(reader, open, `unknown query [${name}]`, causedBy)
}

/** The fields of an object up to its closing brace, each with the first token of its value. */
function* members(reader: JsonReader): Generator<readonly [name: Token, value: Token]> {
  for (let name = reader.require(); name.type !== 'END_OBJECT'; name = reader.require()) yield [name, reader.require()]
}

function parseMatchAll(reader: JsonReader): Query {
  for (const [name, value] of members(reader)) throw refuseField(reader, 'match_all', name, value)
  return { kind: 'all' }
}

function parseTerm(reader: JsonReader): Query {
  let term: Query | undefined
  for (const [name, value] of members(reader)) {
    if (value.type === 'START_ARRAY')
      throw parsingFailure(reader, value, '[term] query does not support array of values')
    if (value.type === 'VALUE_NULL') continue
    if (term?.kind === 'term') {
      const reason = `[term] query doesn't support multiple fields, found [${term.field}] and [${name.text}]`
      throw parsingFailure(reader, value, reason)
    }
    term = value.type === 'START_OBJECT' ? parseTermObject(reader, name.text) : termOf(name.text, value.text, 1)
  }
  if (term === undefined) throw illegalArgument('field name is null or empty')
  return term
}

function termOf(field: string, value: string, boost: number): Query {
  return { kind: 'term', field, value, boost }
}

function parseTermObject(reader: JsonReader, field: string): Query {
  let text: string | undefined
  let boost = 1
  for (const [name, value] of members(reader)) {
    if (name.text === 'value') text = value.text
    else if (name.text === 'boost') boost = Number(value.text)
    else if (name.text === 'case_insensitive' || name.text === '_name') throw notSupported(`[${name.text}] in [term]`)
    else throw parsingFailure(reader, value, `[term] query does not support [${name.text}]`)
  }
  if (text === undefined) throw illegalArgument('value cannot be null')
  return termOf(field, text, boost)
}

function parseTerms(reader: JsonReader): Query {
  let terms: Query | undefined
  for (const [name, value] of members(reader)) {
    if (value.type === 'START_OBJECT') throw notSupported('a lookup in [terms]')
    if (value.type !== 'START_ARRAY')
      throw parsingFailure(reader, value, `[terms] query does not support [${name.text}]`)
    if (terms !== undefined) throw parsingFailure(reader, value, '[terms] query does not support multiple fields')
    terms = { kind: 'terms', field: name.text, values: readTexts(reader) }
  }
  if (terms === undefined) throw notSupported('[terms] without a field')
  return terms
}

function parseIds(reader: JsonReader): Query {
  let values: readonly string[] = []
  for (const [name, value] of members(reader)) {
    if (name.text !== 'values') throw refuseField(reader, 'ids', name, value)
    values = value.type === 'START_ARRAY' ? readTexts(reader) : [value.text]
  }
  return { kind: 'ids', values }
}

function parseExists(reader: JsonReader): Query {
  let field = ''
  for (const [name, value] of members(reader)) {
    if (name.text !== 'field' || !isScalar(value)) {
      throw parsingFailure(reader, value, `[exists] query does not support [${name.text}]`)
    }
    field = value.text
  }
  return { kind: 'exists', field }
}

function parseConstantScore(reader: JsonReader): Query {
  let filter: Query | undefined
  for (const [name, value] of members(reader)) {
    if (name.text !== 'filter' || value.type !== 'START_OBJECT')
      throw notSupported(`[${name.text}] in [constant_score]`)
    filter = parseQuery(reader)
  }
  if (filter === undefined) throw notSupported('[constant_score] without a [filter]')
  return { kind: 'constant', filter }
}

const CLAUSES = { must: 'must', filter: 'filter', should: 'should', must_not: 'mustNot' } as const

function parseBool(reader: JsonReader): Query {
  const clauses: Record<(typeof CLAUSES)[keyof typeof CLAUSES], Query[]> = {
    must: [],
    filter: [],
    should: [],
    mustNot: [],
  }
  for (const [name, value] of members(reader)) {
    if (!isClause(name.text)) throw refuseBoolField(reader, name)
    clauses[CLAUSES[name.text]].push(...parseClause(reader, value))
  }
  return { kind: 'bool', ...clauses }
}

function isClause(name: string): name is keyof typeof CLAUSES {
  return Object.hasOwn(CLAUSES, name)
}

function refuseBoolField(reader: JsonReader, name: Token): StoreError {
  const known = ['minimum_should_match', 'boost', 'adjust_pure_negative', '_name']
  return known.includes(name.text)
    ? notSupported(`[${name.text}] in [bool]`)
    : new StoreError(400, unknownField(reader, 'bool', name))
}

function parseClause(reader: JsonReader, value: Token): readonly Query[] {
  if (value.type === 'START_OBJECT') return [parseQuery(reader)]
  if (value.type !== 'START_ARRAY')
    throw parsingFailure(reader, value, '[_na] query malformed, must start with start_object')
  const queries: Query[] = []
  for (let token = reader.require(); token.type !== 'END_ARRAY'; token = reader.require()) {
    if (token.type !== 'START_OBJECT') {
      throw parsingFailure(reader, token, '[_na] query malformed, must start with start_object')
    }
    queries.push(parseQuery(reader))
  }
  return queries
}

/** The `q` parameter: `field:value` or `*`. */
export function parseQueryString(q: string): Query {
  if (q === '*' || q === '*:*') return { kind: 'all' }
  const match = /^([\w.]+):(?:"([^"\\]*)"|([^\s"\\()*?~^:]+))$/.exec(q)
  if (match === null) throw notSupported(`the query string [${q}]`)
  return termOf(match[1] ?? '', match[2] ?? match[3] ?? '', 1)
}
