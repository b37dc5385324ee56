import type { AuditFields } from '../../core/audit/chain.ts'
import { eventsIn } from '../../core/audit/refusal-list.ts'

export interface WaitingRecord {
  readonly fields: AuditFields
  /** Somebody waits for it. */
  readonly done?: (error?: Error) => void
}

/** Records that wait to be written, in their order. One that lists many refusals counts for all of them, so that a limit bounds what is held. */
export class WaitingRecords {
  #records: WaitingRecord[] = []
  #events = 0
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get all(): readonly WaitingRecord[] {
    return this.#records
  }

  get hasRoom(): boolean {
    return this.#events < this.#limit
  }

  /** Also beyond the limit. */
  push(one: WaitingRecord): void {
    this.#records.push(one)
    this.#events += eventsIn(one.fields)
  }

  takeFirst(count: number): readonly WaitingRecord[] {
    const taken = this.#records.slice(0, count)
    this.#records = this.#records.slice(count)
    this.#events -= countEvents(taken)
    return taken
  }

  /** Puts others in the place of all. @returns those for which there is no room */
  replace(records: readonly WaitingRecord[]): readonly WaitingRecord[] {
    this.#records = []
    this.#events = 0
    for (const [position, one] of records.entries()) {
      if (!this.hasRoom) return records.slice(position)
      this.push(one)
    }
    return []
  }
}

/** How many events records tell of. */
export function countEvents(records: readonly WaitingRecord[]): number {
  return records.reduce((sum, { fields }) => sum + eventsIn(fields), 0)
}
