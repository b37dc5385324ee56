import { readFileSync } from 'node:fs'

import { parse } from 'yaml'

export interface Operation {
  readonly operationId: string
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[]
  readonly 'x-served-by'?: 'gateway' | 'checked' | 'cluster'
  readonly servers?: readonly object[]
  readonly responses: Readonly<Record<string, object>>
}

export const DESCRIPTION = parse(readFileSync(new URL('../../config/openapi.yaml', import.meta.url), 'utf8')) as {
  readonly info: { readonly version: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']

/** Every operation of the description, its method in capitals. */
export const OPERATIONS = Object.entries(DESCRIPTION.paths).flatMap(([path, item]) =>
  Object.entries(item).flatMap(([name, operation]) =>
    METHODS.includes(name)
      ? [{ method: name.toUpperCase(), path, isOps: 'servers' in item, operation: operation as Operation }]
      : [],
  ),
)

/** What `$ref` points to, or the value itself. */
export function resolved(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('$ref' in value)) return value
  const parts = String(value.$ref).replace('#/', '').split('/')
  return resolved(parts.reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], DESCRIPTION))
}

/** Where a value stands, as a reference from anywhere. */
export function pointerTo(...parts: readonly string[]): string {
  return `/${parts.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`
}

/** The operation that a request is one of: a path without parameters before one with. */
export function operationOf(method: string, target: string): (typeof OPERATIONS)[number] | 'otherMethod' | undefined {
  const segments = (target.split('?')[0] ?? '').replace(/\/+$/, '').split('/')
  const fits = (path: string): boolean => {
    const template = path.split('/')
    return (
      template.length === segments.length &&
      template.every((part, position) =>
        part.startsWith('{') ? segments[position] !== '' : part === segments[position],
      )
    )
  }
  const here = OPERATIONS.filter(({ path }) => fits(path)).sort((a, b) => count(a.path) - count(b.path))
  const path = here[0]?.path
  if (path === undefined) return undefined
  return here.find((one) => one.path === path && one.method === method) ?? 'otherMethod'
}

function count(path: string): number {
  return path.split('{').length
}
