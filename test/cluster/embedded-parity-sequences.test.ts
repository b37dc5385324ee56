import { randomBytes } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { startEmbeddedStore } from '../../src/embedded/server.ts'
import { plainCluster } from '../support/clusters.ts'
import { bulk, call, quietIndex } from '../vectors/embedded-parity/shape.ts'
import { closeConnections, run } from './embedded-parity-requests.ts'

let embedded: { url: string; close(): Promise<void> }

// The store models 3.4; other versions word some of this differently.
const describeHere = plainCluster().version.startsWith('3.4.') ? describe : describe.skip

beforeAll(async () => {
  embedded = await startEmbeddedStore({ version: plainCluster().version })
})

afterAll(async () => {
  closeConnections()
  await embedded.close()
})

// Few ids and small numbers, so that the operations of a sequence meet one another.
const id = fc.constantFrom('1', '2', '3')
const number = fc.integer({ min: 0, max: 9 })
const refresh = fc.constantFrom('', 'refresh=true')
const condition = fc.option(number, { nil: undefined })
const source = fc
  .record({
    tag: fc.constantFrom('red', 'blue'),
    n: number,
    o: fc.record({ p: number, q: number }, { requiredKeys: [] }),
  })
  .map((document) => JSON.stringify(document))

function query(...parts: readonly string[]): string {
  return `?${parts.filter((part) => part !== '').join('&')}`
}

function underCondition(seqNo: number | undefined): string {
  return seqNo === undefined ? '' : `if_seq_no=${seqNo}&if_primary_term=1`
}

const bulkLines = fc.oneof(
  fc.tuple(id, condition, source).map(([_id, seqNo, body]) => [JSON.stringify({ index: item(_id, seqNo) }), body]),
  fc.tuple(id, source).map(([_id, body]) => [JSON.stringify({ create: item(_id, undefined) }), body]),
  fc.tuple(id, condition).map(([_id, seqNo]) => [JSON.stringify({ delete: item(_id, seqNo) })]),
  fc.tuple(id, source).map(([_id, doc]) => [JSON.stringify({ update: item(_id, undefined) }), `{"doc":${doc}}`]),
)

function item(_id: string, seqNo: number | undefined): Record<string, unknown> {
  return seqNo === undefined ? { _id } : { _id, if_seq_no: seqNo, if_primary_term: 1 }
}

const operation = fc.oneof(
  fc
    .tuple(id, condition, refresh, source)
    .map(([_id, seqNo, when, body]) => call(`PUT /{index}/_doc/${_id}${query(underCondition(seqNo), when)}`, body)),
  fc.tuple(id, refresh, source).map(([_id, when, body]) => call(`PUT /{index}/_create/${_id}${query(when)}`, body)),
  fc
    .tuple(id, condition, refresh)
    .map(([_id, seqNo, when]) => call(`DELETE /{index}/_doc/${_id}${query(underCondition(seqNo), when)}`)),
  fc
    .tuple(refresh, fc.array(bulkLines, { minLength: 1, maxLength: 6 }))
    .map(([when, lines]) => bulk(`/{index}/_bulk${query(when)}`, ...lines.flat())),
  fc.constant(call('POST /{index}/_mget', '{"ids":["1","2","3"]}')),
  fc.constant(call('POST /{index}/_mget?realtime=false&_source=o,tag', '{"ids":["1","2","3"]}')),
  fc.constant(call('POST /{index}/_refresh')),
  fc
    .constantFrom('{"match_all":{}}', '{"term":{"tag":"red"}}', '{"bool":{"filter":[{"terms":{"n":[1,2,3]}}]}}')
    .map((asked) => call('POST /{index}/_search', `{"query":${asked},"seq_no_primary_term":true,"version":true}`)),
  // Not docs.count: between refreshes it depends on which reads have made the server refresh for itself.
  fc.constant(call('GET /{index}/_stats?filter_path=_all.primaries.translog.operations')),
)

describeHere('sequences of operations that meet one another', () => {
  test('are answered alike', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 20, maxLength: 40 }), async (operations) => {
        const index = `parity-${randomBytes(6).toString('hex')}`
        const real = await run(plainCluster().url, [quietIndex, ...operations], index)
        expect(await run(embedded.url, [quietIndex, ...operations], index)).toEqual(real)
      }),
      // A sequence that fails is told by its seed; making it shorter would cost the server too much.
      { numRuns: 15, endOnFailure: true },
    )
  })
})
