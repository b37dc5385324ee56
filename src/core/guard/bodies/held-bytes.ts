/** Bytes that came in parts, put together; never more than a limit. */
export class HeldBytes {
  #bytes = new Uint8Array(0)
  #length = 0
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get length(): number {
    return this.#length
  }

  /** Copies the part, and so keeps no chunk of a socket alive. `false`, and nothing done, where the limit would be passed. */
  add(part: Uint8Array): boolean {
    const length = this.#length + part.length
    if (length > this.#limit) return false
    if (length > this.#bytes.length) {
      // Doubled, so that a body that comes byte by byte is not copied once for each.
      const larger = new Uint8Array(Math.min(this.#limit, Math.max(length, this.#bytes.length * 2, 1_024)))
      larger.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = larger
    }
    this.#bytes.set(part, this.#length)
    this.#length = length
    return true
  }

  /** What was held, which is good until something is added again. */
  take(): Uint8Array {
    const held = this.#bytes.subarray(0, this.#length)
    this.#length = 0
    return held
  }
}
