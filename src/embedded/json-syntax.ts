import { StoreError } from './errors.ts'

// The server's parser does not show what it parsed; every place in its messages is this sentence and a line and column in bytes.
const SOURCE = 'Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled)'

export interface Place {
  readonly line: number
  readonly column: number
}

/** Line and column, both from 1, of an offset. */
export function placeOf(text: string, offset: number): Place {
  let line = 1
  let start = 0
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) {
    line += 1
    start = at + 1
  }
  return { line, column: offset - start + 1 }
}

/** `at [Source: ...; line: 1, column: 2]`. */
export function describePlace({ line, column }: Place): string {
  return `at [${SOURCE}; line: ${line}, column: ${column}]`
}

/** Where the parser's root context is said to begin. */
export const ROOT_PLACE = `at [${SOURCE}; line: 1]`

/** A syntax error, worded as the server's JSON parser words it. */
export function syntaxError(text: string, offset: number, message: string): StoreError {
  const reason = `${message}\n ${describePlace(placeOf(text, offset))}`
  return new StoreError(400, { type: 'json_parse_exception', reason })
}

export function unexpectedEnd(text: string, message: string): StoreError {
  const reason = `Unexpected end-of-input${message}\n ${describePlace(placeOf(text, text.length))}`
  return new StoreError(400, { type: 'json_e_o_f_exception', reason })
}

export function unexpectedCharacter(text: string, offset: number, expectation: string): StoreError {
  const code = text.charCodeAt(offset)
  const shown = code < 32 ? `(CTRL-CHAR, code ${code})` : `'${text.charAt(offset)}' (code ${code})`
  const separator = expectation.startsWith('in ') ? ' ' : ': '
  return syntaxError(text, offset, `Unexpected character (${shown})${separator}${expectation}`)
}
