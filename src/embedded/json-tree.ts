import type { JsonReader, Token } from './json-reader.ts'
import type { Json, JsonObject } from './json-values.ts'

/** Reads the rest of the value that `token` begins. */
export function readValue(reader: JsonReader, token: Token): Json {
  switch (token.type) {
    case 'START_OBJECT':
      return readObject(reader)
    case 'START_ARRAY':
      return readArray(reader)
    case 'VALUE_STRING':
      return token.text
    case 'VALUE_NUMBER':
      return { kind: 'number', text: token.text }
    case 'VALUE_BOOLEAN':
      return token.text === 'true'
    case 'VALUE_NULL':
    case 'FIELD_NAME':
    case 'END_OBJECT':
    case 'END_ARRAY':
      return null
  }
}

/** Reads an object whose opening brace has been read. */
export function readObject(reader: JsonReader): JsonObject {
  const object = new Map<string, Json>()
  for (let name = reader.require(); name.type !== 'END_OBJECT'; name = reader.require()) {
    object.set(name.text, readValue(reader, reader.require()))
  }
  return object
}

function readArray(reader: JsonReader): readonly Json[] {
  const array: Json[] = []
  for (let token = reader.require(); token.type !== 'END_ARRAY'; token = reader.require()) {
    array.push(readValue(reader, token))
  }
  return array
}
