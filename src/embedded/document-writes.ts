import type { DocumentIndex, WriteResult } from './documents.ts'
import { PRIMARY_TERM } from './documents.ts'
import { illegalArgument, validationFailure } from './errors.ts'
import type { JsonObject } from './json-values.ts'
import { fields } from './json-values.ts'
import type { Parameters } from './parameters.ts'
import { randomId } from './random-id.ts'
import type { Handler, RefreshPolicy, StoreAnswer, StoreRequest } from './requests.ts'
import { pathParameter, refreshPolicy, refuseParameters, requireBody } from './requests.ts'
import type { ConditionParts } from './write-checks.ts'
import {
  conditionComplaints,
  conditionOf,
  idComplaints,
  primaryTermOf,
  seqNoOf,
  versionComplaints,
} from './write-checks.ts'

/** `PUT|POST /{index}/_doc/{id}` and `POST /{index}/_doc`. */
export const indexDocument: Handler = (request) => prepareIndex(request, undefined)

/** `PUT|POST /{index}/_create/{id}`. */
export const createDocument: Handler = (request) => prepareIndex(request, 'create')

function prepareIndex(request: StoreRequest, forced: 'create' | undefined): () => Promise<StoreAnswer> {
  const { store, parameters, body } = request
  const name = pathParameter(parameters, 'index')
  const given = parameters.text('id')
  const routing = parameters.text('routing')
  requireBody(body)
  parameters.ignore('timeout', 'wait_for_active_shards')
  refuseParameters(parameters, 'pipeline', 'version_type', 'require_alias')
  const refresh = refreshPolicy(parameters)
  const version = parameters.long('version')
  const parts = conditionParts(parameters)
  const create = forced !== undefined || opType(parameters) === 'create'
  return async () => {
    checkWrite([
      ...(create ? createComplaints(parts) : [...versionComplaints(version), ...conditionComplaints(parts)]),
      ...(given === undefined ? [] : idComplaints(given)),
    ])
    const index = store.requireOrCreate(name)
    const id = given ?? randomId()
    store.checkRoom(index, id)
    const written = index.put(id, body, { routing, create, condition: conditionOf(parts) })
    await applyRefresh(index, refresh)
    const location = `/${encodeForm(name)}/_doc/${encodeForm(id)}${routing === undefined ? '' : `?routing=${encodeForm(routing)}`}`
    const created = written.result === 'created'
    const headers = created ? { Location: location } : {}
    return { status: created ? 201 : 200, body: renderWrite(index, written, refresh), headers }
  }
}

function opType(parameters: Parameters): 'create' | 'index' {
  const value = parameters.text('op_type')?.toLowerCase()
  if (value === undefined || value === 'index' || value === 'create') return value ?? 'index'
  throw illegalArgument(`opType must be 'create' or 'index', found: [${parameters.text('op_type') ?? ''}]`)
}

function createComplaints(parts: ConditionParts): readonly string[] {
  const conditional = parts.seqNo !== undefined || parts.primaryTerm !== undefined
  return conditional ? ['create operations do not support compare and set. use index instead'] : []
}

/** `DELETE /{index}/_doc/{id}`. */
export const deleteDocument: Handler = ({ store, parameters }) => {
  const name = pathParameter(parameters, 'index')
  const id = pathParameter(parameters, 'id')
  parameters.ignore('routing', 'timeout', 'wait_for_active_shards')
  refuseParameters(parameters, 'version_type')
  const refresh = refreshPolicy(parameters)
  const version = parameters.long('version')
  const parts = conditionParts(parameters)
  return async () => {
    checkWrite([...versionComplaints(version), ...conditionComplaints(parts)])
    const index = store.require(name)
    const written = index.delete(id, conditionOf(parts))
    await applyRefresh(index, refresh)
    return { status: written.result === 'deleted' ? 200 : 404, body: renderWrite(index, written, refresh) }
  }
}

function conditionParts(parameters: Parameters): ConditionParts {
  const seqNo = parameters.long('if_seq_no')
  const primaryTerm = parameters.long('if_primary_term')
  return { seqNo: seqNoOf(seqNo), primaryTerm: primaryTermOf(primaryTerm) }
}

function checkWrite(complaints: readonly string[]): void {
  if (complaints.length > 0) throw validationFailure(complaints)
}

/** Refreshes now, waits for the next refresh, or does neither. */
export async function applyRefresh(index: DocumentIndex, policy: RefreshPolicy): Promise<void> {
  if (policy === 'immediate') index.refresh()
  if (policy === 'wait') await index.refreshed()
}

/** The answer to a write, and the core of an item of a `_bulk`. */
export function renderWrite(index: DocumentIndex, written: WriteResult, refresh: RefreshPolicy): JsonObject {
  return fields({
    _index: index.name,
    _id: written.id,
    _version: written.version,
    result: written.result,
    forced_refresh: refresh === 'immediate' ? true : undefined,
    _shards: index.shards,
    _seq_no: written.seqNo,
    _primary_term: PRIMARY_TERM,
  })
}

/** `application/x-www-form-urlencoded`, as Java's `URLEncoder` writes it. */
function encodeForm(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replace(/[!'()~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
}
