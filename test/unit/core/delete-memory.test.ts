import { describe, expect, test } from '@jest/globals'

import type { BackingIndex } from '../../../src/core/backing-index.ts'
import { deleteMemory } from '../../../src/core/delete-memory.ts'
import type { DeleteOutcome, DeleteRequest, Open, UnconfirmedOrder } from '../../../src/core/delete-memory.ts'
import { GatewayError } from '../../../src/core/failure.ts'
import type { Principal } from '../../../src/core/principal.ts'
import { memory, PLAIN_CONTAINER, storeInMemory } from './store-in-memory.ts'
import type { Fault, StoreInMemory } from './store-in-memory.ts'

const POLICY = { ownership: { fields: ['owner_id'], unowned: 'deny' }, containersWithoutOwner: 'deny' } as const
const ALICE: Principal = {
  subject: 'alice',
  issuer: 'https://issuer.test',
  scopes: new Set(['memory:delete']),
  roles: [],
  backendRoles: [],
  container: undefined,
  containers: [],
  claims: new Map(),
  expiresAt: 4_000_000_000,
}

function remove(
  store: StoreInMemory,
  differs: Partial<DeleteRequest> = {},
  principal = ALICE,
  open?: Open<UnconfirmedOrder>,
): Promise<DeleteOutcome> {
  const request = { containerId: 'c', types: ['working'], memoryId: 'm', refresh: 'false', ...differs } as const
  return deleteMemory(store, POLICY, principal, request, open)
}

const lost: Fault = () => ({ kind: 'unknown', cause: 'the connection broke before anything arrived' })
const unheard: Fault = (carryOut) => {
  carryOut()
  return { kind: 'unknown', cause: 'the connection broke before the answer came' }
}

describe('one look decides', () => {
  test.each<[string, Parameters<typeof storeInMemory>[0], DeleteOutcome]>([
    ['the container is not there', { container: undefined }, { kind: 'containerNotFound' }],
    [
      'the caller is not admitted, memory or not',
      { container: { ...PLAIN_CONTAINER, owner: { name: 'bob' } } },
      { kind: 'denied', by: 'container' },
    ],
    [
      'the caller is not admitted, which is said before an unusable configuration',
      { container: { owner: { name: 'bob' }, configuration: {} } },
      { kind: 'denied', by: 'container' },
    ],
    ['the memory is not there', {}, { kind: 'memoryNotFound' }],
    [
      'the memory is of another container',
      { memories: { working: memory({ source: { memory_container_id: 'd', owner_id: 'alice' } }) } },
      { kind: 'memoryNotFound' },
    ],
    [
      'the memory is of no container',
      { memories: { working: memory({ source: { owner_id: 'alice' } }) } },
      { kind: 'memoryNotFound' },
    ],
    [
      'the memory names a list of containers',
      { memories: { working: memory({ source: { memory_container_id: ['c'], owner_id: 'alice' } }) } },
      { kind: 'memoryNotFound' },
    ],
    ['the memory has no source', { memories: { working: memory({ source: undefined }) } }, { kind: 'memoryNotFound' }],
    [
      "the memory is somebody else's",
      { memories: { working: memory({ source: { memory_container_id: 'c', owner_id: 'bob' } }) } },
      { kind: 'denied', by: 'owner' },
    ],
    [
      "the memory is nobody's",
      { memories: { working: memory({ source: { memory_container_id: 'c' } }) } },
      { kind: 'denied', by: 'owner' },
    ],
  ])('%s', async (_, setup, expected) => {
    const store = storeInMemory(setup)
    expect(await remove(store)).toEqual(expected)
    expect({ looks: store.looks.length, orders: store.orders }).toEqual({ looks: 1, orders: [] })
  })

  test('the type is switched off', async () => {
    const configuration = { ...PLAIN_CONTAINER.configuration, disable_session: true }
    const store = storeInMemory({ container: { ...PLAIN_CONTAINER, configuration }, memories: { sessions: memory() } })
    expect(await remove(store, { types: ['sessions'] })).toEqual({ kind: 'indexNotFound' })
    expect(store.memories.size).toBe(1)
  })

  test('the index was never made', async () => {
    const store = storeInMemory({ missingIndices: ['working'] })
    expect(await remove(store)).toEqual({ kind: 'indexMissing', index: 'acme-memory-working' })
  })

  test('the configuration names no index that can be used', async () => {
    const store = storeInMemory({
      container: { ...PLAIN_CONTAINER, configuration: { index_prefix: '<x>' } },
      memories: { working: memory() },
    })
    await expect(remove(store)).rejects.toMatchObject({ code: 'unusableContainer', status: 502 })
    expect(store.memories.size).toBe(1)
  })

  test('the memory is removed: exactly the version that was looked at', async () => {
    const store = storeInMemory({ memories: { working: memory({ seqNo: 2n ** 60n, primaryTerm: 4 }) } })
    expect(await remove(store, { refresh: 'wait_for' })).toMatchObject({
      kind: 'deleted',
      type: 'working',
      receipt: { index: 'acme-memory-working', memoryId: 'm', recovered: false },
    })
    const order = { index: 'acme-memory-working', memoryId: 'm', seqNo: 2n ** 60n, primaryTerm: 4, refresh: 'wait_for' }
    expect(store.orders).toEqual([order])
  })
})

