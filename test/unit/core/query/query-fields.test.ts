import { expect, test } from '@jest/globals'

import type { AccessPolicy } from '../../../../src/core/access.ts'
import { GatewayError } from '../../../../src/core/failure.ts'
import { memoryFieldsOf } from '../../../../src/core/query/query-fields.ts'

const KEYWORD = { type: 'keyword' }
const SUB_FIELD = { type: 'text', fields: { raw: KEYWORD } }

function policyOf(fields: readonly string[], unowned: 'deny' | 'allow' = 'deny'): AccessPolicy {
  return { ownership: { fields, unowned }, containersWithoutOwner: 'allow' }
}

function read(mappings: object, policy = policyOf(['owner_id']), forAnyOwner = false): unknown {
  try {
    return memoryFieldsOf('i', mappings, policy, forAnyOwner)
  } catch (error) {
    if (error instanceof GatewayError) return `${error.code}: ${error.message}`
    throw error
  }
}

function withOwner(owner_id: object | undefined, more: object = {}): object {
  return { properties: { memory_container_id: KEYWORD, ...(owner_id === undefined ? {} : { owner_id }), ...more } }
}

test.each([
  ['keyword', KEYWORD, 'owner_id', ['owner_id']],
  ['a keyword sub-field', SUB_FIELD, 'owner_id.raw', ['owner_id', 'owner_id.raw']],
  [
    'the first keyword sub-field that will do',
    { type: 'text', fields: { a: { type: 'text' }, b: { ...KEYWORD, normalizer: 'lower' }, c: KEYWORD } },
    'owner_id.c',
    ['owner_id', 'owner_id.c'],
  ],
])('%s is compared', (_, owner, field, presentIn) => {
  expect(read(withOwner(owner))).toEqual({
    container: {
      kind: 'keyword',
      field: 'memory_container_id',
      presentIn: ['memory_container_id'],
      ignoreAbove: Infinity,
    },
    owners: [{ kind: 'keyword', field, presentIn, ignoreAbove: Infinity }],
  })
})

test.each([
  ['text', { type: 'text' }, 'it is of type text'],
  ['text with a sub-field that is none', { type: 'text', fields: { k: { type: 'text' } } }, 'it is of type text'],
  ['text that is not indexed', { ...SUB_FIELD, index: false }, 'it is of type text'],
  ['a number', { type: 'long' }, 'it is of type long'],
  ['an alias', { type: 'alias', path: 'other' }, 'it is of type alias'],
  ['an object', { properties: { name: KEYWORD } }, 'it is of type object'],
  ['a keyword that is not indexed', { ...KEYWORD, index: false }, 'it is not indexed'],
  ['a normalizer', { ...KEYWORD, normalizer: 'lowercase' }, 'its normalizer'],
  ['a value for null', { ...KEYWORD, null_value: 'alice' }, 'its null_value'],
])('%s is refused', (_, owner, why) => {
  expect(read(withOwner(owner))).toContain('unsuitableMapping')
  expect(read(withOwner(owner))).toContain(`[owner_id]: ${why}`)
  expect(read({ properties: { memory_container_id: owner, owner_id: KEYWORD } })).toContain(
    `[memory_container_id]: ${why}`,
  )
})

test('a field into which another one is copied is refused, however deep that one is', () => {
  const copying = { author: { properties: { name: { type: 'keyword', copy_to: ['x', 'owner_id'] } } } }
  expect(read(withOwner(KEYWORD, copying))).toContain('copied into it')
  expect(read(withOwner(KEYWORD, { author: { type: 'keyword', copy_to: 'owner_id' } }))).toContain('copied into it')
})

test('what is not mapped is nowhere only where everything is mapped', () => {
  const policy = policyOf(['owner_id', 'namespace.user_id'])
  const namespace = { type: 'flat_object' }
  const unmapped = { kind: 'unmapped', presentIn: ['owner_id'] }
  expect(read(withOwner(undefined, { namespace }), policy)).toMatchObject({
    owners: [unmapped, { kind: 'flatObject' }],
  })
  expect(read({ dynamic: 'strict', ...withOwner(undefined, { namespace }) }, policy)).toMatchObject({
    owners: [unmapped, {}],
  })
  expect(read({ dynamic: 'false', ...withOwner(undefined, { namespace }) }, policy)).toContain('it is not mapped')
  expect(read(withOwner(KEYWORD, { namespace: { dynamic: false, properties: {} } }), policy)).toContain(
    'it is not mapped',
  )
  expect(read(withOwner(KEYWORD, { namespace: { enabled: false } }), policy)).toContain('its parent is not indexed')
  expect(read(withOwner(KEYWORD, { namespace: { type: 'nested', properties: {} } }), policy)).toContain(
    'of type nested',
  )
  expect(read({ properties: { owner_id: KEYWORD } })).toContain('[memory_container_id]: it is not mapped')
})

test('names too long to be indexed must not pass for none', () => {
  const short = { ...KEYWORD, ignore_above: 10 }
  expect(read(withOwner(short))).toMatchObject({ owners: [{ ignoreAbove: 10 }] })
  expect(read(withOwner(short), policyOf(['owner_id'], 'allow'))).toContain('its ignore_above')
  expect(read(withOwner(short, { b: KEYWORD }), policyOf(['owner_id', 'b']))).toContain('its ignore_above')
  const besideText = { type: 'text', fields: { raw: short } }
  expect(read(withOwner(besideText), policyOf(['owner_id'], 'allow'))).toMatchObject({ owners: [{ ignoreAbove: 10 }] })
})

test('whom the owner does not bind is not held up by how it is mapped', () => {
  expect(read(withOwner({ type: 'text' }), policyOf(['owner_id']), true)).toMatchObject({ owners: [] })
})
