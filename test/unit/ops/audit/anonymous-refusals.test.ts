import { expect, test } from '@jest/globals'

import type { AuditFields } from '../../../../src/core/audit/chain.ts'
import { auditFields } from '../../../../src/core/audit/event.ts'
import { boundAnonymousRefusals } from '../../../../src/ops/audit/anonymous-refusals.ts'

test('so many in a second have their record, the others one that lists them with their number and time, and none is told twice', () => {
  let at = Date.UTC(2026, 0, 1)
  let counted = 0
  const records: AuditFields[] = []
  const refusals = boundAnonymousRefusals({
    append: (fields) => records.push(fields),
    perSecond: 2,
    onSuppressed: () => (counted += 1),
    now: () => at,
  })
  const refuse = (name: string): void => refusals.append({ '@timestamp': new Date(at).toISOString(), name })
  for (const name of ['a', 'b', 'c', 'd']) refuse(name)
  at += 999
  refuse('e')
  at += 1
  for (const name of ['f', 'g', 'h']) refuse(name)
  refusals.flush()
  refusals.flush()
  expect(records.map((one) => one['name'] ?? one['memory.suppressed'])).toEqual(['a', 'b', 3, 'f', 'g', 1])
  expect(counted).toBe(4)
  expect(records[2]).toMatchObject({
    'event.start': '2026-01-01T00:00:00.000Z',
    'event.end': '2026-01-01T00:00:00.999Z',
    'memory.phase': 'suppressed',
    'memory.refusals': [{ offset_ms: 0 }, { offset_ms: 0 }, { offset_ms: 999 }],
  })
})

test('a clock that is set back does not keep records away', () => {
  let at = 10_000_000
  const records: AuditFields[] = []
  const refusals = boundAnonymousRefusals({
    append: (fields) => records.push(fields),
    perSecond: 1,
    onSuppressed: () => undefined,
    now: () => at,
  })
  refusals.append({})
  at = 0
  refusals.append({})
  expect(records).toHaveLength(2)
})

interface Flood {
  readonly records: AuditFields[]
  readonly refuse: (fields: AuditFields) => void
  readonly flush: () => void
}

/** Refusals of one second, of which none has a record of its own. */
function flood(): Flood {
  const records: AuditFields[] = []
  const refusals = boundAnonymousRefusals({
    append: (fields) => records.push(fields),
    perSecond: 0,
    onSuppressed: () => undefined,
    now: () => 10_000,
  })
  return { records, refuse: (fields) => refusals.append(fields), flush: () => refusals.flush() }
}
const listedIn = (record: AuditFields | undefined) => (record?.['memory.refusals'] ?? []) as readonly AuditFields[]

test('an entry says who asked for what, from where, and why not; nothing else of the record that it stands for', () => {
  const { records, refuse, flush } = flood()
  const event = { phase: 'refusal', at: 10_000, eventId: 'e', action: 'delete-memory', result: 'failure' } as const
  const who = { requestId: 'r-1', clientIp: '203.0.113.7', outcome: 'missingToken', rule: 'missingToken' }
  refuse(auditFields({ ...event, ...who, containerId: 'c', type: 'working', memoryId: 'm' }))
  refuse(
    auditFields({ ...event, ...who, action: 'delete-document', method: 'DELETE', path: '/i/_doc/1', indices: ['i'] }),
  )
  flush()
  const same = { offset_ms: 0, request_id: 'r-1', client_ip: '203.0.113.7', reason: 'missingToken' }
  expect(JSON.parse(JSON.stringify(listedIn(records[0])))).toEqual([
    { ...same, action: 'delete-memory', container_id: 'c', type: 'working', id: 'm' },
    { ...same, action: 'delete-document', method: 'DELETE', path: '/i/_doc/1', indices: ['i'] },
  ])
})

test('a record lists 500 at most, and no more text than the next start reads: then it is written at once, and another begins', () => {
  const many = flood()
  const ids = Array.from({ length: 1_201 }, (_, number) => String(number))
  for (const id of ids) many.refuse({ 'http.request.id': id })
  expect(many.records.map((one) => one['memory.suppressed'])).toEqual([500, 500])
  many.flush()
  expect(many.records.flatMap(listedIn).map((entry) => entry['request_id'])).toEqual(ids)

  const long = flood()
  for (const id of ids) long.refuse({ 'http.request.id': id, 'memory.id': '\u0001'.repeat(512) })
  long.flush()
  expect(long.records.flatMap(listedIn).map((entry) => entry['request_id'])).toEqual(ids)
  expect(Math.max(...long.records.map((one) => JSON.stringify(one).length))).toBeLessThan(200_000)
})