describe('several types', () => {
  const TYPES = ['long-term', 'working', 'history'] as const

  test('the first that has a memory of the container counts', async () => {
    const foreign = memory({ source: { memory_container_id: 'd', owner_id: 'alice' } })
    const store = storeInMemory({ memories: { history: memory(), working: memory(), 'long-term': foreign } })
    expect(await remove(store, { types: TYPES })).toMatchObject({ kind: 'deleted', type: 'working' })
    expect([...store.memories.keys()].sort()).toEqual(['history', 'long-term'])
  })

  test("somebody else's in the first is not passed over", async () => {
    const bobs = memory({ source: { memory_container_id: 'c', owner_id: 'bob' } })
    const store = storeInMemory({ memories: { 'long-term': bobs, working: memory() } })
    expect(await remove(store, { types: TYPES })).toEqual({ kind: 'denied', by: 'owner' })
    expect(store.memories.size).toBe(2)
  })

  test('what is switched off or was never made is no failure', async () => {
    const configuration = { ...PLAIN_CONTAINER.configuration, disable_history: true }
    const store = storeInMemory({ container: { ...PLAIN_CONTAINER, configuration }, missingIndices: ['long-term'] })
    expect(await remove(store, { types: TYPES })).toEqual({ kind: 'memoryNotFound' })
  })
})

describe('when the memory changes in between', () => {
  test('it is looked at again, and the new version is removed', async () => {
    const changed: Fault = (_, memories) => {
      memories.set('working', memory({ seqNo: 9, version: 4 }))
      return { kind: 'conflict' }
    }
    const store = storeInMemory({ memories: { working: memory() }, faults: [changed] })
    expect(await remove(store)).toMatchObject({ kind: 'deleted', receipt: { version: 5, recovered: false } })
    expect(store.orders.map(({ seqNo }) => seqNo)).toEqual([7, 9])
  })

  test('somebody else deleted it first: not found', async () => {
    const gone: Fault = (_, memories) => {
      memories.clear()
      return { kind: 'conflict' }
    }
    const store = storeInMemory({ memories: { working: memory() }, faults: [gone] })
    expect(await remove(store)).toEqual({ kind: 'memoryNotFound' })
  })

  test("it is somebody else's now: refused", async () => {
    const given: Fault = (_, memories) => {
      memories.set('working', memory({ seqNo: 8, source: { memory_container_id: 'c', owner_id: 'bob' } }))
      return { kind: 'conflict' }
    }
    const store = storeInMemory({ memories: { working: memory() }, faults: [given] })
    expect(await remove(store)).toEqual({ kind: 'denied', by: 'owner' })
    expect(store.memories.size).toBe(1)
  })

  test('as often as it takes', async () => {
    const changed =
      (seqNo: number): Fault =>
      (_, memories) => {
        memories.set('working', memory({ seqNo }))
        return { kind: 'conflict' }
      }
    const store = storeInMemory({ memories: { working: memory() }, faults: [8, 9, 10, 11].map(changed) })
    expect(await remove(store)).toMatchObject({ kind: 'deleted' })
    expect(store.orders.map(({ seqNo }) => seqNo)).toEqual([7, 8, 9, 10, 11])
  })
})

