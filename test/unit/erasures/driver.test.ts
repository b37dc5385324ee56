import { afterEach, describe, expect, test } from '@jest/globals'

import { GatewayError } from '../../../src/core/failure.ts'
import { recordsInMemory } from '../../../src/core/erasure/records.ts'
import type { ErasureRecords } from '../../../src/core/erasure/records.ts'
import { documentOf, fakeCluster } from '../../support/erasure-store.ts'
import { openOn } from './opened.ts'
import type { Opened } from './opened.ts'

let opened: Opened
afterEach(() => opened.erasures.close())

async function plan() {
  const answer = await opened.erasures.plan({ subject: 'alice' })
  if (answer.kind !== 'erasure') throw new Error(answer.kind)
  return answer.erasure
}

const running = () => ({ deleted: 1, end: 'none' as const })

describe('what a step did is written down', () => {
  test('though it was cancelled meanwhile: the tasks that it has just started are stopped', async () => {
    let started: () => void = () => undefined
    const isStarting = new Promise<void>((resolve) => (started = resolve))
    let cancelled: () => void = () => undefined
    const isCancelled = new Promise<void>((resolve) => (cancelled = resolve))
    const stopped: string[] = []
    const cluster = fakeCluster({
      documents: [documentOf(1, 'alice')],
      progress: running,
      store: {
        async startDelete() {
          started()
          await isCancelled
          return 'n:1'
        },
        cancelTask: (task) => Promise.resolve(void stopped.push(task)),
      },
    })
    opened = openOn(cluster)
    const { id, hash } = await plan()
    await opened.erasures.apply(id, hash)
    await isStarting
    await opened.erasures.cancel(id)
    cancelled()
    await opened.erasures.ended(id)
    expect(stopped).toEqual(['n:1'])
    expect(await opened.erasures.read(id)).toMatchObject({ erasure: { state: 'cancelled', deleted: 1 } })
  })

  test.each([
    ['could not be', false],
    ['was, and nobody heard of it,', true],
  ])('later where it %s: no task is started twice, and the audit has one outcome', async (_, isWritten) => {
    const records = recordsInMemory()
    const tried = new Set<string>()
    const shaky: ErasureRecords = {
      ...records,
      async replace(held, record) {
        const isStep = record.parts.some(({ tasks }) => tasks.some(({ task }) => task !== undefined))
        const what = JSON.stringify({ ...record, updatedAt: '' })
        if (!isStep || tried.has(what)) return records.replace(held, record)
        tried.add(what)
        if (isWritten) await records.replace(held, record)
        throw new GatewayError('upstreamUnavailable')
      },
    }
    const cluster = fakeCluster({
      documents: [documentOf(1, 'alice')],
      progress: () => {
        cluster.documents.splice(0)
        return { deleted: 1, end: 'done' }
      },
    })
    opened = openOn(cluster, { records: shaky })
    const { id, hash } = await plan()
    await opened.erasures.apply(id, hash)
    await opened.erasures.ended(id)
    expect(await opened.erasures.read(id)).toMatchObject({ erasure: { state: 'done', deleted: 1 } })
    expect(cluster.started).toHaveLength(1)
    const phases = opened.audited.map((one) => one['memory.phase'])
    expect(phases).toEqual(['intent', 'outcome'])
    expect(tried.size).toBeGreaterThan(2)
  })
})
