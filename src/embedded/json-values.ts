/**
 * JSON as the server keeps it: objects in the order they were written (also where a key looks like a number), and numbers as text, so that
 * nothing above 2^53 is rounded.
 */
export type Json = null | boolean | number | string | JsonNumber | RawJson | readonly Json[] | JsonObject
export type JsonObject = ReadonlyMap<string, Json>

/** A number as it was written. */
export interface JsonNumber {
  readonly kind: 'number'
  readonly text: string
}

/** The text of a JSON value that is handed out as it came in. */
export interface RawJson {
  readonly kind: 'raw'
  readonly text: string
}

/** Builds an object whose keys are known in advance; a value of `undefined` leaves its key out. */
export function fields(entries: Readonly<Record<string, Json | undefined>>): JsonObject {
  const present = Object.entries(entries).filter((entry): entry is [string, Json] => entry[1] !== undefined)
  return new Map(present)
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return value instanceof Map
}

export function isJsonArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

export function isJsonNumber(value: Json | undefined): value is JsonNumber {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'number'
}

export function isRawJson(value: Json): value is RawJson {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'raw'
}

/** Whether a number was written as a fraction or with an exponent. */
export function isFraction(number: JsonNumber): boolean {
  return /[.eE]/.test(number.text)
}