describe('when nobody hears what became of an order', () => {
  test('gone: deleted, and what nobody can know is said to be unknown', async () => {
    const store = storeInMemory({ memories: { working: memory({ version: 41 }) }, faults: [unheard] })
    expect(await remove(store)).toEqual({
      kind: 'deleted',
      type: 'working',
      receipt: {
        index: 'acme-memory-working',
        memoryId: 'm',
        version: 42,
        shards: { total: 0, successful: 0, failed: 0 },
        seqNo: -2,
        primaryTerm: 0,
        forcedRefresh: false,
        recovered: true,
      },
    })
    expect(store.orders).toHaveLength(1)
  })

  test('gone: a version beyond the safe integers is counted exactly', async () => {
    const store = storeInMemory({ memories: { working: memory({ version: 2n ** 60n }) }, faults: [unheard] })
    expect(await remove(store)).toMatchObject({ receipt: { version: 2n ** 60n + 1n, recovered: true } })
  })

  test('still there: the same order goes out again', async () => {
    const store = storeInMemory({ memories: { working: memory() }, faults: [lost, lost] })
    expect(await remove(store)).toMatchObject({ kind: 'deleted', receipt: { recovered: false } })
    expect(store.orders.map(({ seqNo }) => seqNo)).toEqual([7, 7, 7])
  })

  test('still there, and the next order finds it gone: deleted all the same', async () => {
    const late: Fault = (carryOut) => {
      carryOut()
      return carryOut()
    }
    const store = storeInMemory({ memories: { working: memory() }, faults: [lost, late] })
    expect(await remove(store)).toMatchObject({ kind: 'deleted', receipt: { recovered: true } })
  })

  test('the look after it fails: the outcome is unknown, whatever the look says', async () => {
    const store = storeInMemory({
      memories: { working: memory() },
      faults: [unheard],
      beforeLook: (position) => {
        if (position === 2) throw new GatewayError('upstreamUnavailable')
      },
    })
    await expect(remove(store)).rejects.toMatchObject({
      code: 'outcomeUnknown',
      status: 504,
      cause: { code: 'upstreamUnavailable' },
    })
  })

  test('a look that fails before any order went out is only what it is', async () => {
    const store = storeInMemory({
      beforeLook: () => {
        throw new GatewayError('upstreamUnavailable')
      },
    })
    await expect(remove(store)).rejects.toMatchObject({ code: 'upstreamUnavailable', status: 502 })
  })

  test.each<[string, NonNullable<Parameters<typeof storeInMemory>[0]['beforeLook']>]>([
    [
      'of another container now',
      (position, memories) =>
        position === 2 && memories.set('working', memory({ source: { memory_container_id: 'd', owner_id: 'alice' } })),
    ],
    [
      "somebody else's now",
      (position, memories) =>
        position === 2 && memories.set('working', memory({ source: { memory_container_id: 'c', owner_id: 'bob' } })),
    ],
  ])('there again, %s: the outcome is unknown, and it stays', async (_, beforeLook) => {
    const store = storeInMemory({ memories: { working: memory() }, faults: [unheard], beforeLook })
    await expect(remove(store)).rejects.toMatchObject({ code: 'outcomeUnknown' })
    expect(store.memories.size).toBe(1)
    expect(store.orders).toHaveLength(1)
  })

  test('an error of the store itself is passed on', async () => {
    const store = storeInMemory({
      memories: { working: memory() },
      faults: [
        () => {
          throw new GatewayError('tooManyRequests')
        },
      ],
    })
    await expect(remove(store)).rejects.toMatchObject({ code: 'tooManyRequests' })
    expect(store.looks).toHaveLength(1)
  })

  // The second look may decide for another type than the order whose fate is unknown was for: two memories are gone then.
  test('gone from one type: the memory of the same id in the next type stays', async () => {
    const store = storeInMemory({ memories: { 'long-term': memory(), working: memory() }, faults: [unheard] })
    expect(await remove(store, { types: ['long-term', 'working'] })).toMatchObject({
      kind: 'deleted',
      type: 'long-term',
      receipt: { recovered: true },
    })
    expect([...store.memories.keys()]).toEqual(['working'])
  })

  test('an order after it fails for sure: the outcome of the first is still unknown', async () => {
    const refused: Fault = () => {
      throw new GatewayError('upstreamUnavailable')
    }
    const store = storeInMemory({ memories: { working: memory() }, faults: [lost, refused] })
    await expect(remove(store)).rejects.toMatchObject({ code: 'outcomeUnknown' })
  })
})

