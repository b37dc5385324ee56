import { HeldBytes } from './held-bytes.ts'

const NEWLINE = 0x0a

/** What becomes of the next line: read when it is whole, up to so many bytes, or passed over; `scan` shows its parts meanwhile. */
export type NextLine =
  { readonly kind: 'read'; readonly maxBytes: number } | { readonly kind: 'skip' } | { readonly kind: 'scan' }

export interface LineReader {
  /** What to do with the line that begins now. */
  readonly next: () => NextLine
  /** A line to be read, without its newline. The bytes are good until the call returns. */
  readonly onLine: (line: Uint8Array, number: number) => void
  /** A part of a line that is scanned. The bytes are good until the call returns. */
  readonly onPart?: (part: Uint8Array) => void
  readonly onSkipped: () => void
  readonly onTooLong: (number: number, maxBytes: number) => void
}

/**
 * Cuts a body where the server cuts it: at each byte `\n`, which JSON has in no string, whatever the content. (A carriage return before it
 * belongs to the line, and is white space there.)
 */
export class LineCutter {
  readonly #reader: LineReader
  readonly #held: HeldBytes
  #number = 1
  #next: NextLine
  #isStopped = false

  constructor(reader: LineReader, maxHeldBytes: number) {
    this.#reader = reader
    this.#held = new HeldBytes(maxHeldBytes)
    this.#next = reader.next()
  }

  push(chunk: Uint8Array): void {
    for (let from = 0; from < chunk.length && !this.#isStopped;) {
      const newline = chunk.indexOf(NEWLINE, from)
      if (newline === -1) {
        this.#keep(chunk.subarray(from))
        return
      }
      this.#finish(chunk.subarray(from, newline))
      from = newline + 1
    }
  }

  /** Reads no more: nothing that follows can be told for what it is. */
  stop(): void {
    this.#isStopped = true
    this.#held.take()
  }

  /** A last line without a newline is a line: the server refuses the body for it, and nobody is to depend on that. */
  end(): void {
    if (this.#held.length > 0) this.#finish(new Uint8Array(0))
  }

  #keep(part: Uint8Array): void {
    if (this.#next.kind === 'skip') return
    if (this.#next.kind === 'scan') this.#reader.onPart?.(part)
    else if (this.#held.length + part.length > this.#next.maxBytes || !this.#held.add(part))
      this.#cutShort(this.#next.maxBytes)
  }

  #finish(part: Uint8Array): void {
    if (this.#next.kind !== 'read') {
      if (this.#next.kind === 'scan') this.#reader.onPart?.(part)
      this.#reader.onSkipped()
    } else {
      if (this.#held.length + part.length > this.#next.maxBytes) {
        this.#cutShort(this.#next.maxBytes)
        return
      }
      // Nearly all lines come whole in one chunk: those are read where they are.
      if (this.#held.length > 0) this.#held.add(part)
      this.#reader.onLine(this.#held.length > 0 ? this.#held.take() : part, this.#number)
    }
    if (this.#isStopped) return
    this.#number++
    this.#next = this.#reader.next()
  }

  #cutShort(maxBytes: number): void {
    this.stop()
    this.#reader.onTooLong(this.#number, maxBytes)
  }
}
