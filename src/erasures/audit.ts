import { auditFields } from '../core/audit/event.ts'
import type { AuditEvent } from '../core/audit/event.ts'
import type { ErasureRecord } from '../core/erasure/record.ts'
import { FAILURES, GatewayError } from '../core/failure.ts'
import type { ErasureSurroundings } from './surroundings.ts'

/** What the audit has of erasures. */
export interface ErasureAudit {
  /** @throws GatewayError auditUnavailable where it cannot be written */
  intended(record: ErasureRecord): Promise<void>
  refused(record: ErasureRecord, outcome: string): void
  ended(record: ErasureRecord): void
}

export function createErasureAudit(audit: ErasureSurroundings['audit']): ErasureAudit {
  return {
    async intended(record) {
      if (audit === undefined) return
      try {
        await audit.write(auditFields({ ...eventOf(record), phase: 'intent', result: 'unknown' }))
      } catch (cause) {
        throw new GatewayError('auditUnavailable', { reason: FAILURES.auditUnavailable.reason, cause })
      }
    },
    refused: (record, outcome) =>
      audit?.append(auditFields({ ...eventOf(record), phase: 'refusal', result: 'failure', outcome })),
    ended(record) {
      const { state: outcome, deleted } = record
      const result = outcome === 'done' ? 'success' : 'failure'
      audit?.append(auditFields({ ...eventOf(record), phase: 'outcome', result, outcome, deleted }))
    },
  }
}

function eventOf({ id, person, subject, issuer, total, hash }: ErasureRecord): Omit<AuditEvent, 'phase' | 'result'> {
  return {
    at: Date.now(),
    eventId: id,
    requestId: id,
    action: 'erase-person',
    targetSubject: subject,
    targetIssuer: issuer,
    rule: Object.keys(person.namespace).length === 0 ? 'owner' : 'owner/namespace',
    planHash: hash,
    total,
  }
}
