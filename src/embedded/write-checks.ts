import { illegalArgument } from './errors.ts'
import type { WriteCondition } from './documents.ts'

const MAX_ID_BYTES = 512

/** The two halves of a condition; `undefined` for one that is not given, or given as the server's own "unassigned" (-2 and 0). */
export interface ConditionParts {
  readonly seqNo: bigint | undefined
  readonly primaryTerm: bigint | undefined
}

export function seqNoOf(given: bigint | undefined): bigint | undefined {
  if (given === undefined || given === -2n) return undefined
  if (given < 0n) throw illegalArgument(`sequence numbers must be non negative. got [${given}].`)
  return given
}

export function primaryTermOf(given: bigint | undefined): bigint | undefined {
  if (given === undefined || given === 0n) return undefined
  if (given < 0n) throw illegalArgument(`primary term must be non negative. got [${given}]`)
  return given
}

/** Half a condition is none. */
export function conditionComplaints({ seqNo, primaryTerm }: ConditionParts): readonly string[] {
  if (seqNo !== undefined && primaryTerm === undefined) return ['ifSeqNo is set, but primary term is [0]']
  if (seqNo === undefined && primaryTerm !== undefined) {
    return [`ifSeqNo is unassigned, but primary term is [${primaryTerm}]`]
  }
  return []
}

export function conditionOf({ seqNo, primaryTerm }: ConditionParts): WriteCondition | undefined {
  return seqNo === undefined || primaryTerm === undefined ? undefined : { seqNo, primaryTerm }
}

export function versionComplaints(version: bigint | undefined): readonly string[] {
  if (version === undefined) return []
  const remedy = 'Please use `if_seq_no` and `if_primary_term` instead'
  return [`internal versioning can not be used for optimistic concurrency control. ${remedy}`]
}

/** The bound on ids that are written; reads and deletes have none. */
export function idComplaints(id: string): readonly string[] {
  const bytes = Buffer.byteLength(id, 'utf8')
  if (bytes <= MAX_ID_BYTES) return []
  return [`id [${id}] is too long, must be no longer than ${MAX_ID_BYTES} bytes but was: ${bytes}`]
}
