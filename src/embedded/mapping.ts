import { illegalArgument, parseFailure, StoreError } from './errors.ts'
import { javaText } from './java-text.ts'
import type { Json, JsonObject } from './json-values.ts'
import { fields, isJsonObject } from './json-values.ts'

/** What an index knows of one field: an object with fields of its own, or a value of a type. */
export type FieldMapping = ObjectMapping | ValueMapping

export interface ObjectMapping {
  readonly kind: 'object'
  /** Where unknown fields go: into the mapping, nowhere, or back to the caller. */
  readonly dynamic: 'true' | 'false' | 'strict' | undefined
  readonly enabled: boolean
  readonly nested: boolean
  readonly properties: ReadonlyMap<string, FieldMapping>
}

export interface ValueMapping {
  readonly kind: 'value'
  readonly type: string
  /** What else the mapping says, `fields` included; given back as it came. */
  readonly attributes: JsonObject
}

export const EMPTY_MAPPING: ObjectMapping = {
  kind: 'object',
  dynamic: undefined,
  enabled: true,
  nested: false,
  properties: new Map(),
}

const VALUE_TYPES = new Set([
  ...[
    'text',
    'keyword',
    'wildcard',
    'constant_keyword',
    'match_only_text',
    'search_as_you_type',
    'completion',
    'token_count',
  ],
  ...['long', 'integer', 'short', 'byte', 'double', 'float', 'half_float', 'scaled_float', 'unsigned_long'],
  ...['boolean', 'binary', 'date', 'date_nanos', 'ip', 'geo_point', 'geo_shape', 'alias', 'flat_object', 'knn_vector'],
  ...[
    'integer_range',
    'long_range',
    'float_range',
    'double_range',
    'date_range',
    'ip_range',
    'rank_feature',
    'rank_features',
  ],
])

/** Reads the `mappings` of an index. Throws as the server does on an unknown field type. */
export function parseMapping(mappings: JsonObject): ObjectMapping {
  try {
    return parseObject('_doc', mappings)
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    const reason = `Failed to parse mapping [_doc]: ${error.error.reason}`
    throw new StoreError(400, { type: 'mapper_parsing_exception', reason, causedBy: error.error })
  }
}

function parseObject(name: string, definition: JsonObject): ObjectMapping {
  const dynamic = definition.get('dynamic')
  const properties = definition.get('properties')
  const entries = isJsonObject(properties) ? [...properties] : []
  return {
    kind: 'object',
    dynamic: dynamic === undefined ? undefined : parseDynamic(name, dynamic),
    enabled: definition.get('enabled') !== false,
    nested: definition.get('type') === 'nested',
    properties: new Map(entries.map(([property, field]) => [property, parseField(property, field)])),
  }
}

function parseDynamic(name: string, dynamic: Json): 'true' | 'false' | 'strict' {
  const text = javaText(dynamic)
  if (text === 'true' || text === 'false' || text === 'strict') return text
  throw illegalArgument(`The embedded store does not support the value [${text}] for dynamic of [${name}]`)
}

function parseField(name: string, field: Json): FieldMapping {
  if (!isJsonObject(field)) throw parseFailure(`Expected map for property [fields] on field [${name}]`)
  const type = field.get('type')
  if (type === undefined || type === 'object' || type === 'nested') return parseObject(name, field)
  if (typeof type !== 'string' || !VALUE_TYPES.has(type)) {
    const shown = typeof type === 'string' ? type : JSON.stringify(type)
    const reason = `No handler for type [${shown}] declared on field [${name}]`
    throw new StoreError(400, { type: 'mapper_parsing_exception', reason })
  }
  return { kind: 'value', type, attributes: new Map([...field].filter(([key]) => key !== 'type')) }
}

/** The mapping as `GET /{index}` shows it: properties by name, the type first. */
export function renderMapping(mapping: ObjectMapping, root = true): JsonObject {
  const properties = [...mapping.properties].sort(([a], [b]) => (a < b ? -1 : 1))
  const rendered = properties.map(([name, field]): [string, Json] => [name, renderField(field)])
  const bare = rendered.length === 0 && !root
  return fields({
    type: mapping.nested ? 'nested' : bare ? 'object' : undefined,
    dynamic: mapping.dynamic,
    enabled: mapping.enabled ? undefined : false,
    properties: rendered.length === 0 ? undefined : new Map(rendered),
  })
}

function renderField(field: FieldMapping): JsonObject {
  if (field.kind === 'object') return renderMapping(field, false)
  return new Map<string, Json>([['type', field.type], ...field.attributes])
}

const TEXT_WITH_KEYWORD: ValueMapping = {
  kind: 'value',
  type: 'text',
  attributes: fields({ fields: fields({ keyword: fields({ type: 'keyword', ignore_above: 256 }) }) }),
}

/** The type that a value teaches the index when nothing is known of its field. */
export function learnType(value: 'text' | 'date' | 'long' | 'float' | 'boolean'): ValueMapping {
  return value === 'text' ? TEXT_WITH_KEYWORD : { kind: 'value', type: value, attributes: new Map() }
}

/** A mapping with one more field. Throws as the server does where one document teaches two types of one field. */
export function addField(
  mapping: ObjectMapping,
  path: readonly string[],
  field: FieldMapping,
  full = path.join('.'),
): ObjectMapping {
  const [name = '', ...rest] = path
  const known = mapping.properties.get(name)
  if (rest.length === 0)
    return withProperty(mapping, name, known === undefined ? field : mergeField(known, field, full))
  if (known?.kind === 'value') throw objectClash(full)
  return withProperty(mapping, name, addField(known ?? EMPTY_MAPPING, rest, field, full))
}

function mergeField(known: FieldMapping, field: FieldMapping, full: string): FieldMapping {
  if (known.kind !== field.kind) throw objectClash(full)
  if (known.kind === 'value' && field.kind === 'value' && known.type !== field.type) {
    throw illegalArgument(`mapper [${full}] cannot be changed from type [${known.type}] to [${field.type}]`)
  }
  return known
}

function objectClash(full: string): StoreError {
  return illegalArgument(`can't merge a non object mapping [${full}] with an object mapping`)
}

function withProperty(mapping: ObjectMapping, name: string, field: FieldMapping): ObjectMapping {
  return { ...mapping, properties: new Map([...mapping.properties, [name, field]]) }
}

/** The field at a dotted path; a `flat_object` answers for everything below it, multi-fields for their own names. */
export function findField(mapping: ObjectMapping, path: string): ValueMapping | undefined {
  let current: FieldMapping | undefined = mapping
  for (const name of path.split('.')) {
    if (current?.kind === 'value') return current.type === 'flat_object' ? current : multiField(current, name)
    current = current?.properties.get(name)
  }
  return current?.kind === 'value' ? current : undefined
}

function multiField(field: ValueMapping, name: string): ValueMapping | undefined {
  const subfields = field.attributes.get('fields')
  const subfield = isJsonObject(subfields) ? subfields.get(name) : undefined
  const type = isJsonObject(subfield) ? subfield.get('type') : undefined
  return typeof type === 'string' && isJsonObject(subfield) ? { kind: 'value', type, attributes: subfield } : undefined
}
