export type JsonObject = Readonly<Record<string, unknown>>

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value of a member that the object has itself: `__proto__` and `constructor` are members like any other. */
export function member(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

// A string, with the colon that makes it a member's name, or a bracket.
const TOKENS = /"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:)?|[{}[\]]/g

/**
 * Whether any object in the text names a member twice, however it is escaped: of `{"sub":"a","s\u0075b":"b"}` two
 * parsers read two subjects (RFC 8259 section 4). The text must be valid JSON.
 */
export function hasDuplicateMember(text: string): boolean {
  const open: Set<string>[] = []
  for (const [token, string, colon] of text.matchAll(TOKENS)) {
    if (token === '{' || token === '[') open.push(new Set())
    else if (token === '}' || token === ']') open.pop()
    else if (colon !== undefined && !addTo(open.at(-1), unescaped(String(string)))) return true
  }
  return false
}

function addTo(names: Set<string> | undefined, name: string): boolean {
  if (names === undefined || names.has(name)) return false
  names.add(name)
  return true
}

function unescaped(raw: string): string {
  return raw.includes('\\') ? String(JSON.parse(`"${raw}"`)) : raw
}

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown

/** Parses JSON with each number as the text that stands there: a double would make another one of `12345678901234567890`, and of `1.0`. */
export function parseNumbersAsTexts(text: string): unknown {
  const keep: Reviver = (_, value, { source }) => (typeof value === 'number' ? source : value)
  // The third argument is newer than TypeScript's types.
  return JSON.parse(text, keep as (key: string, value: unknown) => unknown)
}
