import type { Finding } from './finding.ts'

// As many as a body may name before it is asked about some of them again.
const MAX_REMEMBERED = 1_000

/** A pattern is compared with every index that there is: more of them than this are nobody's, and would keep the gateway busy. */
const MAX_PATTERNS = 1_000

/** Reports each index once, where it is named first: a body names the same one over and over. */
export class FirstNamings {
  readonly #seen = new Set<string>()
  #isUnnamedSeen = false
  #patterns = 0

  named(indices: readonly string[], line: number | undefined): readonly Finding[] {
    const key = indices.length === 1 ? `1${indices[0] ?? ''}` : JSON.stringify(indices)
    if (this.#seen.has(key)) return []
    if (this.#seen.size >= MAX_REMEMBERED) this.#seen.clear()
    this.#seen.add(key)
    if (key.includes('*')) this.#patterns += key.split('*').length - 1
    if (this.#patterns > MAX_PATTERNS)
      return [{ kind: 'hidden', line, what: 'more patterns of indices than are looked up' }]
    return [{ kind: 'names', line, indices }]
  }

  unnamed(line: number | undefined): readonly Finding[] {
    if (this.#isUnnamedSeen) return []
    this.#isUnnamedSeen = true
    return [{ kind: 'unnamed', line }]
  }
}
