import type { ErrorCause } from './errors.ts'
import { StoreError } from './errors.ts'
import { javaText } from './java-text.ts'
import type { JsonReader, Token } from './json-reader.ts'
import { readValue } from './json-tree.ts'
import type { Json } from './json-values.ts'
import type { ValueMapping } from './mapping.ts'

const LONG_LIMIT = 2n ** 63n
const WHOLE_NUMBERS = new Set(['long', 'integer', 'short', 'byte'])
const FRACTIONS = new Set(['float', 'double', 'half_float', 'scaled_float'])
const TEXTS = new Set(['text', 'keyword'])

/** Strings that teach an index a date: `strict_date_optional_time`, but for a bare year, which stays a text. */
const DATE = /^\d{4}-\d\d(-\d\d(T(\d\d(:\d\d(:\d\d([.,]\d{1,9})?)?)?(Z|[+-]\d\d(:?\d\d)?)?)?)?)?$/

export function looksLikeDate(text: string): boolean {
  return DATE.test(text)
}

/** Reads one value of a known field; throws as the server does where the value is not of the field's type. */
export function readFieldValue(reader: JsonReader, token: Token, path: string, field: ValueMapping, id: string): Json {
  const complaint = token.type === 'VALUE_NULL' ? undefined : complaintAbout(reader, token, field.type)
  const value = readValue(reader, token)
  if (complaint !== undefined) throw fieldFailure(path, field.type, id, value, complaint)
  return value
}

/** `failed to parse field [...] of type [...]`, with a preview of the value as Java would print it. */
export function fieldFailure(path: string, type: string, id: string, value: Json, causedBy: ErrorCause): StoreError {
  const preview = `Preview of field's value: '${javaText(value)}'`
  const reason = `failed to parse field [${path}] of type [${type}] in document with id '${id}'. ${preview}`
  return new StoreError(400, { type: 'mapper_parsing_exception', reason, causedBy })
}

function complaintAbout(reader: JsonReader, token: Token, type: string): ErrorCause | undefined {
  if (WHOLE_NUMBERS.has(type)) return wholeNumberComplaint(reader, token)
  if (FRACTIONS.has(type)) return fractionComplaint(reader, token, type)
  if (type === 'boolean') return booleanComplaint(reader, token)
  if (type === 'date') return dateComplaint(token)
  if (TEXTS.has(type) && token.type === 'START_OBJECT') {
    const { line, column } = reader.placeOf(token)
    return { type: 'illegal_state_exception', reason: `Can't get text on a START_OBJECT at ${line}:${column}` }
  }
  return undefined
}

function wholeNumberComplaint(reader: JsonReader, token: Token): ErrorCause | undefined {
  if (token.type === 'VALUE_STRING') {
    return isNumeric(token.text) ? undefined : illegalInput('illegal_argument_exception', token.text)
  }
  if (token.type !== 'VALUE_NUMBER') return notNumeric(reader, token)
  if (/[.eE]/.test(token.text)) return undefined
  const number = BigInt(token.text)
  if (number >= -LONG_LIMIT && number < LONG_LIMIT) return undefined
  const range = `out of range of long (${-LONG_LIMIT} - ${LONG_LIMIT - 1n})`
  const reason = `Numeric value (${token.text}) ${range}\n ${reader.describeEnd(token)}`
  return { type: 'input_coercion_exception', reason }
}

function fractionComplaint(reader: JsonReader, token: Token, type: string): ErrorCause | undefined {
  if (token.type === 'VALUE_STRING') {
    return isNumeric(token.text) ? undefined : illegalInput('number_format_exception', token.text)
  }
  if (token.type !== 'VALUE_NUMBER') return notNumeric(reader, token)
  const single = type === 'float' ? Math.fround(Number(token.text)) : Number(token.text)
  if (Number.isFinite(single)) return undefined
  const shown = single > 0 ? 'Infinity' : '-Infinity'
  return { type: 'illegal_argument_exception', reason: `[${type}] supports only finite values, but got [${shown}]` }
}

function booleanComplaint(reader: JsonReader, token: Token): ErrorCause | undefined {
  if (token.type === 'VALUE_BOOLEAN') return undefined
  if (token.type === 'VALUE_STRING') {
    if (['true', 'false', ''].includes(token.text)) return undefined
    const reason = `Failed to parse value [${token.text}] as only [true] or [false] are allowed.`
    return { type: 'illegal_argument_exception', reason }
  }
  const reason = `Current token (${tokenName(token)}) not of boolean type\n ${reader.describeEnd(token)}`
  return { type: 'json_parse_exception', reason }
}

function dateComplaint(token: Token): ErrorCause | undefined {
  const acceptable = token.type === 'VALUE_NUMBER' || /^-?\d+$/.test(token.text) || looksLikeDate(token.text)
  if (token.type !== 'VALUE_STRING' || acceptable) return undefined
  const reason = `failed to parse date field [${token.text}] with format [strict_date_optional_time||epoch_millis]`
  const causedBy = { type: 'date_time_parse_exception', reason: 'Failed to parse with all enclosed parsers' }
  return { type: 'illegal_argument_exception', reason, causedBy }
}

function notNumeric(reader: JsonReader, token: Token): ErrorCause {
  const reason = `Current token (${tokenName(token)}) not numeric, can not use numeric value accessors`
  return { type: 'json_parse_exception', reason: `${reason}\n ${reader.describeEnd(token)}` }
}

function illegalInput(type: string, text: string): ErrorCause {
  return { type, reason: `For input string: "${text}"` }
}

function isNumeric(text: string): boolean {
  return text.trim() !== '' && Number.isFinite(Number(text))
}

/** The parser's own name of a token, where it differs from the one that the server's messages use elsewhere. */
function tokenName(token: Token): string {
  if (token.type === 'VALUE_BOOLEAN') return token.text === 'true' ? 'VALUE_TRUE' : 'VALUE_FALSE'
  if (token.type === 'VALUE_NUMBER') return /[.eE]/.test(token.text) ? 'VALUE_NUMBER_FLOAT' : 'VALUE_NUMBER_INT'
  return token.type
}
