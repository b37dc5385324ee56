import { describe, expect, test } from '@jest/globals'

import { GatewayError } from '../../../src/core/failure.ts'
import { dialectOf, dialectOfRawTarget, routeOf } from '../../../src/core/route.ts'
import type { Route } from '../../../src/core/route.ts'
import { parseTarget } from '../../../src/core/target.ts'
import { legacyTargets, memoryTargets, prefixTargets } from '../../vectors/targets.ts'
import type { TargetCase } from '../../vectors/targets.ts'

function routed({ method, target }: TargetCase): Route | string {
  try {
    return routeOf(method, parseTarget(target))
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'ambiguousTarget') return 'refused'
    throw error
  }
}

describe.each([
  ["a memory's path", memoryTargets],
  ['a prefix spelt otherwise', prefixTargets],
  ['the legacy API', legacyTargets],
])('%s', (_, cases) => {
  test.each(cases)('$sentence: $method $target', (one) => {
    expect(routed(one)).toEqual(one.expected)
  })
})

test('a refused target of the legacy API is refused in its words', () => {
  const refused = legacyTargets.filter(({ expected }) => expected === 'refused').map(({ target }) => target)
  const dialects = new Map(refused.map((target) => [target, dialectOfRawTarget(target)]))
  expect([...dialects].filter(([, dialect]) => dialect === 'memoryPlugin').map(([target]) => target)).toEqual([
    '/API/memories/m',
    '/api/Memories/m',
    '/api//memories/m',
    '//api/memories/m',
    '/api/memories/..',
    '/api/memories/../../_all',
  ])
})

test.each([
  ['/api/memories/%zz', 'memoryPlugin'],
  ['/api/memories', 'memoryPlugin'],
  ['/api/memories?x', 'memoryPlugin'],
  ['/api/memories;x', 'memoryPlugin'],
  ['/api/memoriesx', 'opensearch'],
  ['/x/api/memories/m', 'opensearch'],
  ['http://host/api/memories/m', 'opensearch'],
  ['*', 'opensearch'],
  ['', 'opensearch'],
])('the raw target %s is answered in the dialect %s', (target, dialect) => {
  expect(dialectOfRawTarget(target)).toBe(dialect)
})

test('every route has the dialect of its path', () => {
  const parsed = [...memoryTargets, ...prefixTargets, ...legacyTargets].filter(({ expected }) => expected !== 'refused')
  const dialects = parsed.map((one) => {
    const route = routeOf(one.method, parseTarget(one.target))
    return {
      target: one.target,
      dialect: dialectOf(route),
      isLegacy: legacyTargets.includes(one) && route.kind !== 'passThrough',
    }
  })
  for (const { target, dialect, isLegacy } of dialects) {
    expect({ target, dialect }).toEqual({ target, dialect: isLegacy ? 'memoryPlugin' : 'opensearch' })
  }
})
