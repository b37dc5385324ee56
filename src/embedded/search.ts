import type { DocumentIndex, StoredDocument } from './documents.ts'
import { PRIMARY_TERM } from './documents.ts'
import { notSupported } from './errors.ts'
import type { JsonReader } from './json-reader.ts'
import type { Json, JsonObject } from './json-values.ts'
import { fields } from './json-values.ts'
import type { Parameters } from './parameters.ts'
import { matcherFor, searchFailure } from './query-matcher.ts'
import type { Query } from './query-parser.ts'
import { parsingFailure } from './query-errors.ts'
import { parseQuery, parseQueryString } from './query-parser.ts'
import type { Handler } from './requests.ts'
import { contentOf, indicesOptions, sourceFilterOf } from './requests.ts'
import { scoreText } from './scores.ts'
import type { SearchOptions } from './search-body.ts'
import { COUNT_UP_TO, countLimit, nonNegative, parseSearch } from './search-body.ts'
import { selectSource, WHOLE_SOURCE } from './source-filter.ts'

interface Hit {
  readonly index: DocumentIndex
  readonly document: StoredDocument
  readonly score: number
}

/** `GET|POST /{index}/_search`. */
export const search: Handler = (request) => {
  const { store, parameters } = request
  const expression = parameters.text('index') ?? '_all'
  const reader = contentOf(request)
  const options: SearchOptions = {
    ...{
      query: { kind: 'all' },
      from: 0,
      size: 10,
      source: WHOLE_SOURCE,
      countUpTo: COUNT_UP_TO,
      version: false,
      seqNo: false,
    },
    ...(reader === undefined ? {} : parseSearch(reader)),
    ...urlOptions(parameters),
  }
  ignoreSearchParameters(parameters)
  const totalAsNumber = parameters.flag('rest_total_hits_as_int', false)
  const indicesFound = indicesOptions(parameters)
  return () => {
    const started = performance.now()
    const indices = store.resolve(expression, indicesFound)
    for (const index of indices) checkWindow(index, options)
    const hits = findHits(indices, options.query)
    const head = { took: Math.round(performance.now() - started), timed_out: false, _shards: shardCounts(indices) }
    return { status: 200, body: fields({ ...head, hits: renderHits(hits, options, indices.length, totalAsNumber) }) }
  }
}

/** What the query string says wins over the body. Only what is there is asked for, as on the server. */
function urlOptions(parameters: Parameters): Partial<SearchOptions> {
  const options: { -readonly [K in keyof SearchOptions]?: SearchOptions[K] } = {}
  const q = parameters.text('q')
  if (q !== undefined) options.query = parseQueryString(q)
  if (parameters.has('from')) options.from = nonNegative('from', Number(parameters.integer('from') ?? 0))
  if (parameters.has('size')) options.size = nonNegative('size', Number(parameters.integer('size') ?? 10))
  if (parameters.has('version')) options.version = parameters.flag('version', false)
  if (parameters.has('seq_no_primary_term')) options.seqNo = parameters.flag('seq_no_primary_term', false)
  if (parameters.has('timeout')) parameters.ignore('timeout')
  if (parameters.has('track_total_hits')) options.countUpTo = countLimit(totalHitsParameter(parameters))
  const source = sourceFilterOf(parameters)
  if (source !== undefined) options.source = source
  for (const name of ['sort', 'stored_fields', 'docvalue_fields', 'scroll', 'suggest_field', 'explain']) {
    if (parameters.has(name)) throw notSupported(`the parameter [${name}]`)
  }
  return options
}

function totalHitsParameter(parameters: Parameters): boolean | number {
  const value = parameters.text('track_total_hits')
  if (value === 'true' || value === '') return true
  return value === 'false' ? false : Number(parameters.integer('track_total_hits') ?? 0)
}

function ignoreSearchParameters(parameters: Parameters): void {
  parameters.ignore('typed_keys', 'preference', 'routing', 'request_cache', 'search_type', 'batched_reduce_size')
  parameters.ignore('max_concurrent_shard_requests', 'pre_filter_shard_size', 'allow_partial_search_results')
  parameters.ignore('ccs_minimize_roundtrips', 'cancel_after_time_interval', 'phase_took', 'search_pipeline')
}

