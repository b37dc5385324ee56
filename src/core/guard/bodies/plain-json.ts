import { hasDuplicateMember } from '../../strict-json.ts'

/** A text that every JSON parser reads alike, or why it is none. */
export type PlainJson =
  | { readonly kind: 'value'; readonly value: unknown }
  /** Nothing but white space. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'unreadable'; readonly why: string }

// The server's parser gives up beyond 1,000 (XContentContraints of OpenSearch 3.4.0).
const MAX_DEPTH = 1_000

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Parses UTF-8 JSON by RFC 8259 and nothing beyond it. The server also takes comments, a byte order mark, UTF-16 and UTF-32, and reads no
 * further than the first value: whatever is none of the RFC's is unreadable here, so that nothing is read in two ways.
 */
export function parsePlainJson(bytes: Uint8Array): PlainJson {
  // Before anything that takes memory for each level.
  if (isDeeperThan(MAX_DEPTH, bytes)) {
    return { kind: 'unreadable', why: `nests deeper than ${String(MAX_DEPTH)} levels` }
  }
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    return { kind: 'unreadable', why: 'is not UTF-8' }
  }
  if (/^[ \t\r\n]*$/.test(text)) return { kind: 'empty' }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { kind: 'unreadable', why: 'is not plain JSON' }
  }
  if (hasDuplicateMember(text)) return { kind: 'unreadable', why: 'names a member of an object twice' }
  return { kind: 'value', value }
}

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d]

function isDeeperThan(limit: number, bytes: Uint8Array): boolean {
  let depth = 0
  let isInString = false
  for (let position = 0; position < bytes.length; position++) {
    const byte = bytes[position]
    if (isInString) {
      if (byte === BACKSLASH) position++
      else if (byte === QUOTE) isInString = false
    } else if (byte === QUOTE) isInString = true
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      depth++
      if (depth > limit) return true
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth--
  }
  return false
}
