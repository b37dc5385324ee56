import { expect, test } from '@jest/globals'

import { MEMORY_OPERATIONS, MEMORY_PREFIX, MEMORY_ROUTES } from '../../../src/core/memory-routes.ts'
import { routeOf } from '../../../src/core/route.ts'
import { parseTarget } from '../../../src/core/target.ts'
import { concretePath, PLUGIN_ROUTES } from '../../vectors/plugin-routes.ts'

const rows = MEMORY_ROUTES.flatMap(({ template, operations }) =>
  Object.keys(operations).map((method) => `${method} /${[...MEMORY_PREFIX, ...template].join('/')}`),
)

test('every route of the plugin has a row, and every row is a route of the plugin', () => {
  const routes = PLUGIN_ROUTES.map(({ method, path }) => `${method} ${path}`)
  expect(rows.toSorted()).toEqual(routes.toSorted())
  expect(new Set(rows).size).toBe(rows.length)
})

test.each(PLUGIN_ROUTES)('$method $path is known, and is what its row says', ({ method, path }) => {
  const route = routeOf(method, parseTarget(concretePath(path)))
  expect(route.kind).not.toBe('unknownMemoryRoute')
  expect(Object.keys(MEMORY_OPERATIONS)).toContain(route.kind)
  expect(route).toMatchObject({
    containerId: path.includes('{container}') && !path.includes('_retention') ? 'some-container' : expect.any(String),
    typeText: path.includes('{type}') ? 'working' : '',
    memoryId: path.includes('{id}') ? 'some-memory' : '',
  })
})

test('every operation has a route, but for the one that stands for all others', () => {
  const served = MEMORY_ROUTES.flatMap(({ operations }) => Object.values(operations))
  const without = Object.keys(MEMORY_OPERATIONS).filter((name) => !served.some((operation) => operation === name))
  expect(without).toEqual(['unknownMemoryRoute'])
})

test('what is not served here and not checked here is for administrators only', () => {
  for (const [name, { served, scopes }] of Object.entries(MEMORY_OPERATIONS)) {
    const isAdmin = scopes.some((scope) => scope === 'opensearch:admin')
    expect({ name, isAdmin }).toEqual({ name, isAdmin: served === 'admin' })
    if (isAdmin) expect({ name, scopes }).toEqual({ name, scopes: ['opensearch:admin'] })
  }
})