function checkWindow(index: DocumentIndex, { from, size }: SearchOptions): void {
  const window = Number(index.settings.get('max_result_window') ?? '10000')
  if (from + size <= window) return
  const remedy = 'See the scroll api for a more efficient way to request large data sets.'
  const setting = 'This limit can be set by changing the [index.max_result_window] index level setting.'
  const limit = `from + size must be less than or equal to: [${window}] but was [${from + size}].`
  const cause = {
    type: 'illegal_argument_exception',
    reason: `Result window is too large, ${limit} ${remedy} ${setting}`,
  }
  throw searchFailure(index, cause, cause, { ...cause, causedBy: cause })
}

/** Best first; among equals as they were written. */
function findHits(indices: readonly DocumentIndex[], query: Query): readonly Hit[] {
  const hits = indices.flatMap((index) => {
    const documents = [...index.visible()]
    const matcher = matcherFor(query, index, documents)
    return documents.flatMap((document): readonly Hit[] => {
      const score = matcher(document)
      return score === undefined ? [] : [{ index, document, score }]
    })
  })
  return hits.sort((a, b) => b.score - a.score)
}

function shardCounts(indices: readonly DocumentIndex[]): JsonObject {
  return fields({ total: indices.length, successful: indices.length, skipped: 0, failed: 0 })
}

function renderHits(hits: readonly Hit[], options: SearchOptions, indices: number, totalAsNumber: boolean): JsonObject {
  const { from, size, countUpTo } = options
  return fields({
    total:
      countUpTo === 0
        ? totalAsNumber
          ? -1
          : undefined
        : totalAsNumber
          ? hits.length
          : renderTotal(hits.length, countUpTo),
    max_score: indices === 0 ? scoreOf(0) : size === 0 || hits[0] === undefined ? null : scoreOf(hits[0].score),
    hits: hits.slice(from, from + size).map((hit) => renderHit(hit, options)),
  })
}

function renderTotal(count: number, limit: number): JsonObject {
  return count > limit ? fields({ value: limit, relation: 'gte' }) : fields({ value: count, relation: 'eq' })
}

function scoreOf(score: number): Json {
  return { kind: 'number', text: scoreText(score) }
}

function renderHit({ index, document, score }: Hit, options: SearchOptions): JsonObject {
  return fields({
    _index: index.name,
    _id: document.id,
    _version: options.version ? document.version : undefined,
    _seq_no: options.seqNo ? document.seqNo : undefined,
    _primary_term: options.seqNo ? PRIMARY_TERM : undefined,
    _score: scoreOf(score),
    _routing: document.routing,
    _source: selectSource(document.source, options.source),
  })
}

/** `GET|POST /{index}/_count`. */
export const count: Handler = (request) => {
  const { store, parameters } = request
  const expression = parameters.text('index') ?? '_all'
  const options = indicesOptions(parameters)
  parameters.ignore('routing', 'preference')
  if (parameters.text('min_score') !== undefined || parameters.text('terminate_after') !== undefined) {
    throw notSupported('the parameters [min_score] and [terminate_after]')
  }
  const q = parameters.text('q')
  const reader = contentOf(request)
  const asked = reader === undefined ? undefined : parseCountBody(reader)
  const query = q === undefined ? asked : parseQueryString(q)
  return () => {
    const indices = store.resolve(expression, options)
    const found = findHits(indices, query ?? { kind: 'all' })
    return { status: 200, body: fields({ count: found.length, _shards: shardCounts(indices) }) }
  }
}

function parseCountBody(reader: JsonReader): Query | undefined {
  let query: Query | undefined
  reader.require()
  for (let name = reader.require(); name.type !== 'END_OBJECT'; name = reader.require()) {
    if (name.text !== 'query') throw parsingFailure(reader, name, `request does not support [${name.text}]`)
    if (reader.require().type !== 'START_OBJECT')
      throw parsingFailure(reader, name, '[_na] query malformed, must start with start_object')
    query = parseQuery(reader)
  }
  return query
}
