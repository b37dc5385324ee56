import { describe, expect, test } from '@jest/globals'

import { admits, fieldsToRead, owns, requireScope, valuesAt } from '../../../src/core/access.ts'
import type { AccessPolicy } from '../../../src/core/access.ts'
import { parseContainer } from '../../../src/core/backing-index.ts'
import { GatewayError } from '../../../src/core/failure.ts'
import type { Principal } from '../../../src/core/principal.ts'

function principal(differs: Partial<Principal> = {}): Principal {
  return {
    subject: 'alice',
    issuer: 'https://issuer.test',
    scopes: new Set(['memory:delete']),
    roles: [],
    backendRoles: [],
    container: undefined,
    containers: [],
    claims: new Map(),
    expiresAt: 4_000_000_000,
    ...differs,
  }
}

function policy(
  ownership: Partial<AccessPolicy['ownership']> = {},
  containersWithoutOwner: AccessPolicy['containersWithoutOwner'] = 'deny',
): AccessPolicy {
  return { ownership: { fields: ['owner_id'], unowned: 'deny', ...ownership }, containersWithoutOwner }
}

const ANY = principal({ subject: 'root', scopes: new Set(['memory:delete:any']) })

describe('who is admitted to a container', () => {
  test.each([
    ['its owner', { owner: { name: 'alice' } }, {}, true],
    ['not somebody else', { owner: { name: 'alice' } }, { subject: 'bob' }, false],
    ['not a name that only begins so', { owner: { name: 'alice' } }, { subject: 'alice2' }, false],
    ['not the same name in capitals', { owner: { name: 'alice' } }, { subject: 'Alice' }, false],
    ['not a subject of another issuer', { owner: { name: 'alice' } }, { subject: 'idp2:alice' }, false],
    [
      'who shares a backend role',
      { owner: { name: 'bob' }, backend_roles: ['ops', 'eng'] },
      { backendRoles: ['eng'] },
      true,
    ],
    [
      'who shares a backend role of its owner',
      { owner: { name: 'bob', backend_roles: ['eng'] } },
      { backendRoles: ['eng'] },
      true,
    ],
    [
      'not by the role of its owner where it has roles of its own',
      { owner: { name: 'bob', backend_roles: ['eng'] }, backend_roles: ['ops'] },
      { backendRoles: ['eng'] },
      false,
    ],
    ['its owner whatever the roles', { owner: { name: 'alice' }, backend_roles: ['ops'] }, {}, true],
    [
      'not by a role that is none of the backend',
      { owner: { name: 'bob' }, backend_roles: ['eng'] },
      { roles: ['eng'] },
      false,
    ],
    ['not by a role that is longer', { backend_roles: ['eng'] }, { backendRoles: ['engineering'] }, false],
    ['not by no roles on either side', { owner: { name: 'bob' }, backend_roles: [] }, { backendRoles: [] }, false],
    [
      'not by an empty role on either side',
      { owner: { name: 'bob' }, backend_roles: [''] },
      { backendRoles: [''] },
      false,
    ],
    [
      'not by the role all_access',
      { owner: { name: 'bob' } },
      { roles: ['all_access'], backendRoles: ['all_access'] },
      false,
    ],
    ['not by the role admin', { owner: { name: 'bob' } }, { roles: ['admin'], backendRoles: ['admin'] }, false],
    ['who may delete anything', { owner: { name: 'bob' } }, { scopes: ANY.scopes }, true],
    [
      'not by a scope with another name',
      { owner: { name: 'bob' } },
      { scopes: new Set(['memory:delete', 'memory:delete:container', 'opensearch:admin']) },
      false,
    ],
    ['not by a claim of containers, where it has an owner', { owner: { name: 'bob' } }, { containers: ['c'] }, false],
    ['nobody, where the owner has no name', { owner: {} }, {}, false],
    ['nobody, where the owner is no object', { owner: 'alice' }, {}, false],
  ])('%s', (_, document, caller, expected) => {
    for (const withoutOwner of ['allow', 'scope', 'deny'] as const) {
      expect(
        admits(parseContainer('c', document), principal(caller), policy({}, withoutOwner), 'memory:delete:any'),
      ).toBe(expected)
    }
  })

  test.each([
    ['allow', {}, true],
    ['allow', { containers: [] }, true],
    ['scope', { containers: ['c'] }, true],
    ['scope', { containers: ['a', 'c'] }, true],
    ['scope', { containers: [] }, false],
    ['scope', { containers: ['cc', 'C', ''] }, false],
    ['scope', { container: 'c' }, false],
    ['deny', { containers: ['c'] }, false],
    ['deny', { roles: ['all_access'] }, false],
    ['deny', { scopes: ANY.scopes }, true],
    ['scope', { scopes: ANY.scopes }, true],
  ] as const)('without an owner, where the setting is %s: %j', (setting, caller, expected) => {
    expect(admits(parseContainer('c', {}), principal(caller), policy({}, setting), 'memory:delete:any')).toBe(expected)
    expect(
      admits(
        parseContainer('c', { owner: null, backend_roles: null }),
        principal(caller),
        policy({}, setting),
        'memory:delete:any',
      ),
    ).toBe(expected)
  })
})

