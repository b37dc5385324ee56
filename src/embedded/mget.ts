import { findDocument, renderDocument } from './document-reads.ts'
import { illegalArgument, parseFailure, renderError, StoreError, validationFailure } from './errors.ts'
import type { JsonObject } from './json-values.ts'
import { fields } from './json-values.ts'
import type { WantedDocument } from './mget-body.ts'
import { parseMget } from './mget-body.ts'
import type { Handler } from './requests.ts'
import { contentOf, refuseParameters, sourceFilterOf } from './requests.ts'
import { WHOLE_SOURCE } from './source-filter.ts'
import type { Store } from './store.ts'

/** `GET|POST /_mget` and `/{index}/_mget`. */
export const mget: Handler = (request) => {
  const { store, parameters } = request
  const refresh = parameters.flag('refresh', false)
  parameters.ignore('preference', 'routing')
  const realtime = parameters.flag('realtime', true)
  refuseParameters(parameters, 'stored_fields')
  const source = sourceFilterOf(parameters) ?? WHOLE_SOURCE
  const index = parameters.text('index')
  const reader = contentOf(request)
  if (reader === undefined) throw parseFailure('request body or source parameter is required')
  const wanted = parseMget(reader, { index, source })
  return () => {
    const complaints = wanted.length === 0 ? ['no documents to get'] : wanted.flatMap(complaintsAbout)
    if (complaints.length > 0) throw validationFailure(complaints)
    const docs = wanted.map((document) => readDocument(store, document, { realtime, refresh }))
    return { status: 200, body: fields({ docs }) }
  }
}

function complaintsAbout(document: WantedDocument, position: number): readonly string[] {
  const complaints: string[] = []
  if (document.index === undefined) complaints.push(`index is missing for doc ${position}`)
  if (document.id === undefined) complaints.push(`id is missing for doc ${position}`)
  return complaints
}

/** One of the `docs`: the document, its absence, or what went wrong with it alone. */
function readDocument(
  store: Store,
  wanted: WantedDocument,
  options: { realtime: boolean; refresh: boolean },
): JsonObject {
  const { index: name = '', id = '', version, source } = wanted
  try {
    const index = store.require(name)
    if (id === '') throw illegalArgument("Ids can't be empty")
    return renderDocument(index, id, findDocument(index, id, { ...options, version }), source)
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    return fields({ _index: name, _id: id, error: renderError(error.error) })
  }
}
