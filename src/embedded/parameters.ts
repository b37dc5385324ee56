import { illegalArgument, StoreError } from './errors.ts'

/** The parameters of a request, from its query string and its path; remembers which of them somebody asked for. */
export class Parameters {
  readonly #values: Map<string, string>
  readonly #asked = new Set<string>()

  constructor(values: Map<string, string>) {
    this.#values = values
  }

  /** What the path says, which wins over the query string. */
  bind(name: string, value: string): void {
    this.#values.set(name, value)
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  text(name: string): string | undefined {
    this.#asked.add(name)
    return this.#values.get(name)
  }

  /** Asks for parameters whose values make no difference here. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.#asked.add(name)
  }

  /** `true` for an empty value, as in `?pretty`. */
  flag(name: string, byDefault: boolean): boolean {
    const value = this.text(name)
    if (value === undefined) return byDefault
    if (value === '' || value === 'true') return true
    if (value === 'false') return false
    throw illegalArgument(`Failed to parse value [${value}] as only [true] or [false] are allowed.`)
  }

  integer(name: string): bigint | undefined {
    return this.#number(name, 'int', 2n ** 31n)
  }

  long(name: string): bigint | undefined {
    return this.#number(name, 'long', 2n ** 63n)
  }

  list(name: string): readonly string[] {
    const value = this.text(name)
    return value === undefined || value === '' ? [] : value.split(',')
  }

  #number(name: string, kind: 'int' | 'long', limit: bigint): bigint | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const number = parseInteger(value, limit)
    if (number !== undefined) return number
    const reason = `Failed to parse ${kind} parameter [${name}] with value [${value}]`
    throw illegalArgument(reason, { type: 'number_format_exception', reason: `For input string: "${value}"` })
  }

  /** Refuses what nobody asked for, with the names that may have been meant. */
  refuseUnknown(path: string): void {
    const unknown = [...this.#values.keys()].filter((name) => !this.#asked.has(name)).sort()
    if (unknown.length === 0) return
    const list = unknown.map((name) => `[${name}]${suggest(name, this.#asked)}`).join(', ')
    throw illegalArgument(`request [${path}] contains unrecognized parameter${unknown.length > 1 ? 's' : ''}: ${list}`)
  }
}

/** A decimal integer below the limit, as Java parses one; `undefined` for anything else. */
export function parseInteger(text: string, limit: bigint): bigint | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined
  const number = BigInt(text.replace('+', ''))
  return number >= -limit && number < limit ? number : undefined
}

function suggest(name: string, known: Iterable<string>): string {
  const near = [...known]
    .map((candidate) => ({ candidate, likeness: likeness(name, candidate) }))
    .filter((entry) => entry.likeness > 0.5)
    .sort((a, b) => b.likeness - a.likeness || (a.candidate < b.candidate ? -1 : 1))
    .map((entry) => entry.candidate)
  if (near.length === 0) return ''
  return near.length === 1 ? ` -> did you mean [${near.join()}]?` : ` -> did you mean any of [${near.join(', ')}]?`
}

/** 1 minus the edit distance over the longer length: what the server compares names by. */
export function likeness(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a.charAt(i - 1) === b.charAt(j - 1) ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return 1 - (row[b.length] ?? 0) / Math.max(a.length, b.length, 1)
}

/** Reads a query string as the server does: `&` and `;` separate, the last value of a name wins. */
export function parseQuery(query: string): Map<string, string> {
  const values = new Map<string, string>()
  for (const part of query.split(/[&;]/)) {
    const pair = /^=?([^=]+)=?(.*)$/s.exec(part)
    if (pair !== null) values.set(decodeQuery(pair[1] ?? ''), decodeQuery(pair[2] ?? ''))
  }
  return values
}

function decodeQuery(text: string): string {
  const complaint = escapeComplaint(text)
  if (complaint !== undefined) {
    const causedBy = { type: 'illegal_argument_exception', reason: complaint }
    const reason = `java.lang.IllegalArgumentException: ${complaint}`
    throw new StoreError(400, { type: 'bad_parameter_exception', reason, causedBy })
  }
  return decodeSegment(text.replaceAll('+', ' '))
}

/** What is wrong with the first percent escape that cannot be decoded. */
export function escapeComplaint(text: string): string | undefined {
  const at = text.search(/%(?![0-9a-fA-F]{2})/)
  if (at === -1) return undefined
  if (at === text.length - 1) return `unterminated escape sequence at end of string: ${text}`
  if (at === text.length - 2) return `partial escape sequence at end of string: ${text}`
  return `invalid escape sequence \`${text.slice(at, at + 3)}' at index ${at} of: ${text}`
}

/** Decodes percent escapes as UTF-8; bytes that are none become U+FFFD. */
export function decodeSegment(text: string): string {
  if (!text.includes('%')) return text
  const bytes = Buffer.from(text, 'utf8').toString('latin1')
  const decoded = bytes.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
  return Buffer.from(decoded, 'latin1').toString('utf8')
}
