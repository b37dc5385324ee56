import type { AuditFields } from './chain.ts'

/** Where an entry has what a record of its own would have. */
const ENTRY = {
  request_id: 'http.request.id',
  client_ip: 'client.ip',
  action: 'event.action',
  container_id: 'memory.container_id',
  type: 'memory.type',
  id: 'memory.id',
  method: 'http.request.method',
  path: 'url.path',
  indices: 'memory.indices',
  reason: 'memory.outcome',
} as const

/** One refusal in a record that lists many. @param since the beginning of that record, and `at` its time, in milliseconds since 1970 */
export function refusalEntry(fields: AuditFields, at: number, since: number): AuditFields {
  const told = Object.entries(ENTRY).map(([name, field]) => [name, fields[field]] as const)
  return { offset_ms: at - since, ...Object.fromEntries(told) }
}

/** The record of refusals that have none of their own. @param until of the last, in milliseconds since 1970 */
export function refusalsRecord(entries: readonly AuditFields[], since: number, until: number): AuditFields {
  const end = new Date(until).toISOString()
  return {
    '@timestamp': end,
    'event.kind': 'event',
    'event.category': ['database'],
    'event.type': ['deletion', 'denied'],
    'event.action': 'delete-refused',
    'event.outcome': 'failure',
    'event.start': new Date(since).toISOString(),
    'event.end': end,
    'memory.phase': 'suppressed',
    'memory.outcome': 'suppressed',
    'memory.suppressed': entries.length,
    'memory.refusals': entries,
  }
}

/** How many refusals, or other events, a record tells of. */
export function eventsIn(fields: AuditFields): number {
  const listed = fields['memory.refusals']
  return Array.isArray(listed) ? listed.length : 1
}
