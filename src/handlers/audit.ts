import { createHash, randomUUID } from 'node:crypto'

import type { AuditEvent } from '../core/audit/event.ts'
import { auditFields } from '../core/audit/event.ts'
import { FAILURES, GatewayError } from '../core/failure.ts'
import type { RecordWriter } from '../ops/audit/anonymous-refusals.ts'
import { refusedRemovalOf, requestOf, subjectOf } from './audit-subject.ts'
import type { SubjectParts } from './audit-subject.ts'
import type { Result } from '../wire/answer.ts'
import type { Audit, AuditedEnd, AuditedRequest, AuditSubject, AuditTrail, Intended } from './audit-trail.ts'
import type { HandlerParts } from './exchange.ts'

/** Makes records of requests, and hands them to the writer. */
export function createAudit(writer: RecordWriter, parts: SubjectParts, now = Date.now): Audit {
  return {
    begin(exchange, subject) {
      exchange.isAudited = true
      const event = { ...requestOf(exchange, parts), ...subject, eventId: randomUUID() }
      let intended: Intended | undefined
      const last = (came: AuditedEnd): void => {
        const { type, memoryId, index, rule } = intended ?? {}
        const known = { type: type ?? subject.type, memoryId: memoryId ?? subject.memoryId, index }
        const told = { ...event, ...known, rule: rule ?? came.outcome, ...came, at: now() }
        writer.append(auditFields(intended === undefined ? withoutIntent(told) : { ...told, phase: 'outcome' }))
      }
      return {
        async intend(what) {
          const fields = auditFields({ ...event, ...what, phase: 'intent', result: 'unknown', at: now() })
          try {
            await writer.write(fields)
          } catch (cause) {
            throw new GatewayError('auditUnavailable', { cause, retryAfterSeconds: 1 })
          }
          const { type, memoryId, index, rule } = what
          // Not the ids of many, of which nothing more is told.
          intended = { type, memoryId, index, rule }
        },
        end: last,
        fail: (error) => last(endOfFailure(error)),
      }
    },
    ended(exchange, result) {
      if (exchange.isAudited === true) return
      const subject = subjectOf(exchange, parts) ?? refusedRemovalOf(exchange, parts)
      if (subject === undefined) return
      const came = endOf(result)
      const event = { ...requestOf(exchange, parts), ...subject, eventId: randomUUID(), at: now() }
      const told = withoutIntent({ ...event, rule: came.outcome, ...came })
      const fields = auditFields(exchange.isReplayed === true ? { ...told, phase: 'replay' } : told)
      if (exchange.principal === undefined) writer.appendAnonymous(fields)
      else writer.append(fields)
    },
  }
}

/** Nothing was to be removed: what did not succeed was refused, whatever the reason. */
function withoutIntent(event: Omit<AuditEvent, 'phase'>): AuditEvent {
  return event.result === 'success' ? { ...event, phase: 'outcome' } : { ...event, phase: 'refusal', result: 'failure' }
}

/** The same work, with its records where there is an audit. */
export async function audited<Value>(
  { audit }: Pick<HandlerParts, 'audit'>,
  exchange: AuditedRequest,
  subject: AuditSubject,
  work: (trail: AuditTrail | undefined) => Promise<Value>,
  endOfWork: (value: Value) => AuditedEnd,
): Promise<Value> {
  if (audit === undefined) return work(undefined)
  const trail = audit.begin(exchange, subject)
  try {
    const value = await work(trail)
    trail.end(endOfWork(value))
    return value
  } catch (error) {
    trail.fail(error)
    throw error
  }
}

/** What came of a delete by the record of it. */
export function endOf(result: Result): AuditedEnd {
  switch (result.kind) {
    case 'outcome':
    case 'containerOutcome': {
      const { outcome } = result
      if (!('receipt' in outcome)) return { result: 'failure', outcome: ruleOfRefusal(outcome) }
      const { seqNo, primaryTerm, version, recovered, index } = outcome.receipt
      const isUnassigned = recovered
      return {
        result: 'success',
        outcome: 'deleted',
        index,
        version,
        recovered,
        ...(isUnassigned ? {} : { seqNo, primaryTerm }),
        ...(outcome.kind === 'deleted' ? { type: outcome.type } : {}),
        ...(result.kind === 'outcome' && result.cascaded !== undefined ? { deleted: result.cascaded + 1 } : {}),
      }
    }
    case 'byQueryOutcome': {
      const { outcome } = result
      if (outcome.kind === 'typeDisabled') return { result: 'success', outcome: outcome.kind, deleted: 0 }
      if (outcome.kind !== 'ran') return { result: 'failure', outcome: ruleOfRefusal(outcome) }
      const { total, deleted, versionConflicts, failures, timedOut } = outcome.report
      const isWhole = failures.length === 0 && !timedOut
      const counts = { total, deleted, conflicts: versionConflicts, failures: failures.length }
      return { result: isWhole ? 'success' : 'unknown', outcome: timedOut ? 'timedOut' : 'ran', ...counts }
    }
    case 'bulkOutcome':
      return { result: 'success', outcome: 'ran', deleted: result.outcome.deleted, failures: result.outcome.failed }
    case 'failure':
      return endOfFailure(result.error)
    default:
      return { result: 'failure', outcome: result.kind }
  }
}

function ruleOfRefusal(outcome: { readonly kind: string; readonly by?: string }): string {
  return outcome.by === undefined ? outcome.kind : `${outcome.kind}/${outcome.by}`
}

/** Where the cluster or the gateway failed, an order may be out: nothing is claimed of it, and it is looked at, at the next start. */
function endOfFailure(error: unknown): AuditedEnd {
  const code = error instanceof GatewayError ? error.code : 'internal'
  return { result: FAILURES[code].source === 'caller' ? 'failure' : 'unknown', outcome: code }
}

/** SHA-256 of a query. */
export function hashQuery(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