describe('whose a memory is', () => {
  const nested = policy({ fields: ['owner_id', 'namespace.user_id'] })
  test.each([
    ['its owner', policy(), { owner_id: 'alice' }, true],
    ['not somebody else', policy(), { owner_id: 'bob' }, false],
    ['not a longer name', policy(), { owner_id: 'alice ' }, false],
    ['not a list that holds the owner', policy(), { owner_id: ['alice'] }, false],
    ['not an object', policy(), { owner_id: { name: 'alice' } }, false],
    ['not a number', policy(), { owner_id: 7 }, false],
    ['nobody, where there is no owner', policy(), {}, false],
    ['null is absence', policy(), { owner_id: null }, false],
    ['an empty text is an owner nobody is', policy({ unowned: 'allow' }), { owner_id: '' }, false],
    ['an empty list is an owner nobody is', policy({ unowned: 'allow' }), { owner_id: [] }, false],
    ['anyone, where that is the setting and there is no owner', policy({ unowned: 'allow' }), {}, true],
    ['anyone, where that is the setting and the owner is null', policy({ unowned: 'allow' }), { owner_id: null }, true],
    ['only the owner, whatever the setting', policy({ unowned: 'allow' }), { owner_id: 'bob' }, false],
    ['the first field that is there decides', nested, { owner_id: 'alice', namespace: { user_id: 'bob' } }, true],
    ['even against', nested, { owner_id: 'bob', namespace: { user_id: 'alice' } }, false],
    ['the second, where the first is not there', nested, { namespace: { user_id: 'alice' } }, true],
    ['the second, where the first is null', nested, { owner_id: null, namespace: { user_id: 'alice' } }, true],
    ['the second, against', nested, { namespace: { user_id: 'bob' } }, false],
    ['the second, with a dot in its key', nested, { 'namespace.user_id': 'alice' }, true],
    ['both spellings, of one mind', nested, { 'namespace.user_id': 'alice', namespace: { user_id: 'alice' } }, true],
    ['both spellings, of two minds', nested, { 'namespace.user_id': 'alice', namespace: { user_id: 'bob' } }, false],
    [
      'a spelling that is null says nothing',
      nested,
      { 'namespace.user_id': null, namespace: { user_id: 'alice' } },
      true,
    ],
    ['neither field', nested, { namespace: { session_id: 'alice' } }, false],
    ['a namespace that is a list', nested, { namespace: [{ user_id: 'alice' }] }, false],
    ['a namespace that is text', nested, { namespace: 'alice' }, false],
    ['no fields at all: nobody owns anything', policy({ fields: [] }), { owner_id: 'alice' }, false],
    ['a source that is null', policy(), null, false],
    ['a source that is a list', policy(), [{ owner_id: 'alice' }], false],
    ['a field that every object inherits', policy({ fields: ['constructor.name'] }), {}, false],
    ['an owner that is inherited', policy(), Object.create({ owner_id: 'alice' }) as object, false],
  ])('%s', (_, rules, source, expected) => {
    expect(owns(source, principal(), rules, 'memory:delete:any')).toBe(expected)
    expect(owns(source, ANY, rules, 'memory:delete:any')).toBe(true)
    expect(
      owns(
        source,
        principal({ subject: 'eve', roles: ['all_access'], backendRoles: ['all_access'] }),
        rules,
        'memory:delete:any',
      ),
    ).toBe(rules.ownership.unowned === 'allow' && valuesAt(source, ['owner_id']).length === 0)
  })
})

describe('all values under a path', () => {
  test.each([
    ['one key', { a: 1 }, 'a', [1]],
    ['nested', { a: { b: { c: 1 } } }, 'a.b.c', [1]],
    ['dotted', { 'a.b.c': 1 }, 'a.b.c', [1]],
    ['dotted at the end', { a: { 'b.c': 1 } }, 'a.b.c', [1]],
    ['dotted at the start', { 'a.b': { c: 1 } }, 'a.b.c', [1]],
    ['every spelling there is', { a: { b: { c: 1 }, 'b.c': 2 }, 'a.b': { c: 3 }, 'a.b.c': 4 }, 'a.b.c', [1, 2, 3, 4]],
    ['false and zero are values', { a: false, b: 0 }, 'a', [false]],
    ['null is none', { a: null }, 'a', []],
    ['null on the way', { a: null }, 'a.b', []],
    ['a list is one value', { a: [1, 2] }, 'a', [[1, 2]]],
    ['nothing is found in a list', { a: [{ b: 1 }] }, 'a.b', []],
    ['nothing is found in a text', { a: 'b' }, 'a.length', []],
    ['an own key of a bad name is found', JSON.parse('{"__proto__":{"b":1}}') as object, '__proto__.b', [1]],
  ])('%s', (_, source, path, expected) => {
    expect(valuesAt(source, path.split('.'))).toEqual(expected)
  })
})

test('what is read of a memory is what the decision needs, at the top level', () => {
  expect(fieldsToRead(policy())).toEqual(['memory_container_id', 'owner_id'])
  expect(fieldsToRead(policy({ fields: ['owner_id', 'namespace.user_id', 'namespace.agent_id'] }))).toEqual([
    'memory_container_id',
    'owner_id',
    'namespace',
  ])
  expect(fieldsToRead(policy({ fields: [] }))).toEqual(['memory_container_id'])
})

describe('a scope', () => {
  test('any of those named will do', () => {
    expect(() => requireScope(principal(), 'memory:delete', 'memory:delete:any')).not.toThrow()
    expect(() => requireScope(ANY, 'memory:delete', 'memory:delete:any')).not.toThrow()
  })

  test.each([
    [[]],
    [['memory:read']],
    [['memory:delete:container']],
    [['memory']],
    [['memory:*']],
    [['*']],
    [['MEMORY:DELETE']],
    [['memory:delete ']],
  ])('%j is none of them, and the first is named', (scopes) => {
    const error: unknown = catchError(() =>
      requireScope(
        principal({ scopes: new Set(scopes), roles: ['memory:delete'] }),
        'memory:delete',
        'memory:delete:any',
      ),
    )
    expect(error).toBeInstanceOf(GatewayError)
    expect(error).toMatchObject({ code: 'insufficientScope', status: 403, scope: 'memory:delete' })
  })
})

function catchError(run: () => void): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}
