import type { DocumentIndex, StoredDocument } from './documents.ts'
import { StoreError } from './errors.ts'
import { javaText } from './java-text.ts'
import type { Json, JsonObject } from './json-values.ts'
import { isJsonArray, isJsonObject } from './json-values.ts'
import type { FieldMapping, ObjectMapping, ValueMapping } from './mapping.ts'
import { findField } from './mapping.ts'
import type { BoolQuery, Query } from './query-parser.ts'
import { scoreTerm } from './scores.ts'

/** A query over one index: the score of a document, or `undefined` where it does not match. */
export type Matcher = (document: StoredDocument) => number | undefined

/** Prepares a query for the documents of an index. Throws where a value cannot be one of the field's type. */
export function matcherFor(query: Query, index: DocumentIndex, documents: readonly StoredDocument[]): Matcher {
  switch (query.kind) {
    case 'all':
      return () => 1
    case 'none':
      return () => undefined
    case 'ids':
      return constant((document) => query.values.includes(document.id))
    case 'exists':
      return constant((document) => valuesAt(document.root, query.field.split('.')).length > 0)
    case 'constant': {
      const filter = matcherFor(query.filter, index, documents)
      return constant((document) => filter(document) !== undefined)
    }
    case 'term':
      return termMatcher(query.field, query.value, query.boost, index, documents)
    case 'terms': {
      const terms = query.values.map((value) => termMatcher(query.field, value, 1, index, documents))
      return constant((document) => terms.some((term) => term(document) !== undefined))
    }
    case 'bool':
      return boolMatcher(query, index, documents)
  }
}

function constant(matches: (document: StoredDocument) => boolean): Matcher {
  return (document) => (matches(document) ? 1 : undefined)
}

function boolMatcher(query: BoolQuery, index: DocumentIndex, documents: readonly StoredDocument[]): Matcher {
  const prepare = (queries: readonly Query[]) => queries.map((inner) => matcherFor(inner, index, documents))
  const [must, filter, should, mustNot] = [query.must, query.filter, query.should, query.mustNot].map(prepare) as [
    Matcher[],
    Matcher[],
    Matcher[],
    Matcher[],
  ]
  if ([must, filter, should, mustNot].every((clause) => clause.length === 0)) return () => 1
  return (document) => {
    if ([...must, ...filter].some((matcher) => matcher(document) === undefined)) return undefined
    if (mustNot.some((matcher) => matcher(document) !== undefined)) return undefined
    const optional = should.map((matcher) => matcher(document)).filter((score) => score !== undefined)
    if (optional.length === 0 && should.length > 0 && must.length + filter.length === 0) return undefined
    return [...must.map((matcher) => matcher(document) ?? 0), ...optional].reduce((sum, score) => sum + score, 0)
  }
}

function termMatcher(
  path: string,
  value: string,
  boost: number,
  index: DocumentIndex,
  documents: readonly StoredDocument[],
): Matcher {
  if (path === '_id') return (document) => (document.id === value ? boost : undefined)
  const field = findField(index.mapping, path)
  if (field === undefined) return () => undefined
  const wanted = normalise(field, value, index)
  const termsOf = (document: StoredDocument) => indexedTerms(field, document.root, valuePath(index.mapping, path))
  if (field.type === 'text' || field.type === 'boolean') {
    return scoreTerm({ documents, termsOf, wanted, boost, norms: field.type === 'text' })
  }
  return (document) => (termsOf(document).includes(wanted) ? boost : undefined)
}

const INTEGERS = new Set(['long', 'integer', 'short', 'byte', 'unsigned_long'])
const FRACTIONS = new Set(['double', 'float', 'half_float', 'scaled_float'])

/** A value of a query as its field indexes it. */
function normalise(field: ValueMapping, value: string, index: DocumentIndex): string {
  if (!INTEGERS.has(field.type) && !FRACTIONS.has(field.type)) return value
  const number = numberTerm(field.type, value)
  if (number === undefined) throw queryFailure(index, `For input string: "${value}"`)
  return number
}

/** `search_phase_execution_exception` with the one shard that failed. */
function queryFailure(index: DocumentIndex, complaint: string): StoreError {
  const failure = { type: 'query_shard_exception', reason: `failed to create query: ${complaint}` }
  const details = { index: index.name, index_uuid: index.uuid }
  const cause = { type: 'number_format_exception', reason: complaint }
  return searchFailure(index, { ...failure, details }, { ...failure, details, causedBy: cause })
}

/** All shards failed for one reason. */
export function searchFailure(
  index: DocumentIndex,
  rootCause: StoreError['error'],
  shardFailure: StoreError['error'],
  causedBy?: StoreError['error'],
): StoreError {
  const reason: Json = renderFailure(shardFailure)
  const shard: JsonObject = new Map<string, Json>([
    ['shard', 0],
    ['index', index.name],
    ['node', 'embedded-store-0000000'],
    ['reason', reason],
  ])
  return new StoreError(400, {
    type: 'search_phase_execution_exception',
    reason: 'all shards failed',
    details: { phase: 'query', grouped: true, failed_shards: [shard] },
    rootCauses: [rootCause],
    ...(causedBy && { causedBy }),
  })
}

function renderFailure({ type, reason, details, causedBy }: StoreError['error']): JsonObject {
  const entries: [string, Json][] = [['type', type], ['reason', reason], ...Object.entries(details ?? {})]
  return new Map(causedBy === undefined ? entries : [...entries, ['caused_by', renderFailure(causedBy)]])
}

function numberTerm(type: string, text: string): string | undefined {
  const number = Number(text)
  if (text.trim() === '' || !Number.isFinite(number)) return undefined
  if (!INTEGERS.has(type)) return String(number)
  return /^[+-]?\d+$/.test(text) ? String(BigInt(text.replace('+', ''))) : String(Math.trunc(number))
}

/** Where the values of a field are: at its path, or at its parent's where it is a second index of the same values. */
function valuePath(mapping: ObjectMapping, path: string): readonly string[] {
  const names = path.split('.')
  let current: FieldMapping | undefined = mapping
  for (const [depth, name] of names.entries()) {
    if (current?.kind === 'value') return current.type === 'flat_object' ? names : names.slice(0, depth)
    current = current?.properties.get(name)
  }
  return names
}

function indexedTerms(field: ValueMapping, root: JsonObject, path: readonly string[]): readonly string[] {
  const limit = Number(javaText(field.attributes.get('ignore_above') ?? Infinity))
  const texts = valuesAt(root, path)
    .map(javaText)
    .filter((text) => text.length <= limit)
  if (field.type === 'text') return texts.flatMap(tokenize)
  if (!INTEGERS.has(field.type) && !FRACTIONS.has(field.type)) return texts
  return texts.map((text) => numberTerm(field.type, text)).filter((text) => text !== undefined)
}

/** Words, in lower case: near enough to the standard analyser for what a demo searches. */
function tokenize(text: string): readonly string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}_]+(?:['’][\p{L}\p{N}_]+)*/gu) ?? []
}

/** The scalars at a dotted path, through lists, and through names that hold dots themselves. */
function valuesAt(value: Json | undefined, path: readonly string[]): readonly Json[] {
  if (value === undefined || value === null) return []
  if (isJsonArray(value)) return value.flatMap((member) => valuesAt(member, path))
  if (path.length === 0) return isJsonObject(value) ? [] : [value]
  if (!isJsonObject(value)) return []
  return path.flatMap((_, i) => valuesAt(value.get(path.slice(0, i + 1).join('.')), path.slice(i + 1)))
}
