import type { RemovalAction } from '../guard/removal.ts'
import type { Long } from '../look.ts'
import type { AuditFields } from './chain.ts'

/**
 * Which step of a delete a record tells: what was decided before anything is removed, what came of it, a request that was refused before anything was to be
 * removed, an answer that was given once more, or what was found at the next start of an intent without an outcome.
 */
export type Phase = 'intent' | 'outcome' | 'refusal' | 'replay' | 'settled'

export type AuditAction =
  | 'delete-memory'
  | 'delete-memories'
  | 'delete-session'
  | 'delete-by-query'
  | 'delete-container'
  | 'execute-retention'
  | 'erase-person'
  /** What was passed through to the cluster. */
  | RemovalAction

/** One line of a `_bulk` that deletes: as it was sent (intent), or as the cluster answered it (outcome). */
export interface AuditItem {
  readonly index?: string | undefined
  /** In place of it an alias, or what else was named where it is not the index itself. */
  readonly named?: string | undefined
  readonly id?: string | undefined
  readonly routing?: string | undefined
  /** An update, whose script may delete. */
  readonly script?: boolean | undefined
  readonly status?: number | undefined
  /** `deleted`, `not_found`, `updated` or `noop` of a script that did not, or the type of the cluster's error. */
  readonly result?: string | undefined
  readonly seqNo?: Long | undefined
  readonly primaryTerm?: Long | undefined
  readonly version?: Long | undefined
}

/** What one record says. No memory's text, no token, no query: of a query its hash. */
export interface AuditEvent {
  readonly phase: Phase
  /** Milliseconds since 1970. */
  readonly at: number
  /** The same for every record of one delete. */
  readonly eventId: string
  readonly action: AuditAction
  readonly result: 'success' | 'failure' | 'unknown'
  readonly requestId: string
  readonly issuer?: string | undefined
  readonly subject?: string | undefined
  /** Whose memories were to be erased, by an operator who has no name here. */
  readonly targetSubject?: string | undefined
  readonly targetIssuer?: string | undefined
  /** Of the plan by which they were. */
  readonly planHash?: string | undefined
  readonly clientIp?: string | undefined
  readonly cluster?: string | undefined
  readonly containerId?: string | undefined
  readonly type?: string | undefined
  readonly memoryId?: string | undefined
  /** Of a page that a query found. */
  readonly memoryIds?: readonly string[] | undefined
  /** Of those ids, where a document of them has one. */
  readonly routings?: readonly (string | null)[] | undefined
  readonly index?: string | undefined
  /** Of a bulk that was passed through: of its lines those that delete what is protected. */
  readonly items?: readonly AuditItem[] | undefined
  /** As a request that was passed through named them: patterns and aliases too. */
  readonly indices?: readonly string[] | undefined
  /** Of such a request, as it came, without its query. */
  readonly method?: string | undefined
  readonly path?: string | undefined
  /** What the cluster answered it. */
  readonly status?: number | undefined
  /** `deleted`, or why not: a decision or the code of a failure. */
  readonly outcome?: string | undefined
  /** By which rule it was allowed, or refused. */
  readonly rule?: string | undefined
  readonly seqNo?: Long | undefined
  readonly primaryTerm?: Long | undefined
  readonly version?: Long | undefined
  readonly recovered?: boolean | undefined
  /** SHA-256 of a query as it was sent, base64url. */
  readonly queryHash?: string | undefined
  readonly dryRun?: boolean | undefined
  readonly total?: number | undefined
  readonly deleted?: number | undefined
  readonly conflicts?: number | undefined
  readonly failures?: number | undefined
}

const TYPES: Readonly<Record<Phase, readonly string[]>> = {
  intent: ['deletion', 'start'],
  outcome: ['deletion', 'end'],
  refusal: ['deletion', 'denied'],
  replay: ['deletion', 'info'],
  settled: ['deletion', 'end'],
}

/**
 * The fields of a record.
 * @see https://www.elastic.co/guide/en/ecs/current/ecs-event.html for the names outside `memory.`
 */
export function auditFields(event: AuditEvent): AuditFields {
  return {
    '@timestamp': new Date(event.at).toISOString(),
    'event.kind': 'event',
    'event.category': ['database'],
    'event.type': TYPES[event.phase],
    'event.action': event.action,
    'event.outcome': event.result,
    'event.id': event.eventId,
    'user.id': event.subject,
    'user.domain': event.issuer,
    'user.target.id': event.targetSubject,
    'user.target.domain': event.targetIssuer,
    'client.ip': event.clientIp,
    'http.request.id': event.requestId,
    'http.request.method': event.method,
    'url.path': event.path,
    'http.response.status_code': event.status,
    'rule.name': event.rule,
    'memory.phase': event.phase,
    'memory.cluster': event.cluster,
    'memory.container_id': event.containerId,
    'memory.type': event.type,
    'memory.id': event.memoryId,
    'memory.ids': event.memoryIds,
    'memory.routings': event.routings,
    'memory.index': event.index,
    'memory.indices': event.indices,
    'memory.items': event.items?.map(itemFields),
    'memory.outcome': event.outcome,
    'memory.seq_no': plain(event.seqNo),
    'memory.primary_term': plain(event.primaryTerm),
    'memory.version': plain(event.version),
    'memory.recovered': event.recovered,
    'memory.query_hash': event.queryHash,
    'memory.plan_hash': event.planHash,
    'memory.dry_run': event.dryRun,
    'memory.total': event.total,
    'memory.deleted': event.deleted,
    'memory.conflicts': event.conflicts,
    'memory.failures': event.failures,
  }
}

function itemFields({ seqNo, primaryTerm, version, ...item }: AuditItem): AuditFields {
  return { ...item, seq_no: plain(seqNo), primary_term: plain(primaryTerm), version: plain(version) }
}

/** JSON has no way to say a bigint; a text that holds a whole number is taken for one by a `long` field. */
function plain(long: Long | undefined): number | string | undefined {
  return typeof long === 'bigint' ? String(long) : long
}
