import type { IncomingMessage } from 'node:http'

import type { IndexTables } from '../cluster/index-table.ts'
import type { AuditEvent } from '../core/audit/event.ts'
import type { Refusal } from '../core/guard/decision.ts'
import type { Principal } from '../core/principal.ts'
import type { Route } from '../core/route.ts'
import type { Target } from '../core/target.ts'
import type { Result } from '../wire/answer.ts'

/** What the audit needs of a request. */
export interface AuditedRequest {
  readonly request: IncomingMessage
  readonly method: string
  readonly uri: string
  readonly target?: Target
  readonly requestId: string
  readonly route?: Route
  readonly principal?: Principal
  readonly cluster?: { readonly name: string; readonly indexTables: IndexTables }
  readonly isReplayed?: boolean
  readonly guarded?: { readonly refusedBy?: Refusal['cause'] }
  /** It has records of its own. */
  isAudited?: boolean
}

/** What a delete is about. */
export type AuditSubject = Pick<
  AuditEvent,
  'action' | 'containerId' | 'type' | 'memoryId' | 'queryHash' | 'dryRun' | 'indices' | 'items' | 'method' | 'path'
>

/** What is about to be removed, and by which rule. */
export type Intended = Pick<
  AuditEvent,
  | 'type'
  | 'memoryId'
  | 'memoryIds'
  | 'routings'
  | 'index'
  | 'items'
  | 'rule'
  | 'seqNo'
  | 'primaryTerm'
  | 'version'
  | 'total'
>

/** What came of a delete. */
export type AuditedEnd = Pick<AuditEvent, 'result'> &
  Partial<
    Pick<
      AuditEvent,
      | 'outcome'
      | 'status'
      | 'type'
      | 'index'
      | 'items'
      | 'seqNo'
      | 'primaryTerm'
      | 'version'
      | 'recovered'
      | 'total'
      | 'deleted'
      | 'conflicts'
      | 'failures'
    >
  >

/** The records of one delete. */
export interface AuditTrail {
  /**
   * Comes before anything is removed.
   * @throws GatewayError auditUnavailable, where the audit is required and the record is not where it must be
   */
  intend(what: Intended): Promise<void>
  end(came: AuditedEnd): void
  fail(error: unknown): void
}

/** Who deleted what, when, on whose word. */
export interface Audit {
  begin(exchange: AuditedRequest, subject: AuditSubject): AuditTrail
  /** A request for a delete that has come to its end without a trail: it was refused, or its answer was given once more. */
  ended(exchange: AuditedRequest, result: Result): void
}
