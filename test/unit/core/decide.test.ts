import { describe, expect, test } from '@jest/globals'

import { parseContainer } from '../../../src/core/backing-index.ts'
import { decide, decideContainer, decideIndex } from '../../../src/core/decide.ts'
import { GatewayError } from '../../../src/core/failure.ts'
import type { MemoryType } from '../../../src/core/memory.ts'
import type { Override, Principal } from '../../../src/core/principal.ts'
import { memory, PLAIN_CONTAINER, storeInMemory } from './store-in-memory.ts'

const POLICY = { ownership: { fields: ['owner_id'], unowned: 'deny' }, containersWithoutOwner: 'deny' } as const
const OVERRIDES: readonly Override[] = ['memory:delete:any', 'memory:read:any', 'memory:write:any']

function caller(subject: string, ...scopes: readonly string[]): Principal {
  return {
    subject,
    issuer: 'https://issuer.test',
    scopes: new Set(scopes),
    roles: [],
    backendRoles: [],
    container: undefined,
    containers: [],
    claims: new Map(),
    expiresAt: 4_000_000_000,
  }
}

const container = (differs: Readonly<Record<string, unknown>> = {}) =>
  parseContainer('c', { ...PLAIN_CONTAINER, ...differs })

describe('an override opens one kind of work, and no other', () => {
  const pairs = OVERRIDES.flatMap((held) => OVERRIDES.map((asked) => ({ held, asked })))

  test.each(pairs)('$held for work that $asked opens', async ({ held, asked }) => {
    const store = storeInMemory({ memories: { working: memory() } })
    const look = await store.look({ containerId: 'c', types: ['working'], memoryId: 'm' })
    const eve = caller('eve', held)
    const expected = held === asked ? 'granted' : 'denied'
    expect(decide(look, eve, POLICY, asked).kind).toBe(expected)
    expect(decideContainer(container(), eve, POLICY, asked).kind).toBe(expected)
    expect(decideIndex(container(), 'working', eve, POLICY, asked).kind).toBe(expected)
  })
})

describe('all memories of one type', () => {
  const alice = caller('alice')
  const decided = (type: MemoryType, differs?: Readonly<Record<string, unknown>>): unknown =>
    decideIndex(container(differs), type, alice, POLICY, 'memory:read:any')
  const configuration = { ...PLAIN_CONTAINER.configuration, disable_session: true, disable_history: true }

  test('are in the index that the container names', () => {
    expect(decided('long-term')).toMatchObject({ kind: 'granted', index: 'acme-memory-long-term' })
  })

  test('of a container that nobody knows', () => {
    expect(decideIndex(undefined, 'working', alice, POLICY, 'memory:read:any')).toEqual({ kind: 'containerNotFound' })
  })

  test.each(['sessions', 'history'] as const)('%s that are switched off', (type) => {
    expect(decided(type, { configuration })).toEqual({ kind: 'indexNotFound' })
  })

  test('where the container names nothing that can be used, whoever asks is told first that they may not', () => {
    expect(decided('working', { owner: { name: 'bob' }, configuration: {} })).toEqual({
      kind: 'denied',
      by: 'container',
    })
    expect(() => decided('working', { configuration: {} })).toThrow(new GatewayError('unusableContainer').message)
  })
})