describe('an order that an earlier call left unconfirmed', () => {
  const ALL = ['long-term', 'working', 'sessions'] as const
  /** The first call hears neither of its order nor of the cluster after it. */
  async function leaveOpen(fault: Fault, differs: Partial<DeleteRequest> = {}): Promise<Open<UnconfirmedOrder>> {
    const open: Open<UnconfirmedOrder> = { order: undefined }
    const store = storeInMemory({
      memories: { working: memory({ version: 2n ** 60n }) },
      faults: [fault],
      beforeLook: (position) => {
        if (position > 1) throw new GatewayError('upstreamUnavailable')
      },
    })
    await expect(remove(store, differs, ALICE, open)).rejects.toMatchObject({ code: 'outcomeUnknown' })
    expect(open.order).toEqual({ type: 'working', index: 'acme-memory-working', version: 2n ** 60n })
    return open
  }

  test('and whose memory is gone by now has deleted it', async () => {
    const store = storeInMemory({})
    const outcome = await remove(store, { refresh: 'true' }, ALICE, await leaveOpen(unheard))
    expect(outcome).toMatchObject({
      kind: 'deleted',
      type: 'working',
      receipt: { recovered: true, version: 2n ** 60n + 1n, seqNo: -2, primaryTerm: 0, forcedRefresh: true },
    })
    expect(store.orders).toEqual([])
  })

  test('and whose memory is there is given again', async () => {
    const store = storeInMemory({ memories: { working: memory() } })
    const outcome = await remove(store, {}, ALICE, await leaveOpen(lost))
    expect(outcome).toMatchObject({ kind: 'deleted', receipt: { recovered: false } })
    expect(store.orders).toHaveLength(1)
  })

  test('says nothing of the same id in another type', async () => {
    const elsewhere = { memories: { 'long-term': memory(), sessions: memory() } } as const
    const store = storeInMemory(elsewhere)
    const outcome = await remove(store, { types: ALL }, ALICE, await leaveOpen(unheard, { types: ALL }))
    expect(outcome).toMatchObject({ kind: 'deleted', type: 'working', receipt: { recovered: true } })
    expect([...store.memories.keys()]).toEqual(['long-term', 'sessions'])
  })

  test.each<[string, Parameters<typeof storeInMemory>[0], DeleteOutcome]>([
    ['the container is gone', { container: undefined }, { kind: 'containerNotFound' }],
    [
      'the caller is not admitted any more',
      { container: { ...PLAIN_CONTAINER, owner: { name: 'bob' } } },
      { kind: 'denied', by: 'container' },
    ],
    [
      'somebody else has a memory there now',
      { memories: { working: memory({ source: { memory_container_id: 'c', owner_id: 'bob' } }) } },
      { kind: 'denied', by: 'owner' },
    ],
    [
      'another container has one',
      { memories: { working: memory({ source: { memory_container_id: 'd', owner_id: 'alice' } }) } },
      { kind: 'memoryNotFound' },
    ],
    [
      'the container has moved to another index',
      { container: { ...PLAIN_CONTAINER, configuration: { index_prefix: 'other', use_system_index: false } } },
      { kind: 'memoryNotFound' },
    ],
    [
      'the index is gone',
      { missingIndices: ['working'] },
      { kind: 'indexMissing', index: 'acme-memory-working' as BackingIndex },
    ],
  ])('proves nothing where %s: decided anew', async (_, setup, expected) => {
    expect(await remove(storeInMemory(setup), {}, ALICE, await leaveOpen(unheard))).toEqual(expected)
  })

  test('stays open while the cluster cannot be asked', async () => {
    const open = await leaveOpen(unheard)
    const { order } = open
    const away = storeInMemory({
      beforeLook: () => {
        throw new GatewayError('circuitOpen')
      },
    })
    await expect(remove(away, {}, ALICE, open)).rejects.toMatchObject({ code: 'circuitOpen' })
    expect(open.order).toEqual(order)
    expect(await remove(storeInMemory({}), {}, ALICE, open)).toMatchObject({ kind: 'deleted' })
  })
})
