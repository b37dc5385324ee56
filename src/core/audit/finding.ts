/** A line of a file, from 1. */
export interface Place {
  readonly file: string
  readonly line: number
}

/**
 * What is wrong with an audit.
 * `changed`: a record is not the one that was written. `missing`: records between others, or before all of them, are not there. `reordered`: a record
 * stands before an earlier one. `repeated`: a record stands there twice. `cutOff`: the end of a chain is not there. `added`: records after the end that
 * the next start saw. `forked`: two starts go on from the same one. `badSignature`: a signature of no known key, or of another record.
 * `unsigned`: records that no signature vouches for.
 */
export type FindingKind =
  'changed' | 'missing' | 'reordered' | 'repeated' | 'cutOff' | 'added' | 'forked' | 'badSignature' | 'unsigned'

export interface AuditFinding extends Place {
  readonly kind: FindingKind
  /** The chain, by the start of the gateway that wrote it. */
  readonly start: string
  /** The record's place in its chain; of several the first. */
  readonly sequence: number
  readonly message: string
}
