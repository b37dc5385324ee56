import { expect, test } from '@jest/globals'

import { createIndicesBehind } from '../../../src/cluster/behind-name.ts'
import type { ClusterClient } from '../../../src/cluster/client.ts'

/** What is behind a name by an answer of the cluster's. */
function behind(name: string, status: number, body: unknown) {
  const request: ClusterClient['request'] = () => Promise.resolve({ status, body })
  return createIndicesBehind({ request } as ClusterClient)(name, AbortSignal.timeout(1_000))
}
const alias = (more: object = {}) => ({ aliases: { a: more, other: { is_write_index: true } } })

test.each([
  ['an index', { a: { aliases: {} } }, [{ index: 'a', routing: undefined, isWritten: true }]],
  ['an alias of one, which routes', { i: alias({ index_routing: 'r' }) }, [{ index: 'i', routing: 'r', isWritten: true }]],
  [
    'an alias of two, of which one is written',
    { i: alias({ is_write_index: true }), j: alias({ is_write_index: false }) },
    [
      { index: 'i', routing: undefined, isWritten: true },
      { index: 'j', routing: undefined, isWritten: false },
    ],
  ],
  ['a data stream', { '.ds-a-000001': { aliases: {} } }, undefined],
  ['nothing', {}, undefined],
])('a name leads to what the cluster says: %s', async (_, body, wanted) => {
  expect(await behind('a', 200, body)).toEqual(wanted)
}) // prettier-ignore

test('what nobody has, and what this identity may not ask, cannot be told; all else is asked again', async () => {
  expect(await behind('a', 404, {})).toBeUndefined()
  expect(await behind('a', 403, {})).toBeUndefined()
  for (const status of [401, 429, 500, 503]) await expect(behind('a', status, {})).rejects.toThrow()
})
