/** Adds up the time in which something is under way: of several at once each moment counts once. Milliseconds. */
export class Stopwatch {
  readonly #now: () => number
  #underWay = 0
  #since = 0
  #total = 0

  constructor(now: () => number) {
    this.#now = now
  }

  begin(): void {
    if (this.#underWay === 0) this.#since = this.#now()
    this.#underWay += 1
  }

  end(): void {
    this.#underWay -= 1
    if (this.#underWay === 0) this.#total += this.#now() - this.#since
  }

  async during<Value>(work: () => Promise<Value>): Promise<Value> {
    this.begin()
    try {
      return await work()
    } finally {
      this.end()
    }
  }

  /** Up to now. */
  get total(): number {
    return this.#total + (this.#underWay > 0 ? this.#now() - this.#since : 0)
  }
}
