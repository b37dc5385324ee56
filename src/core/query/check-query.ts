import { GatewayError } from '../failure.ts'
import { isJsonObject } from '../strict-json.ts'
import type { JsonObject } from '../strict-json.ts'
import type { Member } from './read-members.ts'

declare const brand: unique symbol

/** The text of a caller's query that holds nothing but allowed kinds. Only {@link checkedQuery} makes one, so no other text gets into a query of ours. */
export type CheckedQuery = string & { readonly [brand]: true }

/** The kinds of queries that a caller may send: none of them reads another index, runs a script or hides a query from this check. */
export const QUERY_KINDS = [
  'match_all',
  'ids',
  'term',
  'terms',
  'range',
  'exists',
  'prefix',
  'match',
  'match_phrase',
  'bool',
  'constant_score',
  'nested',
] as const

type QueryKind = (typeof QUERY_KINDS)[number]

/** Queries within queries, and all of them together. */
const MAX_DEPTH = 32
const MAX_CLAUSES = 1_024

/**
 * Checks a query, and keeps its text as it arrived.
 * @throws GatewayError invalidQuery, which names what is not allowed
 */
export function checkedQuery({ value, raw }: Member): CheckedQuery {
  new Check().query(value, 1)
  return raw as CheckedQuery
}

class Check {
  #clauses = 0

  query(query: unknown, depth: number): void {
    this.#clauses += 1
    if (depth > MAX_DEPTH) throw invalid(`The query holds queries more than ${String(MAX_DEPTH)} deep`)
    if (this.#clauses > MAX_CLAUSES) throw invalid(`The query holds more than ${String(MAX_CLAUSES)} queries`)
    if (!isJsonObject(query)) throw invalid('A query must be an object that names its kind')
    const [[kind, body] = ['', undefined], ...others] = Object.entries(query)
    if (body === undefined || others.length > 0) throw invalid('A query must name exactly one kind')
    if (!isAllowed(kind)) {
      throw invalid(`The query kind [${kind}] is not allowed here; allowed are ${QUERY_KINDS.join(', ')}`)
    }
    if (!isJsonObject(body)) throw invalid(`The query [${kind}] must be an object`)
    this.#body(kind, body, depth)
  }

  #body(kind: QueryKind, body: JsonObject, depth: number): void {
    const holders = HOLDERS[kind] ?? []
    for (const [name, value] of Object.entries(body)) {
      if (holders.includes(name)) {
        const queries: readonly unknown[] = kind === 'bool' && Array.isArray(value) ? value : [value]
        for (const query of queries) this.query(query, depth + 1)
      } else if (!isScalar(value) && !mayHold(kind, name, value)) {
        throw invalid(`The value of [${name}] in the query [${kind}] is not allowed here`)
      }
    }
  }
}

/** Which members of a kind hold queries. */
const HOLDERS: Partial<Record<QueryKind, readonly string[]>> = {
  bool: ['must', 'filter', 'should', 'must_not'],
  constant_score: ['filter'],
  nested: ['query'],
}

/**
 * What a member may hold beside one text, number or flag. Those name no index and hold no query, whatever option it is; objects and lists may: a
 * terms lookup, inner_hits.
 */
function mayHold(kind: QueryKind, name: string, value: unknown): boolean {
  switch (kind) {
    case 'ids':
    case 'terms':
      return name !== 'boost' && name !== '_name' && isListOfScalars(value)
    case 'term':
    case 'range':
    case 'prefix':
    case 'match':
    case 'match_phrase':
      return isFlat(value)
    case 'match_all':
    case 'exists':
    case 'bool':
    case 'constant_score':
    case 'nested':
      return false
  }
}

function isAllowed(kind: string): kind is QueryKind {
  return (QUERY_KINDS as readonly string[]).includes(kind)
}

function isScalar(value: unknown): boolean {
  return value === null || typeof value !== 'object'
}

function isListOfScalars(value: unknown): boolean {
  return Array.isArray(value) && value.every(isScalar)
}

function isFlat(value: unknown): boolean {
  return isJsonObject(value) && Object.values(value).every(isScalar)
}

function invalid(reason: string): GatewayError {
  return new GatewayError('invalidQuery', { reason })
}
