import type { ServerResponse } from 'node:http'

import { readRemovalAnswer } from '../core/audit/removal-answer.ts'
import { HeldBytes } from '../core/guard/bodies/held-bytes.ts'
import type { Named } from '../core/guard/named-indices.ts'
import { judgeReach } from '../core/guard/reach.ts'
import { indexOf } from '../core/guard/removal.ts'
import type { Removal, RemovalAction } from '../core/guard/removal.ts'
import type { AnswerWatch } from '../forward/engine.ts'
import type { Audit, AuditedEnd, Intended } from './audit-trail.ts'
import type { Admitted } from './exchange.ts'
import type { Guard } from './guard-settings.ts'
import { openAnswerReader } from './read-answer.ts'

const MAX_RECORDED = 20
/** An answer to one delete has some 200 bytes; that to many lists what failed. */
const MAX_ANSWER_BYTES = 65_536
const NOTHING = new Uint8Array(0)
const MAX_TEXT = 512

/** Sends on a request that may remove what the guard protects, with the records of it: its intent goes before, its outcome is what the cluster answers. */
export async function forwardRemoval(
  audit: Audit,
  guard: Guard,
  exchange: Admitted,
  removal: Removal,
  forward: (watch?: AnswerWatch) => Promise<unknown>,
): Promise<void> {
  const { action, named } = removal
  if (!(await reachesProtected(guard, exchange, named))) {
    await forward()
    return
  }
  const trail = audit.begin(exchange, { action, ...requestLineOf(exchange), indices: worded(named) })
  const index = indexOf(named, guard.policy.protection)
  const held = new HeldBytes(MAX_ANSWER_BYTES)
  let isHeld = true
  const answer = openAnswerReader((bytes) => void (isHeld &&= held.add(bytes)))
  try {
    await trail.intend({ rule: 'opensearch:admin', ...settleable(removal, index) })
    await forward(answer.watch)
    const isRead = (await answer.end()) === undefined && isHeld
    const { isWhole, ...told } = readRemovalAnswer(action, isRead ? held.take() : NOTHING)
    const end = endOfAnswer(action, exchange.response)
    trail.end({ ...end, ...told, result: isWhole ? end.result : 'unknown' })
  } catch (error) {
    trail.fail(error)
    throw error
  }
}

/** Whether it may remove something that is protected; what cannot be told has its record. */
export async function reachesProtected(guard: Guard, { cluster }: Admitted, named: Named): Promise<boolean> {
  const inUse = cluster.indexTables.use(Date.now())
  for (;;) {
    const { outOfReach, reliesOn } = judgeReach(named, inUse.table, guard.policy.protection)
    const isEnough = await Promise.resolve(inUse.isEnough(reliesOn)).catch(() => undefined)
    if (isEnough !== false) return isEnough === undefined || outOfReach !== undefined
  }
}

/** What the next start can look for, should there be no outcome; of an alias the record has the name, too. */
function settleable({ action, id, routing }: Removal, index: string | undefined): Partial<Intended> {
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

/** What came of it, as far as the head of the cluster's answer tells. */
export function endOfAnswer(action: RemovalAction, { headersSent, statusCode: status }: ServerResponse): AuditedEnd {
  // Its caller left, or the connection to the node broke: the order may be out.
  if (!headersSent) return { result: 'unknown', outcome: 'unanswered' }
  // What an answer to many says of single documents is the caller's to read.
  if (status < 300)
    return { result: 'success', outcome: action === 'delete-documents' ? 'answered' : 'deleted', status }
  return { result: status < 500 ? 'failure' : 'unknown', outcome: 'answered', status }
}
