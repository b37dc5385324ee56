/** Where in the patterns the reading of a dotted path stands; empty means that no pattern can match any more. */
export type PatternState = readonly (readonly [pattern: number, position: number])[]

/**
 * Simple patterns (`*` stands for anything, dots included) over dotted paths, read character by character so that it is known at every object
 * whether something below it can still match. A pattern also matches everything below what it names.
 */
export class PathPatterns {
  readonly #patterns: readonly string[]
  readonly start: PatternState

  constructor(patterns: readonly string[]) {
    this.#patterns = patterns
    this.start = this.#closure(patterns.map((_, pattern) => [pattern, 0] as const))
  }

  step(state: PatternState, text: string): PatternState {
    let current = state
    for (const char of text) {
      if (current.length === 0) break
      current = this.#closure(current.flatMap(([pattern, position]) => this.#after(pattern, position, char)))
    }
    return current
  }

  accepts(state: PatternState): boolean {
    return state.some(([pattern, position]) => position >= this.#lengthOf(pattern))
  }

  // One position past the end stands for "below what the pattern names".
  #after(pattern: number, position: number, char: string): [number, number][] {
    const length = this.#lengthOf(pattern)
    if (position > length) return [[pattern, position]]
    if (position === length) return char === '.' ? [[pattern, length + 1]] : []
    const expected = this.#patterns[pattern]?.charAt(position)
    if (expected === '*') return [[pattern, position]]
    return expected === char ? [[pattern, position + 1]] : []
  }

  #closure(state: PatternState): PatternState {
    const reached = new Map<string, readonly [number, number]>()
    const pending = [...state]
    for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
      const key = entry.join()
      if (reached.has(key)) continue
      reached.set(key, entry)
      const [pattern, position] = entry
      if (this.#patterns[pattern]?.charAt(position) === '*') pending.push([pattern, position + 1])
    }
    return [...reached.values()]
  }

  #lengthOf(pattern: number): number {
    return this.#patterns[pattern]?.length ?? 0
  }
}

/** Matches every path. */
export const EVERYTHING = new PathPatterns(['*'])
