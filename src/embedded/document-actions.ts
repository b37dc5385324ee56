import { illegalArgument, notSupported, StoreError, validationFailure, versionConflict } from './errors.ts'
import type { DocumentIndex, StoredDocument, WriteResult } from './documents.ts'
import { PRIMARY_TERM } from './documents.ts'
import type { JsonObject } from './json-values.ts'
import { fields } from './json-values.ts'
import type { Parameters } from './parameters.ts'
import type { Handler, RefreshPolicy, StoreAnswer, StoreRequest } from './requests.ts'
import { pathParameter, refreshPolicy, requireBody, sourceFilterOf } from './requests.ts'
import { randomId } from './random-id.ts'
import type { SourceFilter } from './source-filter.ts'
import { selectSource, WHOLE_SOURCE } from './source-filter.ts'
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

function refuseParameters(parameters: Parameters, ...names: readonly string[]): void {
  for (const name of names) {
    const value = parameters.text(name)
    if (value !== undefined && value !== 'false' && value !== 'internal') throw notSupported(`the parameter [${name}]`)
  }
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

interface GetOptions {
  readonly realtime: boolean
  readonly refresh: boolean
  readonly version: bigint | undefined
  readonly source: SourceFilter
}

function readGetOptions(parameters: Parameters): GetOptions {
  parameters.ignore('routing', 'preference')
  refuseParameters(parameters, 'stored_fields', 'version_type')
  return {
    refresh: parameters.flag('refresh', false),
    realtime: parameters.flag('realtime', true),
    version: parameters.long('version'),
    source: sourceFilterOf(parameters) ?? WHOLE_SOURCE,
  }
}

/** `GET|HEAD /{index}/_doc/{id}`. */
export const getDocument: Handler = ({ store, parameters }) => {
  const name = pathParameter(parameters, 'index')
  const id = pathParameter(parameters, 'id')
  const options = readGetOptions(parameters)
  return () => {
    const index = store.require(name)
    const document = findDocument(index, id, options)
    return { status: document === undefined ? 404 : 200, body: renderDocument(index, id, document, options.source) }
  }
}

/** `GET|HEAD /{index}/_source/{id}`. */
export const getSource: Handler = ({ store, parameters }) => {
  const name = pathParameter(parameters, 'index')
  const id = pathParameter(parameters, 'id')
  const options = readGetOptions(parameters)
  return () => {
    const document = findDocument(store.require(name), id, options)
    const source = document && selectSource(document.source, options.source)
    if (source !== undefined) return { status: 200, body: source }
    const reason = `Document not found [${name}]/[${id}]`
    throw new StoreError(404, { type: 'resource_not_found_exception', reason })
  }
}

/** Finds a document, in real time unless asked otherwise. Throws where it is not of the version that is asked for. */
export function findDocument(
  index: DocumentIndex,
  id: string,
  options: Omit<GetOptions, 'source'>,
): StoredDocument | undefined {
  if (options.refresh) index.refresh()
  const document = index.get(id, options.realtime)
  const { version } = options
  if (document === undefined || version === undefined || version === BigInt(document.version)) return document
  throw versionConflict(
    index,
    id,
    `current version [${document.version}] is different than the one provided [${version}]`,
  )
}

/** The answer to a get, and one of the `docs` of an `_mget`. */
export function renderDocument(
  index: DocumentIndex,
  id: string,
  document: StoredDocument | undefined,
  filter: SourceFilter,
): JsonObject {
  if (document === undefined) return fields({ _index: index.name, _id: id, found: false })
  return fields({
    _index: index.name,
    _id: id,
    _version: document.version,
    _seq_no: document.seqNo,
    _primary_term: PRIMARY_TERM,
    _routing: document.routing,
    found: true,
    _source: selectSource(document.source, filter),
  })
}
