import type { ServerResponse } from 'node:http'

import type { Named } from '../core/guard/named-indices.ts'
import { judgeReach } from '../core/guard/reach.ts'
import { indexOf } from '../core/guard/removal.ts'
import type { Removal } from '../core/guard/removal.ts'
import type { Audit, AuditedEnd, AuditTrail, Intended } from './audit-trail.ts'
import type { Admitted } from './exchange.ts'
import type { BulkWatch } from './forward-inspected.ts'
import type { Guard } from './guard-settings.ts'

/** As many names as are kept of a body. */
const MAX_NAMES = 1_000
const MAX_RECORDED = 20
const MAX_TEXT = 512

type Forward = (watch: BulkWatch | undefined) => Promise<unknown>

/** Sends on a request that may remove what the guard protects, with the records of it: its intent goes before, its outcome is what the cluster answers. */
export async function forwardRemoval(
  audit: Audit,
  guard: Guard,
  exchange: Admitted,
  removal: Removal,
  forward: Forward,
): Promise<void> {
  let trail: AuditTrail | undefined
  const intend = async (named: Named, what: Partial<Intended> = {}): Promise<void> => {
    if (!(await reachesProtected(guard, exchange, named))) return
    trail = audit.begin(exchange, { action: removal.action, ...requestLineOf(exchange), indices: worded(named) })
    const index = removal.isBulk ? undefined : indexOf(named, guard.policy.protection)
    await trail.intend({
      rule: 'opensearch:admin',
      ...what,
      ...(index === undefined ? {} : settleable(removal, index)),
    })
  }
  try {
    if (!removal.isBulk) await intend(removal.named)
    await forward(removal.isBulk ? watchBulk(removal.named, intend) : undefined)
    trail?.end(endOf(removal, exchange.response))
  } catch (error) {
    trail?.fail(error)
    throw error
  }
}

/** Counts what a body removes, and has it recorded before its last part goes out: the server runs a bulk only when it is whole. */
function watchBulk(inTarget: Named, intend: (named: Named, what?: Partial<Intended>) => Promise<void>): BulkWatch {
  const names = new Set<string>()
  let total = 0
  let isUnclear = false
  return {
    onDelete(index) {
      total += 1
      if (index !== undefined && names.size < MAX_NAMES) names.add(index)
      else if (index !== undefined ? !names.has(index) : inTarget.kind !== 'list') isUnclear = true
      else if (inTarget.kind === 'list') inTarget.expressions.forEach((one) => names.add(one))
    },
    onUnread: () => (isUnclear = true),
    beforeEnd: () => {
      if (isUnclear) return intend({ kind: 'all', byAbsence: true })
      return total === 0 ? undefined : intend({ kind: 'list', expressions: [...names] }, { total })
    },
  }
}

async function reachesProtected(guard: Guard, { cluster }: Admitted, named: Named): Promise<boolean> {
  const inUse = cluster.indexTables.use(Date.now())
  for (;;) {
    const { outOfReach, reliesOn } = judgeReach(named, inUse.table, guard.policy.protection)
    // What cannot be told has its record.
    const isEnough = await Promise.resolve(inUse.isEnough(reliesOn)).catch(() => undefined)
    if (isEnough !== false) return isEnough === undefined || outOfReach !== undefined
  }
}

/** What the next start can look for, should there be no outcome. */
function settleable({ action, id, routing }: Removal, index: string): Partial<Intended> {
  if (action === 'delete-index') return { index }
  if (id === undefined) return {}
  return routing === undefined ? { index, memoryId: id } : { index, memoryIds: [id], routings: [routing] }
}

/** Without the query, in which a search may stand. */
export function requestLineOf({ method, uri }: Pick<Admitted, 'method' | 'uri'>) {
  return { method, path: (/^[^?#;]*/.exec(uri)?.[0] ?? '').slice(0, MAX_TEXT) }
}

/** The indices as they were named. */
export function worded(named: Named): readonly string[] | undefined {
  if (named.kind === 'none') return undefined
  if (named.kind === 'all') return ['_all']
  return named.expressions.slice(0, MAX_RECORDED).map((one) => one.slice(0, MAX_TEXT))
}

function endOf({ action }: Removal, { headersSent, statusCode: status }: ServerResponse): AuditedEnd {
  // Its caller left, or the connection to the node broke: the order may be out.
  if (!headersSent) return { result: 'unknown', outcome: 'unanswered' }
  // What an answer to many says of single documents is the caller's to read.
  if (status < 300)
    return { result: 'success', outcome: action === 'delete-documents' ? 'answered' : 'deleted', status }
  return { result: status < 500 ? 'failure' : 'unknown', outcome: 'answered', status }
}
