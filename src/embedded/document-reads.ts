import type { DocumentIndex, StoredDocument } from './documents.ts'
import { PRIMARY_TERM } from './documents.ts'
import { StoreError, versionConflict } from './errors.ts'
import type { JsonObject } from './json-values.ts'
import { fields } from './json-values.ts'
import type { Parameters } from './parameters.ts'
import type { Handler } from './requests.ts'
import { pathParameter, refuseParameters, sourceFilterOf } from './requests.ts'
import type { SourceFilter } from './source-filter.ts'
import { selectSource, WHOLE_SOURCE } from './source-filter.ts'

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
