import { StoreError } from './errors.ts'
import { fieldFailure, looksLikeDate, readFieldValue } from './field-values.ts'
import type { Token } from './json-reader.ts'
import { JsonReader } from './json-reader.ts'
import { readObject, readValue } from './json-tree.ts'
import type { Json, JsonObject } from './json-values.ts'
import type { FieldMapping, ObjectMapping } from './mapping.ts'
import { addField, EMPTY_MAPPING, learnType } from './mapping.ts'

const METADATA_FIELDS = new Set([
  ...[
    '_id',
    '_index',
    '_source',
    '_routing',
    '_version',
    '_seq_no',
    '_primary_term',
    '_field_names',
    '_ignored',
    '_nested_path',
  ],
])
const DEPTH_LIMIT = 20
const NOT_JSON = 'Compressor detection can only be called on some xcontent bytes or compressed xcontent bytes'

export interface ParsedDocument {
  readonly root: JsonObject
  /** The index's mapping with what this document taught it. */
  readonly mapping: ObjectMapping
}

interface Parsing {
  readonly reader: JsonReader
  readonly id: string
  readonly known: ObjectMapping
  readonly learnt: [readonly string[], FieldMapping][]
}

/** Reads a document against the mapping of its index; throws as the server does on malformed JSON and on values of the wrong type. */
export function parseDocument(bytes: Buffer, id: string, known: ObjectMapping): ParsedDocument {
  if (bytes.length === 0) throw mapperFailure('failed to parse, document is empty')
  const parsing: Parsing = { reader: new JsonReader(bytes), id, known, learnt: [] }
  const root = wrapFailures(() => readRoot(parsing, bytes))
  const mapping = parsing.learnt.reduce((merged, [path, field]) => addField(merged, path, field), known)
  return { root, mapping }
}

function readRoot(parsing: Parsing, bytes: Buffer): JsonObject {
  // The server takes for JSON what begins with a brace, after blanks.
  const first = bytes.find((byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d)
  if (first !== 0x7b) throw new StoreError(400, { type: 'not_x_content_exception', reason: NOT_JSON })
  parsing.reader.require()
  const root = readFields(parsing, [], parsing.known)
  const extra = parsing.reader.next()
  if (extra === undefined) return root
  const reason = `Malformed content, found extra data after parsing: ${extra.type}`
  throw new StoreError(400, { type: 'illegal_argument_exception', reason })
}

function mapperFailure(reason: string): StoreError {
  return new StoreError(400, { type: 'mapper_parsing_exception', reason })
}

function wrapFailures<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof StoreError) || /^(mapper_parsing|strict_dynamic)/.test(error.error.type)) throw error
    const causedBy = error.error
    throw new StoreError(400, { type: 'mapper_parsing_exception', reason: 'failed to parse', causedBy })
  }
}

function readFields(parsing: Parsing, path: readonly string[], mapping: ObjectMapping): JsonObject {
  const object = new Map<string, Json>()
  const { reader } = parsing
  for (let name = reader.require(); name.type !== 'END_OBJECT'; name = reader.require()) {
    checkName(name.text)
    const token = reader.require()
    if (path.length === 0 && METADATA_FIELDS.has(name.text)) throw metadataFailure(parsing, name.text, token)
    object.set(name.text, readField(parsing, path, mapping, name.text, token))
  }
  return object
}

function checkName(name: string): void {
  const complaint = nameComplaint(name)
  if (complaint !== undefined) throw new StoreError(400, { type: 'illegal_argument_exception', reason: complaint })
}

function nameComplaint(name: string): string | undefined {
  if (name === '') return 'field name cannot be an empty string'
  if (/^\.+$/.test(name)) return 'field name cannot contain only the character [.]'
  if (!name.replace(/\.$/, '').split('.').includes('')) return undefined
  return `object field starting or ending with a [.] makes object resolution ambiguous: [${name}]`
}

function metadataFailure(parsing: Parsing, name: string, token: Token): StoreError {
  const reason = `Field [${name}] is a metadata field and cannot be added inside a document. Use the index API request parameters.`
  const value = readValue(parsing.reader, token)
  return fieldFailure(name, name, parsing.id, value, { type: 'mapper_parsing_exception', reason })
}

