import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { describe, expect, test } from '@jest/globals'

import { findRoute } from '../../../../src/core/guard/find-route.ts'
import { API_ROWS } from '../../../../src/core/guard/routes.ts'
import { parseTarget } from '../../../../src/core/target.ts'
import { routesOfClient } from '../../../routes/read-specification.ts'
import { REVIEWED_APIS } from '../../../routes/reviewed-apis.ts'

interface Specified {
  readonly routes: readonly string[]
}

/** `api METHOD /path` of the server's specification, as the script found them. */
async function specified(): Promise<readonly string[]> {
  const file = join(import.meta.dirname, '../../../vectors/specified-routes.json')
  return (JSON.parse(await readFile(file, 'utf8')) as Specified).routes
}

/** Fills in a template's parameters with a plain name each. */
function find(method: string, path: string): ReturnType<typeof findRoute> {
  return findRoute(method, parseTarget(path.replaceAll(/\{(\w+)\}/g, 'some-$1')))
}

describe('the table of routes', () => {
  test('has every route of the server’s specification, under the API’s own name', async () => {
    const routes = await specified()
    expect(routes.length).toBeGreaterThan(300)
    for (const route of routes) {
      const [api, method = '', path = ''] = route.split(' ')
      const found = find(method, path)
      expect({ route, isKnown: found !== undefined }).toEqual({ route, isKnown: true })
      // Where two APIs share a route, its class is what counts.
      if (found?.row.api !== api) expect(found?.row.class).toBe(API_ROWS.find((row) => row.api === api)?.class)
    }
  })

  test('has every route of the official client, plugins included', async () => {
    const routes = await routesOfClient()
    expect(new Set(routes.map(({ api }) => api)).size).toBeGreaterThan(450)
    const missing = routes.filter(({ method, path }) => find(method, path) === undefined)
    expect(missing).toEqual([])
  })

  test('is admin, and may reach everything, for what nobody looked at', () => {
    for (const { api, class: level, reach } of API_ROWS) {
      if (!Object.hasOwn(REVIEWED_APIS, api))
        expect({ api, level, reach }).toEqual({ api, level: 'admin', reach: 'any' })
    }
  })

  test('says of each path of an API that names indices where they are', () => {
    const exempt = ['cluster.health', 'indices.analyze']
    for (const { api, reach, indices = [], absent, routes } of API_ROWS) {
      if (reach !== 'named') continue
      expect(indices.length).toBeGreaterThan(0)
      expect({ api, absent }).toEqual({ api, absent: exempt.includes(api) ? 'none' : 'all' })
      const names = indices.flatMap((name) => name.split('|'))
      for (const path of Object.keys(routes)) {
        // A parameter at the front of a path is always an index, or an alias.
        const first = /^\/\{(\w+)\}/.exec(path)?.[1]
        if (first !== undefined)
          expect({ api, path, names }).toEqual({ api, path, names: expect.arrayContaining([first]) })
      }
    }
  })
})

describe('finding a route', () => {
  test.each([
    ['GET /_search', 'search'],
    ['GET /a/_search', 'search'],
    ['GET /a/_search/', 'search'],
    ['GET /_all/_search', 'search'],
    ['GET /_all', 'indices.get'],
    ['GET /a%2Cb/_search', 'search'],
    ['GET /_cat/indices', 'cat.indices'],
    ['GET /_search/template', 'search_template'],
    ['POST /_search/scroll', 'scroll'],
    ['DELETE /_search/scroll/_all', 'clear_scroll'],
    ['GET /a/_mapping/field/x', 'indices.get_field_mapping'],
    ['GET /a/_doc/_search', 'get'],
    ['GET /', 'info'],
    ['GET /a/_%73earch', undefined],
    ['GET /a/_Search', undefined],
    ['GET /_unknown', undefined],
    ['GET /_unknown/_search', undefined],
    ['GET /%5Fall/_search', 'search'],
    ['GET /a//_search', undefined],
    ['PATCH /a/_doc/1', undefined],
    ['POST /', undefined],
  ])('%s: %s', (line, api) => {
    const [method = '', target = ''] = line.split(' ')
    expect(findRoute(method, parseTarget(target))?.row.api).toBe(api)
  })
})
