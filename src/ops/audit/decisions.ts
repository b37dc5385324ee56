import type { AuditFields } from '../../core/audit/chain.ts'
import { failed } from '../route.ts'
import type { OpsRoute } from '../route.ts'

/** What the audit says of one delete by now; no memory's text is in any record. */
export interface Decision {
  readonly at: string
  /** Of its last record: `intent` while it is under way. */
  readonly phase: string
  readonly action: string
  readonly result: string
  readonly outcome?: string
  readonly rule?: string
  readonly subject?: string
  readonly issuer?: string
  readonly clientIp?: string
  readonly requestId?: string
  readonly cluster?: string
  readonly containerId?: string
  readonly type?: string
  readonly memoryId?: string
  readonly index?: string
  readonly deleted?: number
}

export interface Decisions {
  add(record: AuditFields): void
  /** The newest first. */
  list(): readonly Decision[]
}

/** Keeps the last deletes that the audit has recorded, each with its last record. Nothing is made of them until somebody looks. */
export function keepDecisions(limit = 50): Decisions {
  // A delete has two records at most. In a ring, and not in a `Map`: `InFlight` says what tables cost whose members come and go.
  const size = 2 * limit
  const records: AuditFields[] = []
  let next = 0
  return {
    add(record) {
      // Records about the chain itself have none.
      if (record['event.id'] === undefined) return
      // The lines of a bulk may be many, and are not shown.
      records[next] = record['memory.items'] === undefined ? record : { ...record, 'memory.items': undefined }
      next = (next + 1) % size
    },
    list() {
      const newestFirst = [...records.slice(next), ...records.slice(0, next)].reverse()
      const last = new Map<unknown, AuditFields>()
      for (const record of newestFirst) if (!last.has(record['event.id'])) last.set(record['event.id'], record)
      return [...last.values()].slice(0, limit).map(decisionOf)
    },
  }
}

/** `GET /decisions`. */
export function decisionsRoute(decisions: Pick<Decisions, 'list'> | undefined): OpsRoute {
  return {
    method: 'GET',
    path: '/decisions',
    answer: () =>
      decisions === undefined
        ? failed(404, 'The audit is off: set audit.sink')
        : { status: 200, body: { decisions: decisions.list() } },
  }
}

const OPTIONAL = {
  outcome: 'memory.outcome',
  rule: 'rule.name',
  subject: 'user.id',
  issuer: 'user.domain',
  clientIp: 'client.ip',
  requestId: 'http.request.id',
  cluster: 'memory.cluster',
  containerId: 'memory.container_id',
  type: 'memory.type',
  memoryId: 'memory.id',
  index: 'memory.index',
  deleted: 'memory.deleted',
} as const

function decisionOf(record: AuditFields): Decision {
  const given = Object.entries(OPTIONAL).flatMap(([name, field]) =>
    record[field] === undefined ? [] : [[name, record[field]] as const],
  )
  return {
    at: String(record['@timestamp']),
    phase: String(record['memory.phase']),
    action: String(record['event.action']),
    result: String(record['event.outcome']),
    ...(Object.fromEntries(given) as Partial<Decision>),
  }
}
