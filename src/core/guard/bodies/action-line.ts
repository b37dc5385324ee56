import { isJsonObject } from '../../strict-json.ts'
import type { JsonObject } from '../../strict-json.ts'
import { isSourceFilter } from './source-filter.ts'

/** What a line of metadata in a `_bulk` body orders. */
export type ActionLine =
  | {
      readonly kind: 'action'
      readonly hasSource: boolean
      /** Its source may hold a script, which may delete. */
      readonly isUpdate: boolean
      readonly index: string | undefined
      readonly id: string | undefined
      readonly routing: string | undefined
      /** One of its own, by name. */
      readonly hasPipeline: boolean
    }
  | { readonly kind: 'unreadable'; readonly why: string }

type Check = (value: unknown) => boolean

const isScalar: Check = (value) => ['string', 'number', 'boolean'].includes(typeof value) || value === null

// All that OpenSearch 3.4.0 takes (BulkRequestParser); its parser reads on where a value has another shape than it looks for.
const PARAMETERS: Readonly<Record<string, Check>> = {
  _index: (value) => typeof value === 'string' || value === null,
  _id: isScalar,
  routing: isScalar,
  op_type: isScalar,
  version: isScalar,
  version_type: isScalar,
  if_seq_no: isScalar,
  if_primary_term: isScalar,
  retry_on_conflict: isScalar,
  pipeline: isScalar,
  require_alias: isScalar,
  _source: isSourceFilter,
}

const HAS_SOURCE: Readonly<Record<string, boolean>> = { index: true, create: true, update: true, delete: false }

/**
 * Reads one line of metadata, as `{"index":{"_index":"a","_id":"1"}}`, parsed before.
 * @param numbersAsWritten gives the same line with numbers as texts, as the server reads those of ids: 12345678901234567890, 1.0
 */
export function readActionLine(line: unknown, numbersAsWritten: () => unknown): ActionLine {
  const actions = isJsonObject(line) ? Object.entries(line) : []
  const [name, parameters] = actions[0] ?? []
  const hasSource = name === undefined || !Object.hasOwn(HAS_SOURCE, name) ? undefined : HAS_SOURCE[name]
  if (actions.length !== 1 || hasSource === undefined || !isJsonObject(parameters)) {
    return { kind: 'unreadable', why: 'holds no single action out of index, create, update and delete' }
  }
  const odd = Object.entries(parameters).find(([key, value]) => {
    return !Object.hasOwn(PARAMETERS, key) || PARAMETERS[key]?.(value) !== true
  })
  if (odd !== undefined)
    return { kind: 'unreadable', why: `holds an unknown parameter, or an odd value: ${shown(odd[0])}` }
  const { _index: index, pipeline } = parameters
  const isNumbered = typeof parameters['_id'] === 'number' || typeof parameters['routing'] === 'number'
  const written = isNumbered ? Object.values(numbersAsWritten() as JsonObject)[0] : parameters
  const { _id: id, routing } = isJsonObject(written) ? written : parameters
  return {
    kind: 'action',
    hasSource,
    isUpdate: name === 'update',
    index: typeof index === 'string' ? index : undefined,
    id: textOf(id),
    routing: textOf(routing),
    hasPipeline: pipeline !== undefined && pipeline !== null && pipeline !== '_none',
  }
}

/** As the server takes a scalar for a text. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'boolean' ? String(value) : undefined
}

/** A key of the caller's, short enough to be told back. */
function shown(key: string): string {
  return JSON.stringify(key.slice(0, 64))
}
