import { isJsonObject } from '../../strict-json.ts'
import type { Finding } from './finding.ts'
import { isTexts } from './source-filter.ts'

/** Under which name the ids stand. */
const NAMES = new Set(['scroll_id', 'pit_id'])

/**
 * Looks for `_all` among the ids of scrolls or points in time that are to end: alone it means those of everybody (TransportClearScrollAction and
 * TransportDeletePitAction of OpenSearch 3.4.0).
 */
export function findInIds(body: unknown): readonly Finding[] {
  const entries = isJsonObject(body) ? Object.entries(body) : undefined
  if (entries?.every(([name, ids]) => NAMES.has(name) && isTexts(ids)) !== true) {
    return [{ kind: 'unreadable', line: undefined, why: 'is not an object of scroll_id or pit_id, with texts' }]
  }
  const isAll = entries.flatMap(([, ids]) => ids).some((id) => typeof id === 'string' && id.trim() === '_all')
  return isAll ? [{ kind: 'hidden', line: undefined, what: '_all, which means those of everybody' }] : []
}
