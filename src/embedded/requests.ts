import { notSupported, parseFailure, StoreError } from './errors.ts'
import { JsonReader } from './json-reader.ts'
import type { Json } from './json-values.ts'
import type { Parameters } from './parameters.ts'
import type { SourceFilter } from './source-filter.ts'
import type { IndicesOptions, Store } from './store.ts'

/** What a handler gets: the parsed request and the store. */
export interface StoreRequest {
  readonly store: Store
  readonly parameters: Parameters
  readonly body: Buffer
  /** The server version that the store says it is. */
  readonly version: string
}

export interface StoreAnswer {
  readonly status: number
  readonly body: Json
  readonly headers?: Readonly<Record<string, string>>
  /** Whether the answer is indented unless the caller asks for one line. */
  readonly prettyByDefault?: boolean
}

/** A handler reads every parameter it knows, and gives back what is to be done once all others have been refused. */
export type Handler = (request: StoreRequest) => () => StoreAnswer | Promise<StoreAnswer>

/** A parameter that the path is known to have. */
export function pathParameter(parameters: Parameters, name: string): string {
  return parameters.text(name) ?? ''
}

export type RefreshPolicy = 'none' | 'immediate' | 'wait'

/** `refresh` of a write: `true` (or empty), `false` or `wait_for`. */
export function refreshPolicy(parameters: Parameters): RefreshPolicy {
  const value = parameters.text('refresh')
  if (value === undefined || value === 'false') return 'none'
  if (value === '' || value === 'true') return 'immediate'
  if (value === 'wait_for') return 'wait'
  const reason = `Unknown value for refresh: [${value}].`
  throw new StoreError(400, { type: 'illegal_argument_exception', reason })
}

/** `_source`, `_source_includes` and `_source_excludes`; `undefined` where none of them is given. */
export function sourceFilterOf(parameters: Parameters): SourceFilter | undefined {
  const value = parameters.text('_source')
  const includes = parameters.list('_source_includes')
  const excludes = parameters.list('_source_excludes')
  const names = ['_source', '_source_includes', '_source_excludes']
  if (!names.some((name) => parameters.has(name))) return undefined
  if (value === 'false') return { fetch: false, includes: [], excludes: [] }
  const named = value === undefined || value === '' || value === 'true' ? [] : value.split(',')
  return { fetch: true, includes: parameters.has('_source_includes') ? includes : named, excludes }
}

/** `ignore_unavailable`, `allow_no_indices` and `expand_wildcards`. */
export function indicesOptions(parameters: Parameters): IndicesOptions {
  parameters.ignore('expand_wildcards', 'ignore_throttled')
  return {
    ignoreUnavailable: parameters.flag('ignore_unavailable', false),
    allowNoIndices: parameters.flag('allow_no_indices', true),
  }
}

/** Refuses parameters of the server that would change an answer, unless they ask for what is done anyway. */
export function refuseParameters(parameters: Parameters, ...names: readonly string[]): void {
  for (const name of names) {
    const value = parameters.text(name)
    if (value !== undefined && value !== 'false' && value !== 'internal') throw notSupported(`the parameter [${name}]`)
  }
}

/** The body, or the `source` parameter in its place; `undefined` where there is neither. */
export function contentOf(request: StoreRequest): JsonReader | undefined {
  const { parameters, body } = request
  if (body.length > 0) return new JsonReader(body)
  const source = parameters.text('source')
  const type = parameters.text('source_content_type')
  if (source === undefined) return undefined
  if (type !== undefined) return new JsonReader(Buffer.from(source, 'utf8'))
  const reason = 'source and source_content_type parameters are required'
  throw new StoreError(500, { type: 'illegal_state_exception', reason })
}

export function requireBody(body: Buffer): void {
  if (body.length === 0) throw parseFailure('request body is required')
}
