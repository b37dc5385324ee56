import { notSupported, StoreError } from './errors.ts'
import type { Token } from './json-reader.ts'
import { JsonReader } from './json-reader.ts'
import { readObject, readValue } from './json-tree.ts'
import type { Json, JsonObject } from './json-values.ts'
import { isJsonArray, isJsonNumber, isJsonObject } from './json-values.ts'
import { writeCompact } from './json-writer.ts'
import { likeness } from './parameters.ts'

/** The second line of an update. */
export interface UpdateBody {
  readonly doc: JsonObject | undefined
  readonly upsert: JsonObject | undefined
  readonly docAsUpsert: boolean
  readonly detectNoop: boolean
}

const OBJECTS = ['doc', 'upsert']
const FLAGS = ['doc_as_upsert', 'detect_noop']
const UNSUPPORTED = ['script', 'scripted_upsert', '_source', 'if_seq_no', 'if_primary_term']

/** Reads the second line of an update; throws as the server does on what it does not know. */
export function parseUpdate(line: Buffer): UpdateBody {
  const reader = new JsonReader(line)
  const values = new Map<string, Json>()
  reader.require()
  for (let name = reader.require(); name.type === 'FIELD_NAME'; name = reader.require()) {
    values.set(name.text, readPart(reader, name))
  }
  const doc = values.get('doc')
  const upsert = values.get('upsert')
  return {
    doc: isJsonObject(doc) ? doc : undefined,
    upsert: isJsonObject(upsert) ? upsert : undefined,
    docAsUpsert: values.get('doc_as_upsert') === true,
    detectNoop: values.get('detect_noop') !== false,
  }
}

function readPart(reader: JsonReader, name: Token): Json {
  if (UNSUPPORTED.includes(name.text)) throw notSupported(`[${name.text}] in an update`)
  if (![...OBJECTS, ...FLAGS].includes(name.text)) throw unknownField(reader, name)
  const value = reader.require()
  if (FLAGS.includes(name.text)) return readValue(reader, value)
  if (value.type === 'START_OBJECT') return readObject(reader)
  throw updateFailure(reader, value, `${name.text} doesn't support values of type: ${value.type}`)
}

function unknownField(reader: JsonReader, name: Token): StoreError {
  const near = [...OBJECTS, ...FLAGS, ...UNSUPPORTED].filter((known) => likeness(name.text, known) > 0.5)
  const suggestion = near.length === 0 ? '' : ` did you mean [${near.join(', ')}]?`
  return updateFailure(reader, name, `unknown field [${name.text}]${suggestion}`)
}

function updateFailure(reader: JsonReader, token: Token, complaint: string): StoreError {
  const { line, column } = reader.placeOf(token)
  const reason = `[${line}:${column}] [UpdateRequest] ${complaint}`
  return new StoreError(400, { type: 'x_content_parse_exception', reason })
}

/** A document with a partial one merged in: objects member by member, everything else replaced. `undefined` where nothing would change. */
export function mergeDocument(document: JsonObject, part: JsonObject, detectNoop: boolean): JsonObject | undefined {
  const merged = merge(document, part)
  return detectNoop && equal(document, merged) ? undefined : merged
}

function merge(document: JsonObject, part: JsonObject): JsonObject {
  const merged = new Map(document)
  for (const [name, value] of part) {
    const known = merged.get(name)
    merged.set(name, isJsonObject(known) && isJsonObject(value) ? merge(known, value) : value)
  }
  return merged
}

function equal(a: Json | undefined, b: Json | undefined): boolean {
  if (isJsonObject(a) && isJsonObject(b)) {
    return a.size === b.size && [...a].every(([name, value]) => b.has(name) && equal(value, b.get(name)))
  }
  if (isJsonArray(a) && isJsonArray(b)) return a.length === b.length && a.every((value, i) => equal(value, b[i]))
  if (isJsonNumber(a) && isJsonNumber(b)) return writeCompact(a) === writeCompact(b)
  return a === b
}
