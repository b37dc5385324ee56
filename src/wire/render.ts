import type { Presentation } from '../core/parameters.ts'

/** A body before it is written: plain data, keys in their order. `bigint` for the cluster's long numbers. */
export type Body = string | number | bigint | boolean | null | readonly Body[] | { readonly [key: string]: Body }

export interface RenderedBody {
  readonly contentType: string
  readonly text: string
}

/** Writes a body as the server's own builders do. */
export function render(body: Body, { pretty, format }: Presentation): RenderedBody {
  if (format === 'yaml') return { contentType: 'application/yaml', text: `---\n${yaml(body, 0)}` }
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

/** The server's YAML: strings always in double quotes, list items on the level of their key. */
function yaml(body: Body, depth: number): string {
  if (!isObject(body)) return `${scalarOrEmpty(body)}\n`
  const entries = Object.entries(body)
  if (entries.length === 0) return '{}\n'
  const indent = '  '.repeat(depth)
  return entries.map(([key, value]) => `${indent}${yamlKey(key)}:${yamlValue(value, depth)}`).join('')
}

function yamlValue(value: Body, depth: number): string {
  if (isList(value)) {
    if (value.length === 0) return ' []\n'
    const indent = '  '.repeat(depth)
    return `\n${value.map((item) => `${indent}- ${yaml(item, depth + 1).trimStart()}`).join('')}`
  }
  if (isObject(value) && Object.keys(value).length > 0) return `\n${yaml(value, depth + 1)}`
  return ` ${scalarOrEmpty(value)}\n`
}

function scalarOrEmpty(value: Body): string {
  return isObject(value) ? '{}' : isList(value) ? '[]' : scalar(value)
}

function yamlKey(key: string): string {
  return /^[A-Za-z_][\w.-]*$/.test(key) ? key : quote(key)
}

function scalar(value: string | number | bigint | boolean | null): string {
  return typeof value === 'string' ? quote(value) : String(value)
}

/** The server writes control characters as upper-case escapes. */
function quote(text: string): string {
  return JSON.stringify(text).replaceAll(/\\u00([0-9a-f]{2})/g, (escape, hex: string, at: number, whole: string) =>
    isEscapedBackslash(whole, at) ? escape : `\\u00${hex.toUpperCase()}`,
  )
}

function isEscapedBackslash(text: string, at: number): boolean {
  let before = at
  while (before > 0 && text[before - 1] === '\\') before -= 1
  return (at - before) % 2 === 1
}

function isList(body: Body): body is readonly Body[] {
  return Array.isArray(body)
}

function isObject(body: Body): body is { readonly [key: string]: Body } {
  return typeof body === 'object' && body !== null && !Array.isArray(body)
}
