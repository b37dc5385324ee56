import type { Presentation } from '../core/parameters.ts'
import { decimalText, isList, isObject } from './body.ts'
import type { Body, Decimal } from './body.ts'
import { writeYaml } from './yaml.ts'

export interface RenderedBody {
  readonly contentType: string
  readonly text: string
}

/** Writes a body as the server's own builders do. */
export function render(body: Body, { pretty, format }: Presentation): RenderedBody {
  if (format === 'yaml') return { contentType: 'application/yaml', text: writeYaml(body) }
  return {
    contentType: 'application/json; charset=UTF-8',
    text: pretty ? `${prettyJson(body, 0)}\n` : compactJson(body),
  }
}

export function compactJson(body: Body): string {
  if (isList(body)) return `[${body.map(compactJson).join(',')}]`
  if (isObject(body)) {
    return `{${Object.entries(body)
      .map(([key, value]) => `${quote(key)}:${compactJson(value)}`)
      .join(',')}}`
  }
  return scalar(body)
}

/** The server's indented form: two spaces a level, a space on both sides of the colon. */
function prettyJson(body: Body, depth: number): string {
  const indent = '  '.repeat(depth + 1)
  const close = '  '.repeat(depth)
  if (isList(body)) {
    if (body.length === 0) return '[ ]'
    return `[\n${body.map((item) => indent + prettyJson(item, depth + 1)).join(',\n')}\n${close}]`
  }
  if (isObject(body)) {
    const entries = Object.entries(body)
    if (entries.length === 0) return '{ }'
    return `{\n${entries.map(([key, value]) => `${indent}${quote(key)} : ${prettyJson(value, depth + 1)}`).join(',\n')}\n${close}}`
  }
  return scalar(body)
}

function scalar(value: string | number | bigint | boolean | null | Decimal): string {
  if (typeof value === 'object' && value !== null) return decimalText(value) ?? ''
  return typeof value === 'string' ? quote(value) : String(value)
}

/** Nothing in it that JSON escapes. */
const PLAIN = /^[ !#-[\]-~]*$/

/** The server escapes control characters in upper case, and what lies beyond the basic plane as two escapes. */
function quote(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`
  return JSON.stringify(text)
    .replaceAll(/(?<=(?:^|[^\\])(?:\\\\)*)\\u00([0-9a-f]{2})/g, (_, hex: string) => `\\u00${hex.toUpperCase()}`)
    .replaceAll(/[\ud800-\udfff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).toUpperCase()}`)
}
