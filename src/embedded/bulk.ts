import type { BulkItem } from './bulk-lines.ts'
import { parseBulk } from './bulk-lines.ts'
import { mergeDocument } from './bulk-update.ts'
import { applyRefresh, renderWrite } from './document-writes.ts'
import type { DocumentIndex, StoredDocument, WriteResult } from './documents.ts'
import { illegalArgument, renderCause, StoreError, validationFailure, versionConflict } from './errors.ts'
import type { Json, JsonObject } from './json-values.ts'
import { fields } from './json-values.ts'
import { writeCompact } from './json-writer.ts'
import { randomId } from './random-id.ts'
import type { Handler, RefreshPolicy } from './requests.ts'
import { refreshPolicy, refuseParameters, requireBody } from './requests.ts'
import type { Store } from './store.ts'
import { conditionComplaints, conditionOf, idComplaints, versionComplaints } from './write-checks.ts'

/** `POST|PUT /_bulk` and `/{index}/_bulk`. */
export const bulk: Handler = ({ store, parameters, body }) => {
  const defaultIndex = parameters.text('index')
  parameters.ignore('routing', 'wait_for_active_shards', 'timeout', 'batch_size')
  refuseParameters(parameters, '_source', '_source_includes', '_source_excludes', 'pipeline', 'require_alias')
  const refresh = refreshPolicy(parameters)
  requireBody(body)
  const items = parseBulk(body, defaultIndex)
  return async () => {
    const started = performance.now()
    const complaints = items.length === 0 ? ['no requests added'] : items.flatMap(complaintsOf)
    if (complaints.length > 0) throw validationFailure(complaints)
    const outcomes = runBulk(store, items)
    // As on the server: an index in which nothing was changed is not refreshed, and its items do not say so.
    const changed = new Set(outcomes.flatMap(({ index, written }) => (index && hasChanged(written) ? [index] : [])))
    await Promise.all([...changed].map((index) => applyRefresh(index, refresh)))
    const policyOf = (index?: DocumentIndex): RefreshPolicy => (index && changed.has(index) ? refresh : 'none')
    const rendered = items.map((item, i) => renderItem(item, outcomes[i], policyOf(outcomes[i]?.index)))
    const errors = outcomes.some((outcome) => outcome.error !== undefined)
    return { status: 200, body: fields({ took: Math.round(performance.now() - started), errors, items: rendered }) }
  }
}

function hasChanged(written: WriteResult | undefined): boolean {
  return written !== undefined && written.result !== 'noop'
}

/** What is wrong with an item before it runs: one such item fails the whole request. */
function complaintsOf(item: BulkItem): readonly string[] {
  const complaints: string[] = item.index === undefined ? ['index is missing'] : []
  if (item.action === 'delete' || item.action === 'update') {
    if (item.id === undefined || item.id === '') complaints.push('id is missing')
  }
  const conditional = item.condition.seqNo !== undefined || item.condition.primaryTerm !== undefined
  if (item.action === 'create' && conditional) {
    complaints.push('create operations do not support compare and set. use index instead')
  } else complaints.push(...versionComplaints(item.version), ...conditionComplaints(item.condition))
  if (item.action === 'update' && item.update?.doc === undefined) complaints.push('script or doc is missing')
  if (item.action !== 'delete' && item.id !== undefined) complaints.push(...idComplaints(item.id))
  return complaints
}

interface Outcome {
  readonly index: DocumentIndex | undefined
  readonly id: string
  readonly written?: WriteResult
  readonly error?: StoreError
}

/** Creates the indices that writes need, then runs the items in order; what fails fails alone. */
function runBulk(store: Store, items: readonly BulkItem[]): readonly Outcome[] {
  const refusedNames = createIndices(store, items)
  return items.map((item): Outcome => {
    const name = item.index ?? ''
    const index = store.find(name)
    const id = item.id ?? (item.action === 'delete' ? '' : randomId())
    try {
      const refused = refusedNames.get(name)
      if (refused !== undefined) throw refused
      if (id === '') throw illegalArgument('if _id is specified it must not be empty')
      return { index, id, written: runItem(store, store.require(name), item, id) }
    } catch (error) {
      if (error instanceof StoreError) return { index, id, error }
      throw error
    }
  })
}

function createIndices(store: Store, items: readonly BulkItem[]): ReadonlyMap<string, StoreError> {
  const refused = new Map<string, StoreError>()
  for (const { action, index = '' } of items) {
    if (action === 'delete' || refused.has(index)) continue
    try {
      store.requireOrCreate(index)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      refused.set(index, error)
    }
  }
  return refused
}

function runItem(store: Store, index: DocumentIndex, item: BulkItem, id: string): WriteResult {
  const condition = conditionOf(item.condition)
  if (item.action === 'delete') return index.delete(id, condition)
  store.checkRoom(index, id)
  if (item.action === 'update') return updateDocument(index, item, id)
  return index.put(id, item.source, { routing: item.routing, create: item.action === 'create', condition })
}

function updateDocument(index: DocumentIndex, item: BulkItem, id: string): WriteResult {
  const { doc = new Map<string, Json>(), upsert, docAsUpsert = false, detectNoop = true } = item.update ?? {}
  const known = index.get(id, true)
  const inserted = docAsUpsert ? doc : upsert
  if (known === undefined && inserted === undefined) throw documentMissing(index, id)
  if (known === undefined) return putObject(index, id, item, inserted ?? doc)
  checkCondition(index, item, known)
  const merged = mergeDocument(known.root, doc, detectNoop)
  if (merged === undefined) return { id, version: known.version, seqNo: known.seqNo, result: 'noop' }
  return putObject(index, id, item, merged)
}

function putObject(index: DocumentIndex, id: string, item: BulkItem, source: JsonObject): WriteResult {
  return index.put(id, Buffer.from(writeCompact(source), 'utf8'), { routing: item.routing, create: false })
}

function documentMissing(index: DocumentIndex, id: string): StoreError {
  const details = { index: index.name, shard: '0', index_uuid: index.uuid }
  return new StoreError(404, { type: 'document_missing_exception', reason: `[${id}]: document missing`, details })
}

function checkCondition(index: DocumentIndex, item: BulkItem, known: StoredDocument): void {
  const condition = conditionOf(item.condition)
  if (condition === undefined || (condition.seqNo === BigInt(known.seqNo) && condition.primaryTerm === 1n)) return
  const required = `required seqNo [${condition.seqNo}], primary term [${condition.primaryTerm}].`
  throw versionConflict(index, known.id, `${required} current document has seqNo [${known.seqNo}] and primary term [1]`)
}

function renderItem(item: BulkItem, outcome: Outcome | undefined, refresh: RefreshPolicy): JsonObject {
  const { index, id = '', written, error } = outcome ?? {}
  if (index !== undefined && written !== undefined) {
    const status = written.result === 'created' ? 201 : written.result === 'not_found' ? 404 : 200
    return new Map([
      [item.action, new Map<string, Json>([...renderWrite(index, written, refresh), ['status', status]])],
    ])
  }
  const rendered = error === undefined ? undefined : renderCause(error.error)
  return new Map([[item.action, fields({ _index: item.index, _id: id, status: error?.status, error: rendered })]])
}
