import type { Json, JsonNumber, JsonObject } from './json-values.ts'
import { isFraction, isJsonArray, isJsonObject } from './json-values.ts'

type Scalar = Exclude<Json, JsonObject | readonly Json[]>

/** Writes a string as the server does: upper-case hex in escapes, and surrogates always as escapes. */
function writeString(value: string): string {
  const escaped = JSON.stringify(value).replace(/\\(?:u[0-9a-f]{4}|.)/g, (escape) =>
    escape.length === 2 ? escape : `\\u${escape.slice(2).toUpperCase()}`,
  )
  return escaped.replace(/[\ud800-\udfff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** Writes a number as the server does after it has read it: integers of any size as they were, fractions as Java writes a double. */
function writeNumber(number: JsonNumber): string {
  return isFraction(number) ? writeDouble(Number(number.text)) : String(BigInt(number.text))
}

/** A double as Java's `Double.toString` writes it. */
function writeDouble(value: number): string {
  if (Object.is(value, -0)) return '-0.0'
  const size = Math.abs(value)
  if (value === 0 || (size >= 1e-3 && size < 1e7)) return Number.isInteger(value) ? `${value}.0` : String(value)
  // Java writes two digits at least, and with two to choose it takes those that come nearest.
  const shortest = value.toExponential()
  const [digits = '', exponent = ''] = (shortest.includes('.') ? shortest : value.toExponential(1)).split('e')
  return `${digits}E${Number(exponent)}`
}

function writeScalar(value: Scalar): string {
  if (typeof value === 'string') return writeString(value)
  if (typeof value === 'object' && value !== null) return value.kind === 'raw' ? value.text : writeNumber(value)
  return String(value)
}

/** Writes a value on one line. Raw text goes out as it is. */
export function writeCompact(value: Json): string {
  if (isJsonArray(value)) return `[${value.map(writeCompact).join(',')}]`
  if (isJsonObject(value)) {
    return `{${[...value].map(([name, member]) => `${writeString(name)}:${writeCompact(member)}`).join(',')}}`
  }
  return writeScalar(value)
}

/** Writes a value the way `?pretty` asks for. Holds no raw text: the server reads it again before it indents it. */
export function writePretty(value: Json, indent = ''): string {
  const inner = `${indent}  `
  if (isJsonArray(value)) {
    if (value.length === 0) return '[ ]'
    return `[\n${value.map((member) => inner + writePretty(member, inner)).join(',\n')}\n${indent}]`
  }
  if (isJsonObject(value)) {
    if (value.size === 0) return '{ }'
    const members = [...value].map(([name, member]) => `${inner}${writeString(name)} : ${writePretty(member, inner)}`)
    return `{\n${members.join(',\n')}\n${indent}}`
  }
  return writeScalar(value)
}
