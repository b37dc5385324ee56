import { describe, expect, test } from '@jest/globals'

import { containerNamedBy, isOf, personNamed } from '../../../../src/core/erasure/person.ts'

const policy = {
  ownership: { fields: ['owner_id', 'meta.user'], unowned: 'allow' as const },
  containersWithoutOwner: 'deny' as const,
}
const alice = { name: 'alice', namespace: {} }
const named = { name: 'nobody', namespace: { user_id: 'alice', 'app.id': 'x' } }

describe('whose a memory is', () => {
  test.each([
    [true, { owner_id: 'alice' }],
    [true, { owner_id: null, meta: { user: 'alice' } }],
    [true, { 'meta.user': 'alice' }],
    [false, { owner_id: 'bob', meta: { user: 'alice' } }],
    [false, { owner_id: ['alice'] }],
    [false, { owner_id: 'alice ' }],
    [false, { owner_id: '', meta: { user: 'alice' } }],
    [false, { meta: { user: 'alice' }, 'meta.user': 'bob' }],
    [false, {}],
    [false, undefined],
    [false, 'alice'],
  ])('by its owner: %s for %j', (isTheirs, source) => {
    expect(isOf(alice, source, policy)).toBe(isTheirs)
  })

  test.each([
    [true, { owner_id: 'bob', namespace: { user_id: 'alice', app: { id: 'x' } } }],
    [true, { namespace: { user_id: 'alice', 'app.id': 'x', session_id: 's' } }],
    [false, { namespace: { user_id: 'alice' } }],
    [false, { namespace: { user_id: ['alice'], 'app.id': 'x' } }],
    [false, { namespace: { 'user_id=alice': 1, 'app.id': 'x' } }],
    [false, { user_id: 'alice', 'app.id': 'x' }],
  ])('by its namespace: %s for %j', (isTheirs, source) => {
    expect(isOf(named, source, policy)).toBe(isTheirs)
  })

  test('a container is named by a text alone', () => {
    expect(containerNamedBy({ memory_container_id: 'c' })).toBe('c')
    for (const id of [['c'], null, '', 1, {}]) expect(containerNamedBy({ memory_container_id: id })).toBeUndefined()
    expect(containerNamedBy(undefined)).toBeUndefined()
  })
})

test('a subject is one person: with its issuer where there are several, and under its prefix', () => {
  const a = { issuer: 'https://a.test', namePrefix: '' }
  const b = { issuer: 'https://b.test', namePrefix: 'b:' }
  expect(personNamed({ subject: 'x' }, [b])).toEqual({ name: 'b:x', namespace: {} })
  expect(personNamed({ subject: 'x', issuer: b.issuer }, [a, b])).toMatchObject({ name: 'b:x' })
  expect(personNamed({ subject: 'x' }, [a, b])).toContain('several issuers')
  expect(personNamed({ subject: 'x', issuer: 'https://c.test' }, [a, b])).toContain('none of')
})
