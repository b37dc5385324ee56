import { afterEach, describe, expect, test } from '@jest/globals'

import { recordsInMemory } from '../../../src/core/erasure/records.ts'
import { fakeCluster, runningErasure } from '../../support/erasure-store.ts'
import { until } from '../../support/until.ts'
import { openOn } from './opened.ts'
import type { Opened } from './opened.ts'

let opened: Opened
afterEach(() => opened.erasures.close())

const TAKEN = 'an erasure that had lost its gateway goes on here'

describe('an erasure under another gateway', () => {
  test('is left to it while its lease lasts, however often it is looked at', async () => {
    const cluster = fakeCluster({})
    opened = openOn(cluster, { lease: '1h' })
    await opened.records.create({ ...runningErasure(), driver: 'another' })
    for (let look = 0; look < 5; look++) await opened.erasures.takeUp()
    expect((await opened.records.read('e'))?.record.driver).toBe('another')
    expect([cluster.started, opened.logged]).toEqual([[], []])
    expect(opened.erasures.counts()).toEqual(new Map([['running', 1]]))
  })

  test('is taken up when it has said nothing for that long, and ends', async () => {
    opened = openOn(fakeCluster({}), { lease: '30ms' })
    await opened.records.create({ ...runningErasure(), driver: 'another' })
    await until(async () => {
      await opened.erasures.takeUp()
      return opened.logged.includes(TAKEN)
    })
    await opened.erasures.ended('e')
    expect((await opened.records.read('e'))?.record).toMatchObject({ state: 'done', deleted: 10 })
  })

  test('that has let go is taken up at once', async () => {
    opened = openOn(fakeCluster({}))
    await opened.records.create({ ...runningErasure(), driver: '' })
    await opened.erasures.takeUp()
    expect(opened.logged).toContain(TAKEN)
  })
})

test('one that cannot be read is told once, and the others are taken up all the same', async () => {
  const records = recordsInMemory()
  const unreadable = [{ id: 'odd', reason: 'parts: must be a list' }]
  const list = async () => ({ ...(await records.list()), unreadable })
  opened = openOn(fakeCluster({}), { records: { ...records, list } })
  await records.create({ ...runningErasure(), driver: '' })
  await opened.erasures.takeUp()
  await opened.erasures.takeUp()
  expect(opened.logged.filter((one) => one.includes('cannot be read'))).toHaveLength(1)
  expect(opened.logged).toContain(TAKEN)
  expect(await opened.erasures.list()).toMatchObject({ erasures: [{ id: 'e' }], unreadable })
})
