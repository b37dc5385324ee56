import { expect, jest, test } from '@jest/globals'

import type { UpgradedConnection } from '../../src/core/upgraded.ts'
import { watchUpgraded } from '../../src/watch-upgraded.ts'
import { caller } from './core/guard/guarded-world.ts'

type Options = Parameters<typeof watchUpgraded>[0]

/** A watch over connections that judge themselves, and what was ended. */
function world(options: Partial<Options> = {}) {
  const parts = {}
  const ended: string[] = []
  const watch = watchUpgraded({
    isRevoked: () => false,
    isInForce: (these) => these === parts,
    judge: () => Promise.resolve('stays'),
    onEnd: ({ requestId }, why) => ended.push(`${requestId}: ${why}`),
    ...options,
  })
  const stand = (requestId: string, from: object = parts) => {
    const end = jest.fn()
    const connection: UpgradedConnection = {
      requestId,
      protocol: 'websocket',
      path: '/live',
      token: 't',
      principal: caller('opensearch:admin'),
      parts: from,
      cluster: {},
      end,
    }
    return { end, leave: watch.stand(connection) }
  }
  return { watch, ended, stand }
}

const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

test('those that were revoked end, each once, and nobody else', () => {
  const revoked = new Set<string>()
  const { watch, ended, stand } = world({ isRevoked: ({ requestId }) => revoked.has(requestId) })
  const [one, other] = [stand('one'), stand('other')]
  watch.endRevoked()
  revoked.add('one')
  watch.endRevoked()
  watch.endRevoked()
  expect(ended).toEqual(['one: its token was revoked'])
  expect([one.end.mock.calls.length, other.end.mock.calls.length]).toEqual([1, 0])
})

test('one that was revoked, or that another configuration took over, before it stood', async () => {
  const gone = world({ isRevoked: () => true })
  expect(gone.stand('late').end).toHaveBeenCalledTimes(1)
  const replaced = world({ judge: () => Promise.resolve('ends') })
  const [old, current] = [replaced.stand('old', {}), replaced.stand('current')]
  await settled()
  expect([old.end.mock.calls.length, current.end.mock.calls.length]).toEqual([1, 0])
})

test('a review ends what the configuration lets in no more, and passes over what is over', async () => {
  const judged: string[] = []
  const { watch, ended, stand } = world({
    judge({ requestId }) {
      judged.push(requestId)
      return Promise.resolve(requestId === 'closed' ? 'ends' : 'stays')
    },
  })
  const left = stand('left')
  stand('closed')
  stand('open')
  left.leave()
  watch.review()
  await settled()
  expect(judged.sort()).toEqual(['closed', 'open'])
  expect(ended).toEqual(['closed: the configuration lets it in no more'])
})

test('what cannot be told is asked again', async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate'] })
  try {
    let verdict: 'unknown' | 'ends' = 'unknown'
    const { watch, ended, stand } = world({ judge: () => Promise.resolve(verdict) })
    stand('one')
    watch.review()
    await settled()
    expect(ended).toEqual([])
    verdict = 'ends'
    jest.advanceTimersByTime(5_000)
    await settled()
    expect(ended).toHaveLength(1)
    watch.close()
  } finally {
    jest.useRealTimers()
  }
})
