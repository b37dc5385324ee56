import type { AccessPolicy } from '../access.ts'
import { GatewayError } from '../failure.ts'
import { isJsonObject, member } from '../strict-json.ts'
import type { JsonObject } from '../strict-json.ts'

/** How a query finds a field of a memory, as the index maps it. */
export type QueryField =
  | {
      readonly kind: 'keyword'
      /** The field to compare: itself, or its keyword sub-field. */
      readonly field: string
      /** Where a value leaves a trace: in any of them, and the field is present. */
      readonly presentIn: readonly string[]
      /** Longer values are not indexed. */
      readonly ignoreAbove: number
    }
  /** Below a flat_object, which keeps whole values as keywords do. */
  | { readonly kind: 'flatObject'; readonly field: string; readonly presentIn: readonly string[] }
  /** Not mapped in an index that maps every field that comes: no memory has it. */
  | { readonly kind: 'unmapped'; readonly presentIn: readonly string[] }

/** The fields by which a query tells whose a memory is. */
export interface MemoryFields {
  readonly container: QueryField
  /** In the order of the ownership policy. */
  readonly owners: readonly QueryField[]
}

type Resolved = QueryField | { readonly kind: 'unsuitable'; readonly why: string }

/**
 * Reads an index's mapping for the fields that decide. A `text` field is refused, since its filter `bob` also matches `bob smith`, and so is
 * everything else that makes an index hold other values than the stored document does.
 * @param mappings `mappings` of the server's `GET <index>/_mapping`
 * @param forAnyOwner leaves the owner's fields out, for callers whom they do not bind
 * @throws GatewayError unsuitableMapping
 */
export function memoryFieldsOf(
  index: string,
  mappings: unknown,
  { ownership }: AccessPolicy,
  forAnyOwner: boolean,
): MemoryFields {
  const container = suitable(index, CONTAINER_FIELD, resolve(mappings, CONTAINER_FIELD))
  if (container.kind === 'unmapped') throw unsuitable(index, CONTAINER_FIELD, 'it is not mapped')
  if (forAnyOwner) return { container, owners: [] }
  const owners = ownership.fields.map((path, position) => {
    const field = suitable(index, path, resolve(mappings, path))
    const isLast = position === ownership.fields.length - 1
    // A value that is too long to be indexed would pass for none where the next rule asks whether there is one.
    const needsAbsence = !isLast || ownership.unowned === 'allow'
    if (needsAbsence && field.kind === 'keyword' && hidesLongValues(field)) {
      throw unsuitable(index, path, 'its ignore_above makes long values look like none')
    }
    return field
  })
  return { container, owners }
}

const CONTAINER_FIELD = 'memory_container_id'

function hidesLongValues({ ignoreAbove, presentIn, field }: Extract<QueryField, { kind: 'keyword' }>): boolean {
  return ignoreAbove < Infinity && presentIn.every((name) => name === field)
}

function suitable(index: string, path: string, resolved: Resolved): QueryField {
  if (resolved.kind === 'unsuitable') throw unsuitable(index, path, resolved.why)
  return resolved
}

/** @param path the field as the policy names it */
export function unsuitable(index: string, path: string, why: string): GatewayError {
  const remedy = `map it as keyword in a new index and reindex, or give it a keyword sub-field and run _update_by_query`
  return new GatewayError('unsuitableMapping', {
    reason: `Queries cannot tell whose the memories in [${index}] are by their field [${path}]: ${why}; ${remedy}`,
  })
}

function resolve(mappings: unknown, path: string): Resolved {
  if (!isJsonObject(mappings)) return { kind: 'unsuitable', why: 'the index has no mapping' }
  if (copiesInto(mappings, path)) return { kind: 'unsuitable', why: 'the values of another field are copied into it' }
  return resolveIn(mappings, path.split('.'), path, true)
}

/** @param maps whether fields that come are mapped, as said by the nearest `dynamic` */
function resolveIn(mapping: JsonObject, rest: readonly string[], path: string, maps: boolean): Resolved {
  const [name = '', ...deeper] = rest
  const dynamic = member(mapping, 'dynamic')
  const mapsHere = dynamic === undefined ? maps : MAPPING_ALL.has(dynamic)
  const properties = member(mapping, 'properties')
  const field = isJsonObject(properties) ? member(properties, name) : undefined
  if (!isJsonObject(field)) {
    return mapsHere ? { kind: 'unmapped', presentIn: [path] } : { kind: 'unsuitable', why: 'it is not mapped' }
  }
  const type = typeOf(field)
  if (deeper.length === 0) return resolveLeaf(field, type, path)
  if (type === 'flat_object') {
    // Whatever the member is called, flat objects keep it; a field that holds something else at its top keeps no trace below.
    return { kind: 'flatObject', field: path, presentIn: [path] }
  }
  if (type !== 'object') return { kind: 'unsuitable', why: `its parent is of type ${type}` }
  if (member(field, 'enabled') === false) return { kind: 'unsuitable', why: 'its parent is not indexed' }
  return resolveIn(field, deeper, path, mapsHere)
}

/** With these no field comes into a document without coming into the mapping. */
const MAPPING_ALL: ReadonlySet<unknown> = new Set([true, 'true', 'strict', 'strict_allow_templates'])

function typeOf(field: JsonObject): string {
  const type = member(field, 'type')
  return typeof type === 'string' ? type : 'object'
}

function resolveLeaf(field: JsonObject, type: string, path: string): Resolved {
  if (type === 'keyword') return resolveKeyword(field, path, [path])
  const subFields = member(field, 'fields')
  const isIndexed = member(field, 'index') !== false
  if (type === 'text' && isIndexed && isJsonObject(subFields)) {
    for (const [name, subField] of Object.entries(subFields)) {
      if (!isJsonObject(subField) || member(subField, 'type') !== 'keyword') continue
      const resolved = resolveKeyword(subField, `${path}.${name}`, [path, `${path}.${name}`])
      if (resolved.kind === 'keyword') return resolved
    }
  }
  return { kind: 'unsuitable', why: `it is of type ${type}, and a filter on it would match other names too` }
}

function resolveKeyword(field: JsonObject, name: string, presentIn: readonly string[]): Resolved {
  if (member(field, 'index') === false) return { kind: 'unsuitable', why: 'it is not indexed' }
  const changed = ['normalizer', 'null_value'].find((option) => (member(field, option) ?? null) !== null)
  if (changed !== undefined) {
    return { kind: 'unsuitable', why: `its ${changed} makes it hold other values than the memory does` }
  }
  const ignoreAbove = member(field, 'ignore_above')
  return {
    kind: 'keyword',
    field: name,
    presentIn,
    ignoreAbove: ignoreAbove === undefined ? Infinity : Number(ignoreAbove),
  }
}

/** Whether any field of the mapping copies its values into this one. */
function copiesInto(mapping: JsonObject, path: string): boolean {
  const copyTo = member(mapping, 'copy_to')
  if ([copyTo].flat().includes(path)) return true
  const properties = member(mapping, 'properties')
  return (
    isJsonObject(properties) &&
    Object.values(properties).some((field) => isJsonObject(field) && copiesInto(field, path))
  )
}
