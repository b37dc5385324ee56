import { hash } from 'node:crypto'
import type { ServerResponse } from 'node:http'

import { countItems, haveEffect, readDeletedItem } from '../core/audit/bulk-item.ts'
import type { AuditItem } from '../core/audit/event.ts'
import { cutItems } from '../core/audit/cut-items.ts'
import { Marks } from '../core/audit/marks.ts'
import type { AnswerWatch } from '../forward/engine.ts'
import type { AuditedEnd, AuditTrail } from './audit-trail.ts'
import { endOfAnswer } from './audited-removal.ts'
import { openAnswerReader } from './read-answer.ts'
import type { Unread } from './read-answer.ts'

/** An item is some 200 bytes; the trace of an error may make it longer. */
const MAX_ITEM_BYTES = 65_536

/** Lines that share an intent, until each has its answer. What they delete is in the record of it, and not held here. */
interface Part {
  readonly trail: AuditTrail
  readonly lines: number
  readonly hashOfIds: string
  readonly answered: (AuditItem | undefined)[]
}

/** A line, at its place among all that the answer has an item for. */
export interface ExpectedLine {
  readonly position: number
  readonly id: string | undefined
}

/** The outcomes of lines whose intents are written. */
export interface BulkOutcomes {
  /** @param lines none where nobody could read them */
  readonly expect: (trail: AuditTrail, lines: readonly ExpectedLine[]) => void
  readonly watch: AnswerWatch
  /** The answer is over: what it did not say of a line is unknown. @param isSent whether the cluster had all of the request */
  end(response: ServerResponse, isSent: boolean): Promise<void>
  /** There is none. */
  endAll(end: (trail: AuditTrail) => void): void
}

export function openBulkOutcomes(): BulkOutcomes {
  const marks = new Marks()
  const parts: Part[] = []
  let items = 0
  const cutter = cutItems(MAX_ITEM_BYTES, (bytes) => {
    const isExpected = marks.has(items++)
    const [part] = parts
    if (!isExpected || part === undefined) return
    part.answered.push(bytes && readDeletedItem(bytes))
    if (part.answered.length < part.lines) return
    parts.shift()
    part.trail.end(endOfPart(part))
  })
  const answer = openAnswerReader((bytes) => cutter.push(bytes))
  return {
    expect(trail, lines) {
      for (const { position } of lines) marks.add(position)
      parts.push({ trail, lines: lines.length, hashOfIds: hashIds(lines), answered: [] })
    },
    watch: {
      begun: (status, headers) => (parts.length > 0 ? answer.watch.begun(status, headers) : undefined),
      take: answer.watch.take,
      ended: answer.watch.ended,
    },
    async end(response, isSent) {
      if (parts.length === 0) return
      const unread = (await answer.end()) ?? (cutter.isWhole() ? undefined : 'answerUnreadable')
      for (const part of parts.splice(0)) part.trail.end(endWithout(part, response, isSent, unread))
    },
    endAll(end) {
      for (const { trail } of parts.splice(0)) end(trail)
    },
  }
}

/** `filter_path` may leave out items, and so move others to their places. */
function hashIds(lines: readonly ({ readonly id?: string | undefined } | undefined)[]): string {
  return hash('sha256', JSON.stringify(lines.map((line) => line?.id ?? null)), 'base64url')
}

function endOfPart({ answered, hashOfIds }: Part): AuditedEnd {
  const items = answered.filter((item) => item !== undefined)
  if (hashIds(answered) !== hashOfIds) return { result: 'unknown', outcome: 'answerPartial', status: 200 }
  const counts = countItems(items)
  // A shard that failed may have done it.
  const isKnown = items.every(({ status = 500 }) => status < 500)
  const result = haveEffect(items) ? 'success' : 'failure'
  return { result: isKnown ? result : 'unknown', outcome: 'ran', status: 200, items, ...counts }
}

/** Of lines of which the answer did not tell. */
function endWithout(
  { lines, answered }: Part,
  response: ServerResponse,
  isSent: boolean,
  unread: Unread | undefined,
): AuditedEnd {
  const { headersSent, statusCode: status } = response
  // The server runs a bulk only when it has all of it.
  if (!isSent)
    return { result: 'failure', outcome: headersSent ? 'answered' : 'unanswered', ...(headersSent && { status }) }
  if (!headersSent || status >= 300 || lines === 0) return endOfAnswer('delete-documents', response)
  const items = answered.filter((item) => item !== undefined)
  return { result: 'unknown', outcome: unread ?? 'answerPartial', status, ...(items.length > 0 && { items }) }
}
