import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'

import { loadConfig, parseConfig } from '../../../src/config/load.ts'
import { schema } from '../../../src/config/schema.ts'

const FILE = join(import.meta.dirname, '../../../config/gateway.yaml')
const NOTHING = { env: {}, check: () => [] }

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
  readonly additionalProperties?: JsonSchema | boolean
}

/** Every path of the file's schema, as in `auth.issuers.*.issuer`. */
function pathsOf({ properties, items, additionalProperties }: JsonSchema, path = ''): readonly string[] {
  if (items?.properties !== undefined) return pathsOf(items, `${path}.*`)
  if (typeof additionalProperties === 'object') return pathsOf(additionalProperties, `${path}.*`)
  if (properties === undefined) return [path]
  return Object.entries(properties).flatMap(([name, inner]) => pathsOf(inner, path === '' ? name : `${path}.${name}`))
}

describe('config/gateway.yaml', () => {
  const text = readFileSync(FILE, 'utf8')

  test('is valid as it is', () => {
    expect(loadConfig(FILE, NOTHING).clusters).toHaveProperty('main')
  })

  test('shows the default of every setting that has one', () => {
    const shown = parseConfig(text, FILE, NOTHING)
    const minimal = schema.parse({
      auth: { issuers: [{ issuer: 'https://memory-gateway.local', audience: 'memory-gateway', jwks: { file: 'k' } }] },
      clusters: { main: { nodes: ['http://127.0.0.1:9200'], service: { kind: 'none' } } },
    })
    const [issuer] = minimal.auth.issuers
    expect(shown).toEqual({
      ...minimal,
      auth: { ...minimal.auth, issuers: [{ ...issuer, jwks: shown.auth.issuers[0]?.jwks }] },
    })
  })

  test('names every setting there is, be it in a comment', () => {
    const file = join(import.meta.dirname, '../../../config/gateway.schema.json')
    const settings = pathsOf(JSON.parse(readFileSync(file, 'utf8')) as JsonSchema).map(
      (path) => path.split('.').at(-1) ?? '',
    )
    expect(settings.length).toBeGreaterThan(50)
    const named = settings.filter((name) => name !== '*' && !new RegExp(`\\b${name}\\b`).test(text))
    expect(named).toEqual([])
    // Without routes the only cluster takes all: they are shown in a comment.
    expect(Object.keys(parse(text) as object)).toEqual(Object.keys(schema.shape).filter((name) => name !== 'routes'))
  })
})
