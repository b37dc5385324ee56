import { afterEach, describe, expect, test } from '@jest/globals'

import { documentOf, fakeCluster } from '../../support/erasure-store.ts'
import { until } from '../../support/until.ts'
import { openOn } from './opened.ts'
import type { Opened } from './opened.ts'

let opened: Opened
afterEach(() => opened.erasures.close())

async function plan() {
  const answer = await opened.erasures.plan({ subject: 'alice' })
  if (answer.kind !== 'erasure') throw new Error(answer.kind)
  return answer.erasure
}

describe('an erasure is applied', () => {
  test('only by the hash of its plan', async () => {
    const cluster = fakeCluster({ documents: [documentOf(1, 'alice')] })
    opened = openOn(cluster)
    const { id, hash } = await plan()
    const answer = await opened.erasures.apply(id, `${hash}x`)
    expect(answer).toMatchObject({ kind: 'refused', why: 'The hash is not that of the plan' })
    expect([cluster.started, opened.audited]).toEqual([[], []])
  })

  test('only while the plan fits: else there is a new one, and nothing is deleted', async () => {
    const cluster = fakeCluster({ documents: [documentOf(1, 'alice')] })
    opened = openOn(cluster)
    const { id, hash } = await plan()
    cluster.documents.push(documentOf(2, 'alice'))
    const answer = await opened.erasures.apply(id, hash)
    expect(answer).toMatchObject({ kind: 'refused', erasure: { state: 'planned', total: 2 } })
    expect(cluster.started).toEqual([])
    expect(opened.audited).toMatchObject([{ 'memory.outcome': 'planNoLongerFits' }])
  })

  test('once', async () => {
    const cluster = fakeCluster({
      documents: [documentOf(1, 'alice')],
      progress: () => ({ deleted: 0, end: 'none' }),
    })
    opened = openOn(cluster)
    const { id, hash } = await plan()
    expect(await opened.erasures.apply(id, hash)).toMatchObject({ kind: 'erasure' })
    await until(() => cluster.started.length > 0)
    expect(await opened.erasures.apply(id, hash)).toMatchObject({ kind: 'refused', why: 'It is running already' })
    expect(cluster.started).toHaveLength(1)
  })
})
