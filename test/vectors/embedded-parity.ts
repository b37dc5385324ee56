import { bulkCases } from './embedded-parity/bulks.ts'
import { conditionCases } from './embedded-parity/conditions.ts'
import { documentCases } from './embedded-parity/documents.ts'
import { indexCases } from './embedded-parity/indices.ts'
import { mgetCases } from './embedded-parity/mgets.ts'
import { parameterCases } from './embedded-parity/parameters.ts'
import { searchCases } from './embedded-parity/searches.ts'
import { serverCases } from './embedded-parity/server.ts'
import type { ParityCase } from './embedded-parity/shape.ts'
import { sourceCases } from './embedded-parity/sources.ts'

/** Requests that the embedded store and the real server must answer alike, byte for byte after the normalisations. */
export const PARITY_CASES: Readonly<Record<string, readonly ParityCase[]>> = {
  server: serverCases,
  indices: indexCases,
  documents: documentCases,
  conditions: conditionCases,
  sources: sourceCases,
  parameters: parameterCases,
  bulk: bulkCases,
  mget: mgetCases,
  search: searchCases,
}

/** What is allowed to differ between two answers. Applied to the text of both. */
export interface Normalisation {
  readonly pattern: RegExp
  readonly replacement: string | ((match: string) => string)
  readonly reason: string
}

/** The names of methods in one order. */
function sortMethods(list: string): string {
  const methods = list.match(/[A-Z]{3,}/g) ?? []
  return `allowed: ${methods.sort().join()}`
}

const METHOD_ORDER =
  'the server keeps the methods of a route in a map ordered by memory addresses: it differs from one start to the next'

export const BODY_NORMALISATIONS: readonly Normalisation[] = [
  {
    pattern: /("took" ?: ?)\d+/g,
    replacement: '$1"<milliseconds>"',
    reason: 'how long the request took',
  },
  {
    pattern: /("(?:index_)?uuid" ?: ?)"[\w-]{22}"/g,
    replacement: '$1"<uuid>"',
    reason: 'an index gets a random uuid when it is created',
  },
  {
    pattern: /(index \[[^\]/]+)\/[\w-]{22}\] already exists/g,
    replacement: '$1/<uuid>] already exists',
    reason: 'the uuid of an index inside a reason',
  },
  {
    pattern: /("creation_date" ?: ?)"\d{13}"/g,
    replacement: '$1"<milliseconds>"',
    reason: 'when an index was created',
  },
  {
    pattern: /("_id":)"[\w-]{20}"/g,
    replacement: '$1"<made up>"',
    reason: 'an id that the server makes up is random; no case uses 20 such characters for anything else',
  },
  {
    pattern: /("node":)"[\w-]{22}"/g,
    replacement: '$1"<node>"',
    reason: 'a node has a random id',
  },
  {
    pattern: /("(?:name|cluster_name|cluster_uuid|build_type|build_hash|build_date|lucene_version)" ?: ?)"[^"]*"/g,
    replacement: '$1"<own>"',
    reason: 'the embedded store has its own name and does not pass for a build of the server',
  },
  {
    pattern: /allowed: \[[A-Z, ]+\]/g,
    replacement: sortMethods,
    reason: METHOD_ORDER,
  },
]

export const HEADER_NORMALISATIONS: readonly Normalisation[] = [
  {
    pattern: /^(location: .*\/)[\w-]{20}$/,
    replacement: '$1<made up>',
    reason: 'an id that the server makes up is random',
  },
  {
    pattern: /^allow: [A-Z,]+$/,
    replacement: sortMethods,
    reason: METHOD_ORDER,
  },
]
