import { describe, expect, test } from '@jest/globals'

import { backingIndexOf, parseContainer } from '../../../src/core/backing-index.ts'
import type { IndexOfType } from '../../../src/core/backing-index.ts'
import { MEMORY_TYPES } from '../../../src/core/memory.ts'
import type { MemoryType } from '../../../src/core/memory.ts'

/** The plainest configuration; a test names what differs. */
function configured(configuration: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { configuration: { index_prefix: 'acme', use_system_index: false, ...configuration } }
}

function indexOf(source: unknown, type: MemoryType): IndexOfType {
  return backingIndexOf(parseContainer('c', source).naming, type)
}

function nameOf(source: unknown, type: MemoryType): string {
  const found = indexOf(source, type)
  return found.kind === 'index' ? found.index : found.kind
}

describe('the index of a type', () => {
  test.each(MEMORY_TYPES)('%s is named after the prefix and the type', (type) => {
    expect(nameOf(configured({}), type)).toBe(`acme-memory-${type}`)
    expect(nameOf(configured({ use_system_index: true }), type)).toBe(`.plugins-ml-am-acme-memory-${type}`)
  })

  test.each([
    ['absent means true', undefined, '.plugins-ml-am-acme-memory-working'],
    ['null means absent', null, '.plugins-ml-am-acme-memory-working'],
    ['true', true, '.plugins-ml-am-acme-memory-working'],
    ['false', false, 'acme-memory-working'],
    ['text is no flag', 'false', 'unusable'],
    ['a number is no flag', 0, 'unusable'],
    ['a list is no flag', [false], 'unusable'],
  ])('use_system_index: %s', (_, value, expected) => {
    expect(nameOf({ configuration: { index_prefix: 'acme', use_system_index: value } }, 'working')).toBe(expected)
  })

  test.each([
    ['disable_session', true, { sessions: 'switchedOff', history: 'acme-memory-history' }],
    ['disable_session', false, { sessions: 'acme-memory-sessions', history: 'acme-memory-history' }],
    ['disable_session', undefined, { sessions: 'acme-memory-sessions', history: 'acme-memory-history' }],
    ['disable_session', null, { sessions: 'acme-memory-sessions', history: 'acme-memory-history' }],
    ['disable_session', 'true', { sessions: 'unusable', history: 'unusable', working: 'unusable' }],
    ['disable_history', true, { sessions: 'acme-memory-sessions', history: 'switchedOff' }],
    ['disable_history', false, { sessions: 'acme-memory-sessions', history: 'acme-memory-history' }],
    ['disable_history', undefined, { sessions: 'acme-memory-sessions', history: 'acme-memory-history' }],
    ['disable_history', 1, { sessions: 'unusable', history: 'unusable', working: 'unusable' }],
  ])('%s: %j', (flag, value, expected) => {
    const types: readonly MemoryType[] = MEMORY_TYPES.filter((type) => type in expected)
    const names = types.map((type) => [type, nameOf(configured({ [flag]: value }), type)])
    expect(Object.fromEntries(names)).toEqual(expected)
  })

  test.each(['working', 'long-term'] as const)('%s cannot be switched off', (type) => {
    const source = configured({ disable_session: true, disable_history: true })
    expect(nameOf(source, type)).toBe(`acme-memory-${type}`)
  })
})

describe('a prefix that is taken', () => {
  test.each([
    ['letters, digits and hyphens', 'acme-2'],
    ['an underscore within', 'ac_me'],
    ['a dot within', 'ac.me'],
    ['a dot in front: a hidden index', '.acme'],
    ['a plus, an exclamation mark and the like', 'a+b!c$d&e(f)g;h=i@j^k`l{m}n~'],
    ['small letters beyond ASCII', 'äöü中文'],
  ])('%s', (_, index_prefix) => {
    expect(nameOf(configured({ index_prefix }), 'working')).toBe(`${index_prefix}-memory-working`)
  })

  test('as long as an index may be named: 255 bytes', () => {
    const longest = 'a'.repeat(255 - '-memory-working'.length)
    expect(nameOf(configured({ index_prefix: longest }), 'working')).toHaveLength(255)
    expect(nameOf(configured({ index_prefix: `${longest}a` }), 'working')).toBe('unusable')
    // Bytes, not characters; and the longer name of another type does not fit.
    expect(nameOf(configured({ index_prefix: `${longest.slice(1)}é` }), 'working')).toBe('unusable')
    expect(nameOf(configured({ index_prefix: longest }), 'sessions')).toBe('unusable')
    expect(nameOf(configured({ index_prefix: longest, use_system_index: true }), 'working')).toBe('unusable')
  })
})

