import { describe, expect, test } from '@jest/globals'

import { parseErasureRecord } from '../../../src/config/erasure-record-schema.ts'
import { runningErasure, withoutStay } from '../../support/erasure-store.ts'

const witness = { id: 'm1', routing: 'r' }
const task = { shard: 0, seqNo: '9007199254740993', task: 'u5lcZHqcQhu-rUoFaqDphA:45', deleted: 1, isDone: true }
const whole = {
  ...runningErasure({ witnesses: [witness, { id: 'm2' }], tasks: [{ ...task, failures: 0 }] }),
  issuer: 'https://idp.test',
  appliedAt: '2026-11-22T00:00:00.000Z',
  driver: 'g',
  isCancelling: true,
  receipt: 'a.b.c',
  reason: 'r',
}
const [part] = whole.parts
if (part === undefined) throw new Error('it has a part')
const paged = withoutStay({ ...part, tasks: [{ ...task, after: '-1', failures: 0 }] })

const kept = (record: unknown): unknown => JSON.parse(JSON.stringify(record))

describe('an erasure that was kept', () => {
  test.each([
    ['all that it may have', whole],
    ['only what it must have', runningErasure()],
    ['a part that goes page by page', { ...whole, parts: [paged] }],
    ['nothing to erase', { ...runningErasure(), parts: [] }],
  ])('with %s is read as it was written', (_name, record) => {
    expect(parseErasureRecord(kept(record))).toEqual(record)
  })

  const inPart = (change: object) => ({ ...whole, parts: [{ ...part, ...change }] })
  const inTask = (change: object) => inPart({ tasks: [{ ...task, failures: 0, ...change }] })
  test.each([
    ['it: ', undefined],
    ['it: ', []],
    ['id: ', { ...whole, id: 1 }],
    ['state: ', { ...whole, state: 'gone' }],
    ['parts: ', { ...whole, parts: {} }],
    ['it: Unrecognized key: "more"', { ...whole, more: 1 }],
    ['person.name: ', { ...whole, person: { namespace: {} } }],
    ['person.namespace.user_id: ', { ...whole, person: { name: 'a', namespace: { user_id: ['a'] } } }],
    ['isCancelling: ', { ...whole, isCancelling: false }],
    ['parts.0.type: ', inPart({ type: 'session' })],
    // Any of these would delete elsewhere, or more.
    ['parts.0.index: ', inPart({ index: '*' })],
    ['parts.0.index: ', inPart({ index: 'other,p-memory-working' })],
    ['parts.0.index: ', inPart({ index: 'p-memory-history' })],
    ['parts.0.index: ', inPart({ index: '.opendistro_security' })],
    ['parts.0.container: ', inPart({ container: '' })],
    ['parts.0.stay: ', inPart({ stay: 'm1' })],
    ['parts.0.stay.0: ', inPart({ stay: [null] })],
    ['parts.0.tasks.0.seqNo: ', inTask({ seqNo: '1}},{"match_all":{}},{"x":{"y":1' })],
    ['parts.0.tasks.0.seqNo: ', inTask({ seqNo: 1 })],
    ['parts.0.tasks.0.after: ', inTask({ after: '' })],
    ['parts.0.tasks.0.task: ', inTask({ task: 'n:1/_cancel' })],
    ['parts.0.tasks.0.shard: ', inTask({ shard: '0' })],
    ['parts.0.tasks.0.deleted: ', inTask({ deleted: -1 })],
  ])('is refused, with the place (%s)', (place, record) => {
    expect(parseErasureRecord(record)).toMatch(new RegExp(`^${place.replace(/[.]/g, '\\.')}`))
  })
})
