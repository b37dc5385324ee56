import { decimalText, isList, isObject } from './body.ts'
import type { Body } from './body.ts'

/**
 * Writes a body as the server's YAML builder does (Jackson over SnakeYAML, compared with a running 3.4.0): strings in double quotes, folded
 * past column 80 where they have a space, list items on the level of their key.
 */
export function writeYaml(body: Body): string {
  if (isList(body) && body.length > 0) return `---\n${list(body, 0)}`
  return isObject(body) && Object.keys(body).length > 0 ? `---\n${block(body, 0)}` : `--- ${flow(body, 4, 0)}\n`
}

const INDENT = 2

function block(body: { readonly [key: string]: Body }, indent: number): string {
  return Object.entries(body)
    .map(([key, value]) => `${' '.repeat(indent)}${entry(key, value, indent)}`)
    .join('')
}

function entry(key: string, value: Body, indent: number): string {
  if (isList(value) && value.length > 0) {
    return `${key}:\n${list(value, indent)}`
  }
  if (isObject(value) && Object.keys(value).length > 0) return `${key}:\n${block(value, indent + INDENT)}`
  return `${key}: ${flow(value, indent + key.length + 2, indent + INDENT)}\n`
}

function list(items: readonly Body[], indent: number): string {
  return items.map((item) => `${' '.repeat(indent)}- ${listItem(item, indent + INDENT)}`).join('')
}

function listItem(item: Body, indent: number): string {
  if (isList(item) && item.length > 0) return list(item, indent).trimStart()
  if (isObject(item) && Object.keys(item).length > 0) return block(item, indent).trimStart()
  return `${flow(item, indent, indent)}\n`
}

function flow(value: Body, column: number, indent: number): string {
  if (typeof value === 'string') return doubleQuoted(value, column, indent)
  if (isList(value)) return '[]'
  if (isObject(value)) return '{}'
  return typeof value === 'object' && value !== null ? (decimalText(value) ?? '') : String(value)
}

const BEST_WIDTH = 80

/**
 * Writes one string in double quotes.
 * @param column where the opening quote stands
 * @param indent of the lines that a fold begins
 */
function doubleQuoted(text: string, column: number, indent: number): string {
  let written = '"'
  let lineStart = -column
  let pending = ''
  const width = (): number => written.length - lineStart
  for (let at = 0; at < text.length; at++) {
    const character = String.fromCodePoint(text.codePointAt(at) ?? 0)
    // A pair of surrogates is one character, and what follows counts from its second half, as in SnakeYAML.
    at += character.length - 1
    const escaped = escapeOf(character)
    const isPlain = escaped === character && /[ -~]/.test(character)
    if (!isPlain) {
      written += pending + escaped
      pending = ''
    }
    // SnakeYAML folds at a space and around what it escapes; right after that it takes itself to be one column further left.
    const mayFold = at > 0 && at < text.length - 1 && (character === ' ' || pending === '')
    if (mayFold && width() + (isPlain ? pending.length : -1) > BEST_WIDTH) {
      written += `${pending}\\\n`
      pending = ''
      lineStart = written.length
      const next = isPlain ? character : text[at + 1]
      written += ' '.repeat(indent) + (next === ' ' ? '\\' : '')
    }
    if (isPlain) pending += character
  }
  return `${written}${pending}"`
}

const NAMED_ESCAPES: Readonly<Record<string, string>> = {
  '\0': '0', '\x07': 'a', '\b': 'b', '\t': 't', '\n': 'n', '\v': 'v', '\f': 'f', '\r': 'r', '\x1b': 'e',
  '"': '"', '\\': '\\', '\x85': 'N', '\xa0': '_', '\u2028': 'L', '\u2029': 'P',
} // prettier-ignore

function escapeOf(character: string): string {
  const named = NAMED_ESCAPES[character]
  if (named !== undefined) return `\\${named}`
  const code = character.codePointAt(0) ?? 0
  const isPrintable =
    (code >= 0x20 && code <= 0x7e) ||
    (code >= 0xa0 && code <= 0xd7ff) ||
    (code >= 0xe000 && code <= 0xfffd) ||
    code > 0xffff
  if (isPrintable) return character
  return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}
