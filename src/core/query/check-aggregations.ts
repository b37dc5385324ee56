import { GatewayError } from '../failure.ts'
import { isJsonObject } from '../strict-json.ts'
import type { JsonObject } from '../strict-json.ts'
import { checkedQuery } from './check-query.ts'

const NUMBERS = ['field', 'missing', 'format'] as const
const BUCKETS = ['field', 'missing', 'format', 'keyed', 'order'] as const

/**
 * The aggregations that count only what the query finds, each with the options that it may have. `global`, `significant_terms` and their like look at
 * all documents of the index; scripts are no option of any.
 */
const AGGREGATIONS: Readonly<Record<string, readonly string[]>> = {
  avg: NUMBERS,
  sum: NUMBERS,
  min: NUMBERS,
  max: NUMBERS,
  stats: NUMBERS,
  extended_stats: [...NUMBERS, 'sigma'],
  value_count: NUMBERS,
  cardinality: [...NUMBERS, 'precision_threshold'],
  percentiles: [...NUMBERS, 'percents', 'keyed'],
  terms: [...BUCKETS, 'size', 'shard_size', 'min_doc_count', 'include', 'exclude'],
  histogram: [...BUCKETS, 'interval', 'offset', 'min_doc_count'],
  date_histogram: [
    ...BUCKETS,
    'interval',
    'calendar_interval',
    'fixed_interval',
    'time_zone',
    'offset',
    'min_doc_count',
  ],
  range: [...BUCKETS, 'ranges'],
  date_range: [...BUCKETS, 'ranges', 'time_zone'],
  missing: ['field'],
}

const MAX_AGGREGATIONS = 256
const MAX_DEPTH = 8

/**
 * Checks aggregations, and those within them.
 * @throws GatewayError invalidQuery, which names what is not allowed
 */
export function checkedAggregations(value: unknown): true {
  let left = MAX_AGGREGATIONS

  function check(aggregations: unknown, depth: number): void {
    if (depth > MAX_DEPTH) throw invalid(`The aggregations are more than ${String(MAX_DEPTH)} deep`)
    if (!isJsonObject(aggregations)) throw invalid('Aggregations must be an object, by their names')
    for (const aggregation of Object.values(aggregations)) {
      left -= 1
      if (left < 0) throw invalid(`There are more than ${String(MAX_AGGREGATIONS)} aggregations`)
      if (!isJsonObject(aggregation)) throw invalid('An aggregation must be an object that names its kind')
      for (const [member, body] of Object.entries(aggregation)) {
        if (member === 'aggs' || member === 'aggregations') check(body, depth + 1)
        else checkKind(member, body)
      }
    }
  }

  check(value, 1)
  return true
}

function checkKind(kind: string, body: unknown): void {
  if (kind === 'filter') {
    checkedQuery({ value: body, raw: '' })
    return
  }
  const options = Object.hasOwn(AGGREGATIONS, kind) ? AGGREGATIONS[kind] : undefined
  if (options === undefined) {
    const allowed = ['filter', ...Object.keys(AGGREGATIONS)].join(', ')
    throw invalid(`The aggregation [${kind}] is not allowed here; allowed are ${allowed}`)
  }
  if (!isJsonObject(body)) throw invalid(`The aggregation [${kind}] must be an object`)
  for (const [name, option] of Object.entries(body)) {
    if (!options.includes(name) || !isPlain(option)) {
      throw invalid(`The option [${name}] of the aggregation [${kind}] is not allowed here`)
    }
  }
  checkLeastCount(kind, body)
}

/** With a least count of 0 the server names every term of the index, also those of documents that the query does not find. */
function checkLeastCount(kind: string, body: JsonObject): void {
  if (kind !== 'terms' || !Object.hasOwn(body, 'min_doc_count')) return
  const least = body['min_doc_count']
  if (typeof least === 'number' && Number.isInteger(least) && least >= 1) return
  throw invalid('The option [min_doc_count] of the aggregation [terms] must be a whole number from 1')
}

/** Texts, numbers and flags, alone, in a list, or one level down: no option that is allowed needs more. */
function isPlain(value: unknown): boolean {
  if (!isNested(value)) return true
  const parts: readonly unknown[] = Array.isArray(value) ? value : Object.values(value as JsonObject)
  return parts.every(
    (part) => !isNested(part) || (isJsonObject(part) && Object.values(part).every((one) => !isNested(one))),
  )
}

function isNested(value: unknown): boolean {
  return value !== null && typeof value === 'object'
}

function invalid(reason: string): GatewayError {
  return new GatewayError('invalidQuery', { reason })
}
