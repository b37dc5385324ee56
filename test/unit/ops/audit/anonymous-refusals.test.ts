import { expect, test } from '@jest/globals'

import type { AuditFields } from '../../../../src/core/audit/chain.ts'
import { boundAnonymousRefusals } from '../../../../src/ops/audit/anonymous-refusals.ts'

test('so many in a second have their record, the others one with their number and time, and none is counted twice', () => {
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