describe('a prefix that is never sent', () => {
  test.each([
    ['date math', '<acme-{now/d}>'],
    ['date math that hides the rest', '<acme>'],
    ['a wildcard', 'acme*'],
    ['nothing but a wildcard', '*'],
    ['a question mark', 'ac?me'],
    ['a list', 'acme,other'],
    ['a list that begins with another index', 'other-memory-working,acme'],
    ['an exclusion', '-acme'],
    ['an underscore in front', '_acme'],
    ['all indices', '_all'],
    ['a plus in front', '+acme'],
    ['capitals', 'Acme'],
    ['capitals beyond ASCII', 'Äcme'],
    ['a slash', 'acme/_doc'],
    ['a backslash', 'acme\\x'],
    ['a way out', '../acme'],
    ['a quote', 'ac"me'],
    ['a bar', 'ac|me'],
    ['a number sign', 'ac#me'],
    ['another cluster', 'remote:acme'],
    ['a space', 'ac me'],
    ['a space in front', ' acme'],
    ['a no-break space', 'ac\u00a0me'],
    ['a line break', 'ac\nme'],
    ['a NUL', 'ac\0me'],
    ['an invisible character', 'ac\u200bme'],
    ['a character that turns the direction', 'ac\u202eme'],
    ['half of a surrogate pair', 'ac\ud800me'],
    ['nothing', ''],
    ['a number', 7],
    ['a list of one', ['acme']],
    ['an object', { name: 'acme' }],
    ['true', true],
    ['null', null],
    ['absent', undefined],
  ])('%s: %j', (_, index_prefix) => {
    for (const use_system_index of [true, false]) {
      const system = index_prefix === undefined || index_prefix === null || typeof index_prefix !== 'string'
      const source = configured({ index_prefix, use_system_index })
      // Behind the fixed start of a system index a sign in front is not in front any more.
      const leads = !system && use_system_index && /^[-_+]/.test(index_prefix)
      expect(nameOf(source, 'working')).toBe(leads ? `.plugins-ml-am-${index_prefix}-memory-working` : 'unusable')
    }
  })
})

describe('a container that keeps its memories elsewhere, or belongs to a tenant', () => {
  test.each([
    ['a tenant', { tenant_id: 't' }, 'tenant_id'],
    ['a tenant of another spelling', { tenantId: 't' }, 'tenantId'],
    ['a remote store', { remote_store: { type: 'aoss' } }, 'remote_store'],
    ['a connector', { connector_id: 'x' }, 'connector_id'],
    ['an endpoint', { endpoint: 'https://elsewhere' }, 'endpoint'],
    ['another cluster', { cluster: 'elsewhere' }, 'cluster'],
  ])('%s: nothing is deleted', (_, fields, name) => {
    const why = `its field ${name} is not supported`
    expect(indexOf(configured(fields), 'working')).toEqual({ kind: 'unusable', why })
    expect(indexOf({ ...configured({}), ...fields }, 'working')).toEqual({ kind: 'unusable', why })
  })

  test.each(['tenant_id', 'remote_store', 'connector_id'])('%s: null is none', (name) => {
    expect(nameOf(configured({ [name]: null }), 'working')).toBe('acme-memory-working')
    expect(nameOf({ ...configured({}), [name]: null }, 'working')).toBe('acme-memory-working')
  })

  test('fields of the plugin that say nothing of a place are no obstacle', () => {
    const source = configured({
      llm_id: 'x',
      embedding_model_id: 'y',
      max_infer_size: 5,
      strategies: [{ type: 'SEMANTIC' }],
      parameters: { llm_result_path: '$.x' },
    })
    expect(nameOf({ ...source, name: 'A', description: 'a remote cluster of tenants' }, 'working')).toBe(
      'acme-memory-working',
    )
  })
})

describe('a document that is no container', () => {
  test.each([
    ['nothing', undefined],
    ['null', null],
    ['text', 'acme'],
    ['a list', [{ configuration: { index_prefix: 'acme' } }]],
    ['without a configuration', { name: 'A' }],
    ['a configuration of text', { configuration: 'acme' }],
    ['a configuration in a list', { configuration: [{ index_prefix: 'acme', use_system_index: false }] }],
    ['a prefix at the wrong place', { index_prefix: 'acme', use_system_index: false }],
  ])('%s', (_, source) => {
    const container = parseContainer('c', source)
    expect({
      usable: container.naming.usable,
      ownerName: container.ownerName,
      backendRoles: container.backendRoles,
    }).toEqual({
      usable: false,
      ownerName: undefined,
      backendRoles: [],
    })
  })
})

describe('who may use a container, as its document says', () => {
  test.each([
    ['an owner', { owner: { name: 'alice' } }, { ownerName: 'alice', backendRoles: [], hasOwner: true }],
    [
      'roles of its own',
      { backend_roles: ['eng', 'ops'] },
      { ownerName: undefined, backendRoles: ['eng', 'ops'], hasOwner: true },
    ],
    [
      "the owner's roles, where it has none",
      { owner: { name: 'a', backend_roles: ['eng'] } },
      { backendRoles: ['eng'], hasOwner: true },
    ],
    [
      'its own roles before those',
      { owner: { name: 'a', backend_roles: ['eng'] }, backend_roles: ['ops'] },
      { backendRoles: ['ops'] },
    ],
    ['nobody', {}, { ownerName: undefined, backendRoles: [], hasOwner: false }],
    [
      'null is nobody',
      { owner: null, backend_roles: null },
      { ownerName: undefined, backendRoles: [], hasOwner: false },
    ],
    ['an owner without a name is an owner', { owner: {} }, { ownerName: undefined, backendRoles: [], hasOwner: true }],
    ['an owner with an empty name', { owner: { name: '' } }, { ownerName: undefined, hasOwner: true }],
    ['an owner whose name is no text', { owner: { name: ['alice'] } }, { ownerName: undefined, hasOwner: true }],
    ['an owner who is no object', { owner: 'alice' }, { ownerName: undefined, hasOwner: true }],
    ['no roles at all are still said', { backend_roles: [] }, { backendRoles: [], hasOwner: true }],
    [
      'roles that are no texts, or empty, count for nothing',
      { backend_roles: ['', 7, null, 'eng'] },
      { backendRoles: ['eng'] },
    ],
    ['roles in a text are none', { backend_roles: 'eng' }, { backendRoles: [], hasOwner: true }],
  ])('%s', (_, source, expected) => {
    expect(parseContainer('c', source)).toMatchObject({ id: 'c', ...expected })
  })
})
