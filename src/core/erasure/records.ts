import type { Long } from '../look.ts'
import type { ErasureRecord } from './record.ts'

/** A record as it was read or written: only this version of it can be replaced. */
export interface HeldRecord {
  readonly record: ErasureRecord
  readonly seqNo: Long
  readonly primaryTerm: Long
}

/** One that does not fit what this gateway knows of erasures: it is left alone. */
export interface UnreadableRecord {
  readonly id: string
  readonly reason: string
}

export interface ListedRecords {
  readonly held: readonly HeldRecord[]
  readonly unreadable: readonly UnreadableRecord[]
}

/** Where erasures are kept. All throw GatewayError where they cannot be asked, or not in time. */
export interface ErasureRecords {
  create(record: ErasureRecord): Promise<HeldRecord>
  read(id: string): Promise<HeldRecord | undefined>
  /** @returns `undefined` where another has written it since */
  replace(held: HeldRecord, record: ErasureRecord): Promise<HeldRecord | undefined>
  /** Newest first, 100 at most. */
  list(): Promise<ListedRecords>
}

export const MAX_LISTED = 100

/** For one process, while it runs. */
export function recordsInMemory(): ErasureRecords {
  const held = new Map<string, HeldRecord>()
  const put = (record: ErasureRecord, seqNo: number): HeldRecord => {
    const one = { record, seqNo, primaryTerm: 1 }
    held.set(record.id, one)
    return one
  }
  return {
    create: (record) => Promise.resolve(put(record, 0)),
    read: (id) => Promise.resolve(held.get(id)),
    replace: ({ seqNo }, record) =>
      Promise.resolve(held.get(record.id)?.seqNo === seqNo ? put(record, Number(seqNo) + 1) : undefined),
    list: () => Promise.resolve({ held: [...held.values()].reverse().slice(0, MAX_LISTED), unreadable: [] }),
  }
}
