import { GatewayError } from '../failure.ts'
import { hasDuplicateMember, isJsonObject } from '../strict-json.ts'

/** One member of a request's body: what it says, and its text as it arrived. */
export interface Member {
  readonly value: unknown
  /** The value's own bytes: written again, `1.0` would be `1`, and a number beyond 2^53 another number. */
  readonly raw: string
}

/**
 * Reads a body that is one JSON object, each member named once at every level: of two members two parsers choose different ones.
 * @returns its members in order; none for a body without a character
 * @throws GatewayError invalidBody
 */
export function readMembers(text: string): ReadonlyMap<string, Member> {
  if (text.trim() === '') return new Map()
  const body = parseJson(text)
  if (!isJsonObject(body)) throw new GatewayError('invalidBody', { reason: 'The body must be a JSON object' })
  if (hasDuplicateMember(text)) {
    throw new GatewayError('invalidBody', { reason: 'The body must name each member of an object only once' })
  }
  const raws = rawMembers(text)
  return new Map(Object.entries(body).map(([name, value]) => [name, { value, raw: raws.get(name) ?? '' }]))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new GatewayError('invalidBody', { reason: 'The body must be JSON' })
  }
}

// A string, with the colon that makes it a member's name, or a sign of structure.
const TOKENS = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?|[{}[\],]/g

/** The texts of an object's members, by name. The text must be a valid JSON object. */
function rawMembers(text: string): ReadonlyMap<string, string> {
  const raws = new Map<string, string>()
  let depth = 0
  let open: { readonly name: string; readonly from: number } | undefined
  const closeAt = (end: number): void => {
    if (open !== undefined) raws.set(open.name, text.slice(open.from, end).trim())
    open = undefined
  }
  for (const match of text.matchAll(TOKENS)) {
    const [token, string, colon] = match
    if (string !== undefined) {
      if (colon !== undefined && depth === 1)
        open = { name: String(JSON.parse(string)), from: match.index + token.length }
    } else if (token === '{' || token === '[') depth += 1
    else if (token === ',') {
      if (depth === 1) closeAt(match.index)
    } else {
      depth -= 1
      if (depth === 0) closeAt(match.index)
    }
  }
  return raws
}
