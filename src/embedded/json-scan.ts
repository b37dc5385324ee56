import { syntaxError, unexpectedCharacter, unexpectedEnd } from './json-syntax.ts'

// All functions here work on bytes: one character of `text` is one byte of the body (latin1), so that columns agree with the server's.

interface Scanned<T> {
  readonly value: T
  /** Offset after the last byte. */
  readonly end: number
}

const VALID_TOKENS = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  '"': '"',
  '\\': '\\',
  '/': '/',
}

/** Skips blanks and comments, both of which the server accepts between tokens. */
export function skipBlanks(text: string, from: number): number {
  let at = from
  for (;;) {
    while (' \t\r\n'.includes(text.charAt(at)) && at < text.length) at += 1
    if (text.startsWith('//', at)) {
      const newline = text.indexOf('\n', at)
      at = newline === -1 ? text.length : newline
    } else if (text.startsWith('/*', at)) {
      const close = text.indexOf('*/', at + 2)
      if (close === -1) throw unexpectedEnd(text, ' in a comment')
      at = close + 2
    } else return at
  }
}

/** Reads a string whose opening quote is at `from`. */
export function scanString(text: string, from: number, what: 'VALUE_STRING' | 'field name'): Scanned<string> {
  let value = ''
  let start = from + 1
  for (let at = start; ; at += 1) {
    const char = text.charAt(at)
    if (char === '') throw unexpectedEnd(text, ` in ${what}`)
    if (char === '"') return { value: value + utf8(text.slice(start, at)), end: at + 1 }
    if (char === '\\') {
      const escape = scanEscape(text, at + 1)
      value += utf8(text.slice(start, at)) + escape.value
      start = escape.end
      at = escape.end - 1
    } else if (char < ' ') {
      const control = `Illegal unquoted character ((CTRL-CHAR, code ${char.charCodeAt(0)}))`
      throw syntaxError(text, at, `${control}: has to be escaped using backslash to be included in string value`)
    }
  }
}

function scanEscape(text: string, at: number): Scanned<string> {
  const char = text.charAt(at)
  if (char === '') throw unexpectedEnd(text, ' in character escape sequence')
  if (char === 'u') return scanUnicodeEscape(text, at + 1)
  const value = ESCAPES[char]
  if (value === undefined)
    throw syntaxError(text, at, `Unrecognized character escape '${char}' (code ${char.charCodeAt(0)})`)
  return { value, end: at + 1 }
}

function scanUnicodeEscape(text: string, from: number): Scanned<string> {
  for (let at = from; at < from + 4; at += 1) {
    if (at >= text.length) throw unexpectedEnd(text, ' in character escape sequence')
    if (!/[0-9a-fA-F]/.test(text.charAt(at))) {
      throw unexpectedCharacter(text, at, 'expected a hex-digit for character escape sequence')
    }
  }
  return { value: String.fromCharCode(parseInt(text.slice(from, from + 4), 16)), end: from + 4 }
}

function utf8(bytes: string): string {
  // Nearly all text is ASCII: the test saves a copy of it.
  return /[\x80-\xff]/.test(bytes) ? Buffer.from(bytes, 'latin1').toString('utf8') : bytes
}

/** Reads a number that begins with a digit or a minus sign. */
export function scanNumber(text: string, from: number): Scanned<string> {
  let at = text.charAt(from) === '-' ? from + 1 : from
  if (!isDigit(text, at))
    throw badNumber(text, at, 'expected digit (0-9) to follow minus sign, for valid numeric value')
  if (text.charAt(at) === '0' && isDigit(text, at + 1)) {
    throw syntaxError(text, at + 1, 'Invalid numeric value: Leading zeroes not allowed')
  }
  at = skipDigits(text, at)
  if (text.charAt(at) === '.') {
    if (!isDigit(text, at + 1)) throw badNumber(text, at + 1, 'Decimal point not followed by a digit')
    at = skipDigits(text, at + 1)
  }
  if (/[eE]/.test(text.charAt(at))) {
    at += /[+-]/.test(text.charAt(at + 1)) ? 2 : 1
    if (!isDigit(text, at)) throw badNumber(text, at, 'Exponent indicator not followed by a digit')
    at = skipDigits(text, at)
  }
  return { value: text.slice(from, at), end: at }
}

function badNumber(text: string, at: number, complaint: string): Error {
  if (at >= text.length) return unexpectedEnd(text, ' within numeric value')
  return unexpectedCharacter(text, at, `in numeric value: ${complaint}`)
}

function isDigit(text: string, at: number): boolean {
  const char = text.charAt(at)
  return char >= '0' && char <= '9'
}

function skipDigits(text: string, from: number): number {
  let at = from
  while (isDigit(text, at)) at += 1
  return at
}

/** Reads `true`, `false` or `null`, or says what is wrong with what stands there instead. */
export function scanWord(text: string, from: number): Scanned<boolean | null> {
  const word = /^[A-Za-z0-9_$\x80-\xff]*/.exec(text.slice(from, from + 256))?.[0] ?? ''
  const end = from + word.length
  if (word === 'true' || word === 'false') return { value: word === 'true', end }
  if (word === 'null') return { value: null, end }
  const char = text.charAt(from)
  if (char === '}' || char === ']') throw unexpectedCharacter(text, from, 'expected a value')
  if (word === 'NaN') {
    throw syntaxError(
      text,
      end,
      "Non-standard token 'NaN': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow",
    )
  }
  if (!/[A-Za-z_$\x80-\xff]/.test(char)) throw unexpectedCharacter(text, from, `expected a valid value ${VALID_TOKENS}`)
  // The server has already read the byte after the word when it complains.
  throw syntaxError(
    text,
    Math.min(end + 1, text.length),
    `Unrecognized token '${utf8(word)}': was expecting ${VALID_TOKENS}`,
  )
}
