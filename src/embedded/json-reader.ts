import { StoreError } from './errors.ts'
import { scanNumber, scanString, scanWord, skipBlanks } from './json-scan.ts'
import type { Place } from './json-syntax.ts'
import { describePlace, placeOf, ROOT_PLACE, syntaxError, unexpectedCharacter, unexpectedEnd } from './json-syntax.ts'

export type TokenType =
  | 'START_OBJECT'
  | 'END_OBJECT'
  | 'START_ARRAY'
  | 'END_ARRAY'
  | 'FIELD_NAME'
  | 'VALUE_STRING'
  | 'VALUE_NUMBER'
  | 'VALUE_BOOLEAN'
  | 'VALUE_NULL'

export interface Token {
  readonly type: TokenType
  /** The text of a name, string or number (as written) or boolean; empty otherwise. */
  readonly text: string
  readonly start: number
  readonly end: number
}

interface Context {
  readonly array: boolean
  readonly start: number
  readonly names: Set<string>
  count: number
}

// The limit of the server's parser; also what keeps a body of brackets from exhausting our stack.
const MAX_DEPTH = 1000

/**
 * Reads JSON token by token, as the server does: an error is met only when the reading gets to it, what follows the first value is never
 * looked at unless asked for, and errors are worded as the server words them.
 */
export class JsonReader {
  readonly #text: string
  readonly #contexts: Context[] = []
  #at = 0
  #afterName = false
  /** The token that `next` gave last. */
  current: Token | undefined

  constructor(bytes: Buffer) {
    this.#text = bytes.toString('latin1')
  }

  /** The next token; `undefined` at the end of the input. */
  next(): Token | undefined {
    this.#at = skipBlanks(this.#text, this.#at)
    if (this.#at >= this.#text.length) this.#checkEnd()
    this.current = this.#at >= this.#text.length ? undefined : this.#token()
    if (this.current !== undefined) this.#at = this.current.end
    return this.current
  }

  /** The next token, where the input may not end. */
  require(): Token {
    const token = this.next()
    if (token === undefined) throw unexpectedEnd(this.#text, '')
    return token
  }

  /** Where a token begins. */
  placeOf(token: Token): Place {
    return placeOf(this.#text, token.start)
  }

  /** Where the reading has got to. */
  describeEnd(token: Token): string {
    return describePlace(placeOf(this.#text, token.end))
  }

  #checkEnd(): void {
    const context = this.#contexts.at(-1)
    if (context === undefined) return
    if (this.#afterName) throw unexpectedEnd(this.#text, ' within/between Object entries')
    const start = describePlace(placeOf(this.#text, context.start))
    throw unexpectedEnd(this.#text, `: expected close marker for ${kindOf(context)} (start marker ${start})`)
  }

  #token(): Token {
    const context = this.#contexts.at(-1)
    const char = this.#text.charAt(this.#at)
    if (this.#afterName) return this.#value()
    if (char === '}' || char === ']') return this.#close(char, context)
    if (context === undefined) return this.#value()
    if (context.count > 0) this.#comma(context)
    context.count += 1
    return context.array ? this.#value() : this.#name(context)
  }

  #comma(context: Context): void {
    if (this.#text.charAt(this.#at) !== ',') {
      throw unexpectedCharacter(this.#text, this.#at, `was expecting comma to separate ${kindOf(context)} entries`)
    }
    this.#at = skipBlanks(this.#text, this.#at + 1)
    if (this.#at >= this.#text.length) throw unexpectedEnd(this.#text, ` within/between ${kindOf(context)} entries`)
  }

  #name(context: Context): Token {
    const start = this.#at
    if (this.#text.charAt(start) !== '"') {
      throw unexpectedCharacter(this.#text, start, 'was expecting double-quote to start field name')
    }
    const { value, end } = scanString(this.#text, start, 'field name')
    if (context.names.has(value)) throw syntaxError(this.#text, end, `Duplicate field '${value}'`)
    context.names.add(value)
    const colon = skipBlanks(this.#text, end)
    if (colon >= this.#text.length) throw unexpectedEnd(this.#text, ' within/between Object entries')
    if (this.#text.charAt(colon) !== ':') {
      throw unexpectedCharacter(this.#text, colon, 'was expecting a colon to separate field name and value')
    }
    this.#afterName = true
    return { type: 'FIELD_NAME', text: value, start, end: colon + 1 }
  }

  #value(): Token {
    this.#afterName = false
    const start = this.#at
    const char = this.#text.charAt(start)
    if (char === '{' || char === '[') return this.#open(char)
    if (char === '"') {
      const { value, end } = scanString(this.#text, start, 'VALUE_STRING')
      return { type: 'VALUE_STRING', text: value, start, end }
    }
    if (char === '-' || (char >= '0' && char <= '9')) {
      const { value, end } = scanNumber(this.#text, start)
      return { type: 'VALUE_NUMBER', text: value, start, end }
    }
    const { value, end } = scanWord(this.#text, start)
    return {
      type: value === null ? 'VALUE_NULL' : 'VALUE_BOOLEAN',
      text: value === null ? '' : String(value),
      start,
      end,
    }
  }

  #open(char: '{' | '['): Token {
    if (this.#contexts.length >= MAX_DEPTH) {
      const reason = `Document nesting depth (${MAX_DEPTH + 1}) exceeds the maximum allowed (${MAX_DEPTH}, from \`StreamReadConstraints.getMaxNestingDepth()\`)`
      throw new StoreError(400, { type: 'stream_constraints_exception', reason })
    }
    const array = char === '['
    const start = this.#at
    this.#contexts.push({ array, start, names: new Set(), count: 0 })
    return { type: array ? 'START_ARRAY' : 'START_OBJECT', text: '', start, end: start + 1 }
  }

  #close(char: '}' | ']', context: Context | undefined): Token {
    const start = this.#at
    if (context?.array !== (char === ']')) throw this.#wrongClose(char, context)
    this.#contexts.pop()
    return { type: context.array ? 'END_ARRAY' : 'END_OBJECT', text: '', start, end: start + 1 }
  }

  #wrongClose(char: string, context: Context | undefined): StoreError {
    const expected = context?.array === false ? '}' : ']'
    const opened =
      context === undefined
        ? `root starting ${ROOT_PLACE}`
        : `${kindOf(context)} starting ${describePlace(placeOf(this.#text, context.start))}`
    return syntaxError(
      this.#text,
      this.#at,
      `Unexpected close marker '${char}': expected '${expected}' (for ${opened})`,
    )
  }
}

function kindOf(context: Context): 'Array' | 'Object' {
  return context.array ? 'Array' : 'Object'
}
