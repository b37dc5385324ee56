import { GatewayError } from '../failure.ts'
import { isJsonObject, member } from '../strict-json.ts'
import { checkedAggregations } from './check-aggregations.ts'
import { checkedQuery } from './check-query.ts'
import type { CheckedQuery } from './check-query.ts'
import { readMembers } from './read-members.ts'
import type { Member } from './read-members.ts'

/** The body of a search that holds nothing but what stays within the query. */
export interface CheckedSearch {
  readonly query: CheckedQuery | undefined
  /** The other members as they arrived, each with its name. */
  readonly members: readonly string[]
}

export const EVERYTHING = checkedQuery({ value: { match_all: {} }, raw: '{"match_all":{}}' })

/**
 * What a search may hold beside its query. The rest may read more than the query finds (`suggest`, `collapse` with inner hits, a `global`
 * aggregation), run scripts (`script_fields`, `derived`, `rescore`), or name other indices (`pit`, `indices_boost`).
 */
const MEMBERS: Readonly<Record<string, (member: Member) => boolean>> = {
  from: ({ value }) => isScalar(value),
  size: ({ value }) => isScalar(value),
  sort: ({ value }) => isSort(value),
  search_after: ({ value }) => isListOfScalars(value),
  track_total_hits: ({ value }) => isScalar(value),
  track_scores: ({ value }) => isScalar(value),
  min_score: ({ value }) => isScalar(value),
  timeout: ({ value }) => isScalar(value),
  _source: ({ value }) => isScalar(value) || isListOfScalars(value) || isObjectOf(value, isScalarOrList),
  fields: ({ value }) => isListOfScalars(value),
  docvalue_fields: ({ value }) => isListOfScalars(value),
  // Without a field the server fails with a 500 (3.4.0).
  collapse: ({ value }) =>
    isObjectOf(value, isScalar) && isJsonObject(value) && typeof member(value, 'field') === 'string',
  highlight: ({ value }) =>
    isObjectOf(value, (part, name) =>
      name === 'fields' ? isObjectOf(part, (field) => isObjectOf(field, isScalarOrList)) : isScalarOrList(part),
    ),
  post_filter: (member) => checkedQuery(member) !== '',
  aggs: ({ value }) => checkedAggregations(value),
  aggregations: ({ value }) => checkedAggregations(value),
}

/** Always told, as by the plugin, whatever the caller says. */
const SET_HERE = ['version', 'seq_no_primary_term']

/**
 * Checks the body of a search of memories.
 * @throws GatewayError invalidBody; invalidQuery, which names what is not allowed
 */
export function checkedSearch(body: string): CheckedSearch {
  if (body.trim() === '') throw new GatewayError('invalidBody', { reason: 'Search memories request has empty body' })
  const members = readMembers(body)
  const query = members.get('query')
  const others = [...members].filter(([name]) => name !== 'query' && !SET_HERE.includes(name))
  const unknown = others.filter(([name]) => !Object.hasOwn(MEMBERS, name)).map(([name]) => `[${name}]`)
  if (unknown.length > 0) {
    const allowed = ['query', ...Object.keys(MEMBERS)].join(', ')
    throw invalid(`The search holds ${unknown.join(', ')}, which is not allowed here; allowed are ${allowed}`)
  }
  for (const [name, member] of others) {
    if (MEMBERS[name]?.(member) !== true) throw invalid(`The value of [${name}] in the search is not allowed here`)
  }
  return {
    query: query === undefined ? undefined : checkedQuery(query),
    members: others.map(([name, { raw }]) => `${JSON.stringify(name)}:${raw}`),
  }
}

/** Fields, and how to sort by them: no script, and no filter of a nested field's. */
function isSort(value: unknown): boolean {
  const clauses: readonly unknown[] = Array.isArray(value) ? value : [value]
  return clauses.every(
    (clause) =>
      typeof clause === 'string' ||
      isObjectOf(clause, (how, field) => field !== '_script' && (isScalar(how) || isObjectOf(how, isScalar))),
  )
}

function isScalar(value: unknown): boolean {
  return value === null || typeof value !== 'object'
}

function isListOfScalars(value: unknown): boolean {
  return Array.isArray(value) && value.every(isScalar)
}

function isScalarOrList(value: unknown): boolean {
  return isScalar(value) || isListOfScalars(value)
}

function isObjectOf(value: unknown, isAllowed: (value: unknown, name: string) => boolean): boolean {
  return isJsonObject(value) && Object.entries(value).every(([name, part]) => isAllowed(part, name))
}

function invalid(reason: string): GatewayError {
  return new GatewayError('invalidQuery', { reason })
}
