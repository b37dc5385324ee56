import type { Json, JsonObject } from './json-values.ts'
import { fields } from './json-values.ts'

/** One error as the server describes it: type, reason, further fields in their order, and what caused it. */
export interface ErrorCause {
  readonly type: string
  readonly reason: string
  readonly details?: Readonly<Record<string, Json>>
  readonly causedBy?: ErrorCause
  /** The deepest causes, where they are not simply the end of the chain. */
  readonly rootCauses?: readonly ErrorCause[]
}

/** The one error class of the store: becomes an answer, or an item of one. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly status: number
  readonly error: ErrorCause

  constructor(status: number, error: ErrorCause) {
    super(error.reason)
    this.status = status
    this.error = error
  }
}

/** `{type, reason, ..., caused_by}`. */
export function renderCause(error: ErrorCause): JsonObject {
  return fields({
    type: error.type,
    reason: error.reason,
    ...error.details,
    caused_by: error.causedBy === undefined ? undefined : renderCause(error.causedBy),
  })
}

/** `{root_cause: [...], type, reason, ...}`: the `error` of a whole answer, and of a document in an `_mget`. */
export function renderError(error: ErrorCause): JsonObject {
  const rootCauses = (error.rootCauses ?? [rootCauseOf(error)]).map((cause) => renderCause(withoutCause(cause)))
  return new Map<string, Json>([['root_cause', rootCauses], ...renderCause(error)])
}

// Errors of the Java platform and of the JSON parser are never shown as the root cause: the server's own error above them is.
const PLATFORM_ERROR =
  /^(json_|illegal_|number_format|not_x_content|input_coercion|date_time|named_object|x_content_parse)/

function rootCauseOf(error: ErrorCause): ErrorCause {
  const cause = error.causedBy
  return cause === undefined || PLATFORM_ERROR.test(cause.type) ? error : rootCauseOf(cause)
}

function withoutCause({ type, reason, details }: ErrorCause): ErrorCause {
  return details === undefined ? { type, reason } : { type, reason, details }
}

export function illegalArgument(reason: string, causedBy?: ErrorCause): StoreError {
  return new StoreError(400, { type: 'illegal_argument_exception', reason, ...(causedBy && { causedBy }) })
}

export function parseFailure(reason: string, causedBy?: ErrorCause): StoreError {
  return new StoreError(400, { type: 'parse_exception', reason, ...(causedBy && { causedBy }) })
}

/** Several complaints in one error, as the server counts them. */
export function validationFailure(complaints: readonly string[]): StoreError {
  const list = complaints.map((complaint, i) => `${i + 1}: ${complaint};`).join('')
  return new StoreError(400, { type: 'action_request_validation_exception', reason: `Validation Failed: ${list}` })
}

/** `no such index`; the resource type tells a single index (`index_expression`) from a list of them (`index_or_alias`). */
export function indexNotFound(index: string, resourceType: 'index_expression' | 'index_or_alias'): StoreError {
  const details = { index, 'resource.id': index, 'resource.type': resourceType, index_uuid: '_na_' }
  return new StoreError(404, { type: 'index_not_found_exception', reason: `no such index [${index}]`, details })
}

export function invalidIndexName(index: string, complaint: string): StoreError {
  const reason = `Invalid index name [${index}], ${complaint}`
  return new StoreError(400, { type: 'invalid_index_name_exception', reason, details: { index, index_uuid: '_na_' } })
}

export function versionConflict(index: { name: string; uuid: string }, id: string, complaint: string): StoreError {
  const details = { index: index.name, shard: '0', index_uuid: index.uuid }
  return new StoreError(409, {
    type: 'version_conflict_engine_exception',
    reason: `[${id}]: version conflict, ${complaint}`,
    details,
  })
}

/** For what the real server can do and this store cannot: better refused than answered wrongly. */
export function notSupported(what: string): StoreError {
  return illegalArgument(`The embedded store does not support ${what}`)
}
