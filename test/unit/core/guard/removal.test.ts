import { describe, expect, test } from '@jest/globals'

import { isStreamedBulk, removalIn } from '../../../../src/core/guard/removal.ts'
import { parseTarget } from '../../../../src/core/target.ts'

const asked = (line: string) => {
  const [method = '', raw = ''] = line.split(' ')
  return { method, target: parseTarget(raw) }
}

describe('what a request would remove', () => {
  test.each([
    ['DELETE /i/_doc/a', 'delete-document', undefined, 'a'],
    ['POST /i/_update/a', 'update-document', 'script', 'a'],
    ['POST /i/_delete_by_query', 'delete-documents', 'query', undefined],
    ['POST /i/_update_by_query', 'update-documents', 'query', undefined],
    ['POST /_reindex', 'reindex-documents', 'destination', undefined],
    ['POST /_bulk', 'delete-documents', 'lines', undefined],
    ['DELETE /i', 'delete-index', undefined, undefined],
    ['POST /_aliases', 'delete-index', 'actions', undefined],
  ])('%s', (line, action, inBody, id) => {
    expect(removalIn(asked(line))).toMatchObject({ action, inBody, id })
  })

  test.each(['PUT /i/_doc/a', 'POST /i/_search', 'POST /i/_create/a', 'GET /i', 'GET /_aliases'])(
    'nothing: %s',
    (line) => {
      expect(removalIn(asked(line))).toBeUndefined()
    },
  )
})

test.each([
  ['POST /_bulk/stream', true],
  ['PUT /_bulk/stream', true],
  ['POST /i/_bulk/stream', true],
  ['PUT /i/_bulk/stream/?refresh', true],
  ['POST /_bulk', false],
  ['GET /_bulk/stream', false],
  ['POST /_bulk/stream/i', false],
  ['POST /i/_doc/_bulk%2fstream', false],
])('a bulk that runs as it comes: %s is one: %s', (line, isOne) => {
  expect(isStreamedBulk(asked(line))).toBe(isOne)
})
