import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { describe, expect, test } from '@jest/globals'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'

import { FAILURES } from '../../../src/core/failure.ts'
import type { FailureCode } from '../../../src/core/failure.ts'
import { MEMORY_OPERATIONS, MEMORY_PREFIX, MEMORY_ROUTES } from '../../../src/core/memory-routes.ts'
import { routeOf } from '../../../src/core/route.ts'
import { parseTarget } from '../../../src/core/target.ts'
import { scopesFor } from '../../../src/handlers/work-of.ts'
import { opsRoutes } from '../../../src/ops/routes.ts'
import { DESCRIPTION, OPERATIONS, pointerTo, resolved } from '../../support/api-description.ts'
import { FAILURES_OF } from '../../vectors/failures-of-operations.ts'
import { TRANSCRIPTS } from '../../vectors/transcripts.ts'

const SERVED_BY = { ours: 'gateway', forwarded: 'checked', admin: 'cluster' } as const
const file = fileURLToPath(new URL('../../../config/openapi.yaml', import.meta.url))
const firstPort = OPERATIONS.filter(({ isOps }) => !isOps)
/** What the gateway takes a described request for. */
const routes = firstPort.map((one) => ({
  ...one,
  route: routeOf(one.method, parseTarget(one.path.replaceAll('{', '%7B').replaceAll('}', '%7D'))),
}))

test('it is valid OpenAPI 3.1, of this version', async () => {
  const validator = new Validator()
  expect(await validator.validate(file)).toEqual({ valid: true })
  expect(validator.version).toBe('3.1')
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  expect(DESCRIPTION.info.version).toBe(version)
})

test('each operation has a name of its own', () => {
  const names = OPERATIONS.map(({ operation }) => operation.operationId)
  expect(new Set(names).size).toBe(names.length)
})

describe('the first port', () => {
  test('the memory routes are those of the table, with who serves them', () => {
    const table = MEMORY_ROUTES.flatMap(({ template, operations }) =>
      Object.entries(operations).map(([method, operation]) => [
        `${method} /${[...MEMORY_PREFIX, ...template].join('/')}`,
        operation,
        SERVED_BY[MEMORY_OPERATIONS[operation].served],
      ]),
    )
    const described = routes
      .filter(({ path }) => path.startsWith(`/${MEMORY_PREFIX.join('/')}/`))
      .map(({ method, path, route, operation }) => [`${method} ${path}`, route.kind, operation['x-served-by']])
    expect(described.sort()).toEqual(table.sort())
  })

  test('the legacy routes are those that are routed', () => {
    const described = routes.filter(({ path }) => path.startsWith('/api/')).map(({ method, path }) => [method, path])
    const methods = ['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS']
    const routed = ['/api/memories/{id}', '/api/memories/bulk-delete'].flatMap((path) =>
      methods
        .filter((method) => routeOf(method, parseTarget(path.replace('{id}', 'x'))).kind !== 'wrongMethod')
        .map((method) => [method, path]),
    )
    expect(described.sort()).toEqual(routed.sort())
  })

  test('nothing else is described', () => {
    const kinds = routes.map(({ route }) => route.kind)
    expect(
      kinds.filter((kind) => ['passThrough', 'noHandler', 'wrongMethod', 'unknownLegacyPath'].includes(kind)),
    ).toEqual([])
  })

  test.each(routes)('$method $path: the scopes are those that open it', ({ route, operation }) => {
    const named = (operation.security ?? []).flatMap((one) => one['token'] ?? [])
    expect(named).toEqual(scopesFor(route) ?? [])
  })

  test.each(routes.filter(({ route }) => !['legacyOptions', 'receiptKeys'].includes(route.kind)))(
    '$method $path: every failure that it can end with is there',
    ({ route, operation }) => {
      const codes = (Object.keys(FAILURES) as FailureCode[]).filter((code) => {
        const operations = FAILURES_OF[code]
        return operations === 'every' || operations.some((one) => one === route.kind)
      })
      const statuses = new Set(codes.map((code) => String(FAILURES[code].status)))
      expect([...statuses].filter((status) => !(status in operation.responses) && !isRange(operation, status))).toEqual(
        [],
      )
    },
  )
})

/** A GET that is handed on has no body that could be refused. */
function isRange({ responses }: { readonly responses: object }, status: string): boolean {
  return `${status[0] ?? ''}XX` in responses
}

test('the ops port has the rows of its table, and asks for its token where they do', () => {
  const nothing = (): never => {
    throw new Error('not asked')
  }
  const table = opsRoutes({
    checks: nothing,
    metrics: { expose: nothing },
    configuration: { report: nothing, reload: nothing },
    explain: nothing,
    revoke: undefined,
    log: { failure: nothing },
    erasures: { off: nothing, plan: nothing, apply: nothing, cancel: nothing, list: nothing, read: nothing },
    parseYaml: nothing,
    access: nothing,
    status: {
      version: '',
      readings: { clusters: nothing, keySets: nothing },
      hasAudit: true,
      erasuresOff: nothing,
    },
    activity: { report: nothing },
    decisions: { list: nothing },
  })
  const described = OPERATIONS.filter(({ isOps }) => isOps).map(({ method, path, operation }) => [
    `${method} ${path}`,
    operation.security?.length === 0,
  ])
  expect(described.sort()).toEqual(
    table.map(({ method, path, isOpen }) => [`${method} ${path}`, isOpen === true]).sort(),
  )
})

interface Example {
  readonly name: string
  readonly value: unknown
  readonly schema: string
}

/** Every example of a body, and where its schema stands. */
function examplesIn(at: unknown, parts: readonly string[]): Example[] {
  if (typeof at !== 'object' || at === null) return []
  const { schema, example, examples } = at as Readonly<Record<string, unknown>>
  const own = typeof schema === 'object' && !Array.isArray(examples)
  const here = own
    ? [
        ...(example === undefined ? [] : [{ name: 'example', value: example }]),
        ...Object.entries((examples ?? {}) as Record<string, { value: unknown }>).map(([name, one]) => ({
          name,
          value: one.value,
        })),
      ].map((one) => ({ ...one, schema: pointerTo(...parts, 'schema') }))
    : []
  return [...here, ...Object.entries(at).flatMap(([name, value]) => examplesIn(value, [...parts, name]))]
}

describe('examples', () => {
  const examples = examplesIn(DESCRIPTION, [])
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  ajv.addSchema({ ...DESCRIPTION, $id: 'openapi' }, 'openapi')

  test.each(examples)('$name at $schema is as its schema says', ({ value, schema }) => {
    const validate = ajv.compile({ $ref: `openapi#${schema}` })
    expect([validate(value), validate.errors]).toEqual([true, null])
  })

  test('those that are called recorded are those of the transcripts', () => {
    const recorded = examples.filter(({ name }) => name.startsWith('recorded-'))
    expect(recorded.length).toBeGreaterThanOrEqual(9)
    for (const { name, value, schema } of recorded) {
      const one = Object.values(TRANSCRIPTS)
        .flat()
        .find(({ number }) => `recorded-${number}` === name)
      const text = schema.includes('requestBody') ? one?.request.body : one?.response.body
      expect({ name, value }).toEqual({ name, value: JSON.parse(text ?? 'null') as unknown })
    }
  })
})

test('every reference leads somewhere', () => {
  const references = [...readFileSync(file, 'utf8').matchAll(/\$ref: '([^']+)'/g)].map(([, one]) => one)
  expect(references.filter((one) => resolved({ $ref: one }) === undefined)).toEqual([])
})
