import type { ServerResponse } from 'node:http'

import { readRemovalAnswer } from '../core/audit/removal-answer.ts'
import { HeldBytes } from '../core/guard/bodies/held-bytes.ts'
import type { Named } from '../core/guard/named-indices.ts'
import { judgeReach } from '../core/guard/reach.ts'
import { indexOf, isNamedInBody } from '../core/guard/removal.ts'
import type { Removal, RemovalAction } from '../core/guard/removal.ts'
import { hasBody } from '../forward/engine.ts'
import type { Audit, AuditedEnd, AuditTrail, Intended } from './audit-trail.ts'
import type { Admitted } from './exchange.ts'
import type { Guard } from './guard-settings.ts'
import type { Watches } from './forward-inspected.ts'
import { openAnswerReader } from './read-answer.ts'
import { openRemovalBody } from './read-removal-body.ts'

const MAX_RECORDED = 20
/** An answer to one delete has some 200 bytes; that to many lists what failed. */
const MAX_ANSWER_BYTES = 65_536
const NOTHING = new Uint8Array(0)
const MAX_TEXT = 512

/**
 * Sends on a request that may remove what the guard protects, with the records of it: its intent goes before, and where its body tells what is removed, before
 * the last part of that; its outcome is what the cluster answers.
 */
export async function forwardRemoval(
  audit: Audit,
  guard: Guard,
  exchange: Admitted,
  removal: Removal,
  forward: (watches?: Watches) => Promise<unknown>,
): Promise<void> {
  const { action, inBody } = removal
  // What a path names needs no look at the body where it is not protected.
  if (!isNamedInBody(removal) && !(await reachesProtected(guard, exchange, removal.named))) {
    await forward()
    return
  }
  const body =
    inBody === undefined || inBody === 'lines' ? undefined : openRemovalBody(inBody, guard.bodies.searchBytes)
  const answer = openHeldAnswer()
  const records: { trail?: AuditTrail } = {}
  const intend = async (): Promise<void> => {
    const told = body === undefined ? {} : body.told()
    // Where nothing is removed it needs no record, whatever comes of it.
    exchange.isAudited = true
    if (told === undefined) return
    const { named = removal.named } = told
    if (told.named !== undefined && !(await reachesProtected(guard, exchange, named))) return
    const subject = { action, ...requestLineOf(exchange), indices: worded(named), queryHash: told.queryHash }
    const index = indexOf(named, guard.policy.protection)
    records.trail = audit.begin(exchange, subject)
    await records.trail.intend({ rule: 'opensearch:admin', ...settleable(removal, index) })
  }
  const isRead = body !== undefined && hasBody(exchange.request)
  try {
    if (!isRead) await intend()
    await forward({ answer: answer.watch, body: isRead ? { ...body, beforeEnd: intend } : undefined })
    const { isWhole, ...told } = readRemovalAnswer(action, await answer.bytes())
    const end = endOfAnswer(action, exchange.response)
    // It was over before its body was whole, without which the server runs nothing.
    if (exchange.isAudited !== true) {
      const subject = { action, ...requestLineOf(exchange), indices: worded(removal.named) }
      audit.begin(exchange, subject).end({ ...end, result: 'failure' })
    }
    records.trail?.end({ ...end, ...told, result: isWhole ? end.result : 'unknown' })
  } catch (error) {
    records.trail?.fail(error)
    throw error
  }
}

/** An answer as far as it can be read, and is short. */
function openHeldAnswer() {
  const held = new HeldBytes(MAX_ANSWER_BYTES)
  let isHeld = true
  const reader = openAnswerReader((bytes) => void (isHeld &&= held.add(bytes)))
  const bytes = async (): Promise<Uint8Array> => ((await reader.end()) === undefined && isHeld ? held.take() : NOTHING)
  return { watch: reader.watch, bytes }
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

const TOLD_BY_STATUS: ReadonlySet<RemovalAction> = new Set(['delete-document', 'delete-index'])

/** What came of it, as far as the head of the cluster's answer tells. */
export function endOfAnswer(action: RemovalAction, { headersSent, statusCode: status }: ServerResponse): AuditedEnd {
  // Its caller left, or the connection to the node broke: the order may be out.
  if (!headersSent) return { result: 'unknown', outcome: 'unanswered' }
  // What an answer to many says of single documents is the caller's to read.
  if (status < 300) return { result: 'success', outcome: TOLD_BY_STATUS.has(action) ? 'deleted' : 'answered', status }
  return { result: status < 500 ? 'failure' : 'unknown', outcome: 'answered', status }
}
