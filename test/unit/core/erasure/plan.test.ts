import { describe, expect, test } from '@jest/globals'

import { planIn } from '../../../../src/core/erasure/plan.ts'
import { documentOf, fakeCluster, POLICY } from '../../../support/erasure-store.ts'

const alice = { name: 'alice', namespace: {} }

describe('a plan names what stays', () => {
  const planOf = async (lookAlikes: number) => {
    const documents = Array.from({ length: lookAlikes }, (_, seqNo) => documentOf(seqNo, ['alice']))
    const { store } = fakeCluster({ documents: [...documents, documentOf(lookAlikes, 'alice')] })
    return (await planIn('main', store, alice, POLICY)).parts
  }

  test('by its ids, as long as a task of the cluster can be told them', async () => {
    const [part] = await planOf(10_000)
    expect([part?.total, part?.stay?.length]).toEqual([1, 10_000])
  })

  test('not at all where there are more: then nothing is left to a query', async () => {
    const [part] = await planOf(10_001)
    expect([part?.total, part]).toEqual([1, expect.not.objectContaining({ stay: expect.anything() as unknown })])
  })
})
