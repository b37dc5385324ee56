/** Which of many, by their positions from 0: a bit for each, so that a body of millions of lines costs no more than a part of it. */
export class Marks {
  #bits = new Uint8Array(64)

  add(position: number): void {
    const at = position >>> 3
    if (at >= this.#bits.length) {
      const larger = new Uint8Array(Math.max(at + 1, 2 * this.#bits.length))
      larger.set(this.#bits)
      this.#bits = larger
    }
    this.#bits[at] = (this.#bits[at] ?? 0) | (1 << (position & 7))
  }

  has(position: number): boolean {
    return ((this.#bits[position >>> 3] ?? 0) & (1 << (position & 7))) !== 0
  }
}
