import { readFileSync } from 'node:fs'

import { expect, test } from '@jest/globals'

import { MEMORY_OPERATIONS, MEMORY_PREFIX, MEMORY_ROUTES } from '../../src/core/memory-routes.ts'

const SERVED_BY = { ours: 'gateway', forwarded: 'checked, then plugin', admin: 'plugin' } as const

test('the table of memory routes for users is the one by which they are served', () => {
  const page = readFileSync(new URL('../../docs/clients.md', import.meta.url), 'utf8')
  const [, table = ''] = /<!-- routes: begin -->([^]*)<!-- routes: end -->/.exec(page) ?? []
  const cells = table
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
  const rows = MEMORY_ROUTES.flatMap(({ template, operations }) =>
    Object.entries(operations).map(([method, operation]) => {
      const { scopes, served } = MEMORY_OPERATIONS[operation]
      const path = template.map((part) => part.replace('{', '<').replace('}', '>')).join('/')
      return [`\`${method} .../${path}\``, scopes.map((scope) => `\`${scope}\``).join(' or '), SERVED_BY[served]]
    }),
  )
  expect(MEMORY_PREFIX.join('/')).toBe('_plugins/_ml/memory_containers')
  expect(cells).toEqual(rows)
})
