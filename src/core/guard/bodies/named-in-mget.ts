import { isJsonObject } from '../../strict-json.ts'
import type { JsonObject } from '../../strict-json.ts'
import type { Finding } from './finding.ts'
import type { FirstNamings } from './first-namings.ts'
import { isSourceFilter, isTexts } from './source-filter.ts'

type Check = (value: unknown) => boolean

const isScalar: Check = (value) => ['string', 'number', 'boolean'].includes(typeof value) || value === null

/**
 * All that a document of a `_mget` may have (MultiGetRequest of OpenSearch 3.4.0). The shapes matter: the server's parser passes over the
 * brackets of `"_index":["a"]` and takes the text in them, and reads an object that it does not expect as if its braces were not there.
 */
const DOCUMENT: Readonly<Record<string, Check>> = {
  _index: (value) => typeof value === 'string' || value === null,
  _id: isScalar,
  routing: isScalar,
  version: isScalar,
  version_type: isScalar,
  stored_fields: isTexts,
  _source: isSourceFilter,
}

/** Finds the indices that a `_mget` body names: those of its `docs`; `ids`, and documents without one, go to that of the request. */
export function findInMget(body: unknown, namings: FirstNamings): readonly Finding[] {
  const { docs = [], ids = [], ...others } = isJsonObject(body) ? body : { other: body }
  if (Object.keys(others).length > 0) return unreadable('is not an object of docs, or ids')
  if (!isListOf(docs, isDocument)) return unreadable('holds docs that are not plain ones')
  if (!isListOf(ids, isScalar)) return unreadable('holds ids that are not plain ones')
  const ofDocuments = docs.flatMap(({ _index: index }) => {
    return typeof index === 'string' ? namings.named([index], undefined) : namings.unnamed(undefined)
  })
  return ids.length === 0 ? ofDocuments : [...ofDocuments, ...namings.unnamed(undefined)]
}

function isListOf<Item>(value: unknown, isItem: (item: unknown) => item is Item): value is readonly Item[]
function isListOf(value: unknown, isItem: Check): value is readonly unknown[]
function isListOf(value: unknown, isItem: Check): boolean {
  return Array.isArray(value) && value.every(isItem)
}

function isDocument(value: unknown): value is JsonObject {
  return (
    isJsonObject(value) &&
    Object.entries(value).every(([key, inner]) => Object.hasOwn(DOCUMENT, key) && DOCUMENT[key]?.(inner) === true)
  )
}

function unreadable(why: string): readonly Finding[] {
  return [{ kind: 'unreadable', line: undefined, why }]
}
