import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { isObject, writeJson } from './json.ts'
import type { Json } from './json.ts'

interface ApiPath {
  readonly path: string
  readonly methods: readonly string[]
  readonly parts?: Readonly<Record<string, unknown>>
}

interface Api {
  readonly url: { readonly paths: readonly ApiPath[] }
  readonly params?: Readonly<Record<string, unknown>>
  readonly body?: { readonly serialize?: string } | null
}

export type ApiSpec = ReadonlyMap<string, Api>

/** One request as it goes onto the wire. */
export interface RestRequest {
  readonly method: string
  readonly path: string
  readonly contentType: string | undefined
  readonly body: string | undefined
}

/** An object without some members. */
export function without(value: Readonly<Record<string, Json>>, names: readonly string[]): Record<string, Json> {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)))
}

export async function loadApiSpec(suite: string): Promise<ApiSpec> {
  const spec = new Map<string, Api>()
  for (const file of await readdir(join(suite, 'api'))) {
    if (file.startsWith('_') || !file.endsWith('.json')) continue
    const content = JSON.parse(await readFile(join(suite, 'api', file), 'utf8')) as Record<string, Api>
    for (const [name, api] of Object.entries(content)) if (isObject(api)) spec.set(name, api)
  }
  return spec
}

const COMMON = new Set(['pretty', 'human', 'error_trace', 'source', 'filter_path'])

/**
 * The request for a call: the path with the most parts of those that the call gives. Where an API has several methods `choice` picks one,
 * so that over the suite all are used and both runs of a test use the same.
 */
export function buildRequest(
  spec: ApiSpec,
  name: string,
  args: Readonly<Record<string, Json>>,
  choice: number,
): RestRequest {
  const api = spec.get(name)
  if (api === undefined) throw new Error(`The specification has no API "${name}"`)
  const { body } = args
  const given = without(args, ['body', 'ignore'])
  const path = bestPath(api, given)
  const parts = partsOf(path)
  const isPart = (key: string): boolean => api.url.paths.some((other) => partsOf(other).includes(key))
  const query = Object.entries(given).filter(([key]) => !parts.includes(key))
  for (const [key] of query) {
    if (isPart(key) || (api.params?.[key] === undefined && !COMMON.has(key)))
      throw new Error(`${name} takes no parameter ${key}`)
  }
  const target = path.path.replace(/\{(\w+)\}/g, (_, part: string) => encodeSegment(asText(given[part] ?? '')))
  const search = query
    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(asText(value))}`)
    .join('&')
  const method = path.methods[choice % path.methods.length] ?? 'GET'
  return {
    method,
    path: search === '' ? target : `${target}?${search}`,
    ...writeBody(body, api.body?.serialize === 'bulk'),
  }
}

function bestPath(api: Api, given: Readonly<Record<string, Json>>): ApiPath {
  const fitting = api.url.paths.filter((path) => partsOf(path).every((part) => given[part] !== undefined))
  const best = fitting.sort((a, b) => partsOf(b).length - partsOf(a).length)[0]
  if (best === undefined) throw new Error('A part of the path is missing')
  return best
}

const partsOf = ({ parts }: ApiPath): string[] => Object.keys(parts ?? {})

/** As a URI's path is quoted by the server's own test client: what may stand in a segment stays. */
function encodeSegment(text: string): string {
  return encodeURIComponent(text).replace(/%(?:2C|3A|40|24|2B|3D|26|3B)/g, decodeURIComponent)
}

function asText(value: Json): string {
  if (Array.isArray(value)) return value.map(asText).join(',')
  return value === null ? '' : String(isObject(value) ? writeJson(value) : value)
}

function writeBody(body: Json | undefined, bulk: boolean): Pick<RestRequest, 'body' | 'contentType'> {
  if (body === undefined || body === null) return { body: undefined, contentType: undefined }
  const lines = Array.isArray(body) || bulk
  if (!lines) return { body: typeof body === 'string' ? body : writeJson(body), contentType: 'application/json' }
  const items = Array.isArray(body) ? body : [body]
  const text = items.map((item) => (typeof item === 'string' ? item.replace(/\n*$/, '') : writeJson(item))).join('\n')
  return { body: `${text}\n`, contentType: bulk ? 'application/x-ndjson' : 'application/json' }
}
