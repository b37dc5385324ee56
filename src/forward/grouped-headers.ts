import { pairsOf } from './headers.ts'
import type { RawHeaders } from './headers.ts'

// What the middleware itself looks for, in lower case: it would add a second one beside another spelling.
const FRAMING = new Set(['content-length', 'transfer-encoding', 'connection', 'host', 'upgrade'])

/** Headers as Node takes them from a middleware: each name once, as it was first spelt, with its values in order. */
export function grouped(headers: RawHeaders): Record<string, string | string[]> {
  const spelling = new Map<string, string>()
  const groups = Object.create(null) as Record<string, string | string[]>
  for (const [name, value] of pairsOf(headers)) {
    const lower = name.toLowerCase()
    const key = spelling.get(lower) ?? (FRAMING.has(lower) ? lower : name)
    spelling.set(lower, key)
    const before = groups[key]
    groups[key] = before === undefined ? value : [before, value].flat()
  }
  return groups
}
