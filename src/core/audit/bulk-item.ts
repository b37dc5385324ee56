import { isJsonObject } from '../strict-json.ts'
import type { AuditItem } from './event.ts'
import { longOf, parseObject } from './removal-answer.ts'

/**
 * Reads one item of the server's answer to a `_bulk`, which says what became of one line.
 * @returns `undefined` for what is no whole item of a delete, or of an update: `filter_path` leaves members out
 */
export function readDeletedItem(bytes: Uint8Array): AuditItem | undefined {
  const { delete: deleted, update: came = deleted } = parseObject(bytes)
  if (!isJsonObject(came)) return undefined
  const { _index: index, _id: id, status, result, error } = came
  const code = Number(status)
  if (typeof index !== 'string' || typeof id !== 'string' || !Number.isInteger(code)) return undefined
  const kind = isJsonObject(error) ? error['type'] : undefined
  const told = result ?? kind
  return {
    index,
    id,
    status: code,
    result: typeof told === 'string' ? told : undefined,
    seqNo: longOf(came['_seq_no']),
    primaryTerm: longOf(came['_primary_term']),
    version: longOf(came['_version']),
  }
}

/** A script that did not delete. */
const KEPT: ReadonlySet<unknown> = new Set(['updated', 'noop', 'created'])

/** Whether any of many lines did what it was to do. */
export function haveEffect(items: readonly AuditItem[]): boolean {
  return items.some(({ result }) => result === 'deleted' || KEPT.has(result))
}

/** What came of many lines. */
export function countItems(items: readonly AuditItem[]) {
  const deleted = items.filter(({ result }) => result === 'deleted').length
  const conflicts = items.filter(({ status }) => status === 409).length
  const missing = items.filter(({ result }) => result === 'not_found').length
  const kept = items.filter(({ result }) => KEPT.has(result)).length
  return { deleted, conflicts, failures: items.length - deleted - conflicts - missing - kept }
}
