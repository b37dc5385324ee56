import type { ErasureRecord } from './record.ts'

/** What a receipt for an erasure says: whose memories, where they were, how many, and that none were found afterwards. */
export function statementOfErasure(record: ErasureRecord, verifiedAt: string): Readonly<Record<string, unknown>> {
  const { id, subject, issuer, person, hash, deleted, containers, indices, appliedAt, parts } = record
  return {
    action: 'erase-person',
    erasure_id: id,
    subject,
    ...(issuer === undefined ? {} : { subject_issuer: issuer }),
    ...(Object.keys(person.namespace).length === 0 ? {} : { namespace: person.namespace }),
    plan: hash,
    applied_at: appliedAt,
    verified_at: verifiedAt,
    searched: { containers, indices },
    deleted,
    left: 0,
    parts: parts.map((part) => ({
      cluster: part.cluster,
      container_id: part.container,
      type: part.type,
      index: part.index,
      deleted: part.deleted,
    })),
  }
}