/** Follows the dots of a name down the mapping, then reads the value. */
function readField(
  parsing: Parsing,
  path: readonly string[],
  mapping: ObjectMapping,
  name: string,
  token: Token,
): Json {
  const names = name.replace(/\.$/, '').split('.')
  let parent = mapping
  for (const step of names.slice(0, -1)) {
    const next = parent.properties.get(step)
    parent = next?.kind === 'object' ? next : { ...EMPTY_MAPPING, dynamic: parent.dynamic }
  }
  const field = parent.properties.get(names.at(-1) ?? '')
  return readMember(parsing, [...path, ...names], parent, field, token, 0)
}

function readMember(
  parsing: Parsing,
  path: readonly string[],
  parent: ObjectMapping,
  field: FieldMapping | undefined,
  token: Token,
  arrayDepth: number,
): Json {
  if (field?.kind === 'object' && !field.enabled) return readValue(parsing.reader, token)
  if (token.type === 'START_ARRAY') return readMembers(parsing, path, parent, field, arrayDepth + 1)
  if (field?.kind === 'value') return readFieldValue(parsing.reader, token, path.join('.'), field, parsing.id)
  if (token.type === 'START_OBJECT') return readInner(parsing, path, parent, field)
  if (field !== undefined && token.type !== 'VALUE_NULL') throw concreteValueFailure(path)
  return readUnknown(parsing, path, parent, token)
}

function readMembers(
  parsing: Parsing,
  path: readonly string[],
  parent: ObjectMapping,
  field: FieldMapping | undefined,
  depth: number,
): Json {
  if (depth > DEPTH_LIMIT) throw depthFailure()
  const members: Json[] = []
  const { reader } = parsing
  for (let token = reader.require(); token.type !== 'END_ARRAY'; token = reader.require()) {
    members.push(readMember(parsing, path, parent, field, token, depth))
  }
  return members
}

function depthFailure(): StoreError {
  const limit = 'This limit can be set by changing the [index.mapping.depth.limit] index level setting.'
  const reason = `The depth of the nested array field has exceeded the allowed limit of [${DEPTH_LIMIT}]. ${limit}`
  return new StoreError(400, { type: 'parse_exception', reason })
}

function concreteValueFailure(path: readonly string[]): StoreError {
  const full = path.join('.')
  return mapperFailure(
    `object mapping for [${full}] tried to parse field [${path.at(-1) ?? ''}] as object, but found a concrete value`,
  )
}

function readInner(
  parsing: Parsing,
  path: readonly string[],
  parent: ObjectMapping,
  field: ObjectMapping | undefined,
): Json {
  if (field !== undefined) return readFields(parsing, path, field)
  if (parent.dynamic === 'strict') throw strictFailure(path)
  if (parent.dynamic === 'false') return readObject(parsing.reader)
  parsing.learnt.push([path, EMPTY_MAPPING])
  return readFields(parsing, path, EMPTY_MAPPING)
}

function strictFailure(path: readonly string[]): StoreError {
  const parent = path.length === 1 ? '_doc' : path.slice(0, -1).join('.')
  const reason = `mapping set to strict, dynamic introduction of [${path.at(-1) ?? ''}] within [${parent}] is not allowed`
  return new StoreError(400, { type: 'strict_dynamic_mapping_exception', reason })
}

/** A scalar of a field that the index has not seen yet. */
function readUnknown(parsing: Parsing, path: readonly string[], parent: ObjectMapping, token: Token): Json {
  if (token.type === 'VALUE_NULL') return null
  if (parent.dynamic === 'strict') throw strictFailure(path)
  if (parent.dynamic === 'false') return readValue(parsing.reader, token)
  const field = learnType(typeOf(token))
  const value = readFieldValue(parsing.reader, token, path.join('.'), field, parsing.id)
  parsing.learnt.push([path, field])
  return value
}

function typeOf(token: Token): 'text' | 'date' | 'long' | 'float' | 'boolean' {
  if (token.type === 'VALUE_BOOLEAN') return 'boolean'
  if (token.type === 'VALUE_NUMBER') return /[.eE]/.test(token.text) ? 'float' : 'long'
  return looksLikeDate(token.text) ? 'date' : 'text'
}
