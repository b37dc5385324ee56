import type { Revocation } from './revocation.ts'

/** Where a deny list is kept. What cannot be done rejects with an Error whose message says why, in words for the operator. */
export interface RevocationStore {
  /** The whole list; `undefined` where it is the one that was read last. */
  read(): Promise<readonly Revocation[] | undefined>
  /** Keeps an entry for good; twice is as once. */
  add(entry: Revocation): Promise<void>
  /** Takes out entries whose `until` lies before a time. @param before seconds since 1970 */
  removeOver(before: number): Promise<void>
}
