/** Any JSON value; whole numbers that a double cannot hold are bigint. */
export type Json = null | boolean | number | bigint | string | Json[] | { [name: string]: Json }

// Node 24 has both (ECMA-262 "JSON.parse source text access"); TypeScript's library does not know them yet.
type Reviver = (name: string, value: Json, context: { source?: string }) => Json
const parse = JSON.parse as (text: string, reviver: Reviver) => Json
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown }

export function parseJson(text: string): Json {
  return parse(text, (_, value, { source }) =>
    typeof value === 'number' && source !== undefined && /^-?\d+$/.test(source) && !Number.isSafeInteger(value)
      ? BigInt(source)
      : value,
  )
}

export function writeJson(value: Json): string {
  return JSON.stringify(value, (_, member: unknown) => (typeof member === 'bigint' ? rawJSON(String(member)) : member))
}

export function isObject(value: unknown): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** As Java writes maps, lists and values: what the tests' patterns for errors are written for. */
export function javaText(value: Json | undefined): string {
  if (Array.isArray(value)) return `[${value.map(javaText).join(', ')}]`
  if (!isObject(value)) return String(value)
  return `{${Object.entries(value)
    .map(([name, member]) => `${name}=${javaText(member)}`)
    .join(', ')}}`
}
