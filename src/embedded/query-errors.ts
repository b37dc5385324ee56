import type { ErrorCause } from './errors.ts'
import { notSupported, StoreError } from './errors.ts'
import type { JsonReader, Token } from './json-reader.ts'

/** An error with the line and column of a token. */
export function parsingFailure(reader: JsonReader, token: Token, reason: string, causedBy?: ErrorCause): StoreError {
  const { line, column } = reader.placeOf(token)
  const details = { line, col: column }
  return new StoreError(400, { type: 'parsing_exception', reason, details, ...(causedBy && { causedBy }) })
}

/** The complaint of the server's declarative parsers. */
export function unknownField(reader: JsonReader, query: string, name: Token): ErrorCause {
  const { line, column } = reader.placeOf(name)
  return { type: 'x_content_parse_exception', reason: `[${line}:${column}] [${query}] unknown field [${name.text}]` }
}

/** A field that a query does not have, or that the store does not know. */
export function refuseField(reader: JsonReader, query: string, name: Token, value: Token): StoreError {
  if (['boost', '_name'].includes(name.text)) return notSupported(`[${name.text}] in [${query}]`)
  const cause = unknownField(reader, query, name)
  return parsingFailure(reader, value, cause.reason, cause)
}
