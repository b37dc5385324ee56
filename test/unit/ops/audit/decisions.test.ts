import { expect, test } from '@jest/globals'

import { auditFields } from '../../../../src/core/audit/event.ts'
import type { AuditEvent } from '../../../../src/core/audit/event.ts'
import { decisionsRoute, keepDecisions } from '../../../../src/ops/audit/decisions.ts'

const record = (eventId: string, more: Partial<AuditEvent> = {}) =>
  auditFields({
    phase: 'intent',
    at: 0,
    eventId,
    action: 'delete-memory',
    result: 'unknown',
    requestId: `request-of-${eventId}`,
    subject: 'alice',
    ...more,
  })

test('each delete is there once, with its last record, the newest first', () => {
  const decisions = keepDecisions()
  decisions.add(record('one'))
  decisions.add(record('two', { phase: 'refusal', result: 'failure', outcome: 'denied/owner', memoryIds: ['a', 'b'] }))
  decisions.add(record('one', { phase: 'outcome', result: 'success', outcome: 'deleted', memoryId: 'm' }))
  expect(decisions.list()).toEqual([
    {
      at: '1970-01-01T00:00:00.000Z',
      phase: 'outcome',
      action: 'delete-memory',
      result: 'success',
      outcome: 'deleted',
      memoryId: 'm',
      subject: 'alice',
      requestId: 'request-of-one',
    },
    expect.objectContaining({ phase: 'refusal', outcome: 'denied/owner' }),
  ])
})

test('the last fifty are kept, and no records about the chain', () => {
  const decisions = keepDecisions()
  for (let number = 0; number < 80; number++) decisions.add(record(String(number)))
  decisions.add({ 'memory.phase': 'checkpoint', '@timestamp': '', 'event.action': 'audit-checkpoint' })
  expect(decisions.list().map(({ requestId }) => requestId)).toEqual(
    Array.from({ length: 50 }, (_, position) => `request-of-${String(79 - position)}`),
  )
})

test('of deletes that are under way together, too, the last fifty are kept', () => {
  const decisions = keepDecisions()
  for (let from = 0; from < 192; from += 64) {
    const together = Array.from({ length: 64 }, (_, position) => String(from + position))
    for (const id of together) decisions.add(record(id))
    for (const id of together) decisions.add(record(id, { phase: 'outcome', result: 'success', outcome: 'deleted' }))
  }
  expect(decisions.list().map(({ requestId, phase }) => [requestId, phase])).toEqual(
    Array.from({ length: 50 }, (_, position) => [`request-of-${String(191 - position)}`, 'outcome']),
  )
})

test('without an audit there are none', async () => {
  const asked = { query: new URLSearchParams(), params: {}, json: undefined }
  expect(await decisionsRoute(undefined).answer(asked)).toMatchObject({ status: 404 })
})
