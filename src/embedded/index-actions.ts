import type { DocumentIndex } from './documents.ts'
import { notSupported, parseFailure, StoreError, validationFailure } from './errors.ts'
import { parseSettings, renderSettings, replicasOf } from './index-settings.ts'
import { inHashOrder } from './java-order.ts'
import { JsonReader } from './json-reader.ts'
import { readValue } from './json-tree.ts'
import type { Json, JsonObject } from './json-values.ts'
import { fields, isJsonObject } from './json-values.ts'
import { parseMapping, renderMapping } from './mapping.ts'
import type { Parameters } from './parameters.ts'
import type { Handler } from './requests.ts'
import { indicesOptions, pathParameter } from './requests.ts'

const NOT_JSON = 'Compressor detection can only be called on some xcontent bytes or compressed xcontent bytes'
const CLUSTER_TIMEOUTS = ['timeout', 'cluster_manager_timeout', 'master_timeout'] as const

/** `PUT /{index}` with `settings` and `mappings`. */
export const createIndex: Handler = ({ store, parameters, body }) => {
  const name = pathParameter(parameters, 'index')
  parameters.ignore(...CLUSTER_TIMEOUTS, 'wait_for_active_shards')
  const { settings, mappings } = parseIndexBody(body)
  return () => {
    store.create(name, parseSettings(settings), parseMapping(mappings))
    return { status: 200, body: fields({ acknowledged: true, shards_acknowledged: true, index: name }) }
  }
}

function parseIndexBody(body: Buffer): { settings: JsonObject; mappings: JsonObject } {
  const parsed = body.length === 0 ? new Map<string, Json>() : parseMap(body)
  for (const key of parsed.keys()) {
    if (key === 'aliases') throw notSupported('aliases')
    if (key !== 'settings' && key !== 'mappings') throw parseFailure(`unknown key [${key}] for create index`)
  }
  return { settings: objectOf(parsed.get('settings')), mappings: objectOf(parsed.get('mappings')) }
}

function parseMap(body: Buffer): JsonObject {
  if (!/^[ \t\r\n]*\{/.test(body.toString('latin1', 0, 1024))) {
    throw new StoreError(400, { type: 'not_x_content_exception', reason: NOT_JSON })
  }
  try {
    const reader = new JsonReader(body)
    return objectOf(readValue(reader, reader.require()))
  } catch (error) {
    throw error instanceof StoreError ? parseFailure('Failed to parse content to map', error.error) : error
  }
}

function objectOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : new Map()
}

/** `GET|HEAD /{index}`. */
export const getIndex: Handler = ({ store, parameters, version }) => {
  const expression = pathParameter(parameters, 'index')
  const options = indicesOptions(parameters)
  parameters.ignore(...CLUSTER_TIMEOUTS, 'local', 'flat_settings', 'include_defaults')
  return () => {
    const indices = store.resolve(expression, options)
    return { status: 200, body: new Map(indices.map((index) => [index.name, renderIndex(index, version)])) }
  }
}

function renderIndex(index: DocumentIndex, version: string): JsonObject {
  const created = {
    provided_name: index.name,
    creation_date: String(index.createdAt),
    uuid: index.uuid,
    version: String(versionNumber(version)),
  }
  const settings = renderSettings(index.settings, created)
  return fields({ aliases: new Map(), mappings: renderMapping(index.mapping), settings })
}

/** The server's own number of a version: `3.4.0` is 3040099, with a bit that tells OpenSearch from what came before. */
function versionNumber(version: string): number {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  return (major * 1_000_000 + minor * 10_000 + patch * 100 + 99) ^ 0x08000000
}

/** `DELETE /{index}`. `DELETE /` is a route too, and never deletes anything. */
export const deleteIndex: Handler = ({ store, parameters }) => {
  const expression = parameters.text('index')
  const options = indicesOptions(parameters)
  parameters.ignore(...CLUSTER_TIMEOUTS)
  return () => {
    if (expression === undefined) throw validationFailure(['index / indices is missing'])
    for (const index of store.resolve(expression, options)) store.drop(index)
    return { status: 200, body: fields({ acknowledged: true }) }
  }
}

/** `POST|GET /{index}/_refresh`. */
export const refreshIndex: Handler = ({ store, parameters }) => {
  const expression = parameters.text('index') ?? '_all'
  const options = indicesOptions(parameters)
  return () => {
    const indices = store.resolve(expression, options)
    for (const index of indices) index.refresh()
    return { status: 200, body: fields({ _shards: countShards(indices) }) }
  }
}

function countShards(indices: readonly DocumentIndex[]): JsonObject {
  const total = indices.reduce((sum, index) => sum + 1 + replicasOf(index.settings), 0)
  return fields({ total, successful: indices.length, failed: 0 })
}

const METRICS = [
  ...[
    'completion',
    'docs',
    'fielddata',
    'query_cache',
    'flush',
    'get',
    'indexing',
    'merge',
    'request_cache',
    'refresh',
  ],
  ...['search', 'segments', 'store', 'warmer', 'translog', 'recovery', 'suggest', '_all'],
]

/** `GET /{index}/_stats` and `/{index}/_stats/{metric}`; only the sections `docs` and `translog` are kept here. */
export const indexStats: Handler = ({ store, parameters }) => {
  const expression = parameters.text('index') ?? '_all'
  const metrics = parameters.has('metric') ? parameters.list('metric') : ['_all']
  const unknown = metrics.filter((metric) => !METRICS.includes(metric))
  if (unknown.length > 0) throw unknownMetric(expression, metrics, unknown)
  const options = indicesOptions(parameters)
  ignoreStatsParameters(parameters)
  return () => {
    const indices = store.resolve(expression, options)
    const all = copies(indices, metrics)
    const each = inHashOrder(indices.map((index) => [index.name, renderStats(index, metrics)] as const))
    return { status: 200, body: fields({ _shards: countShards(indices), _all: fields(all), indices: new Map(each) }) }
  }
}

function unknownMetric(expression: string, metrics: readonly string[], unknown: readonly string[]): StoreError {
  const path = `/${expression}/_stats/${metrics.join()}`
  const reason = `request [${path}] contains unrecognized metric: ${unknown.map((metric) => `[${metric}]`).join(', ')}`
  return new StoreError(400, { type: 'illegal_argument_exception', reason })
}

function ignoreStatsParameters(parameters: Parameters): void {
  parameters.ignore('level', 'groups', 'types', 'completion_fields', 'fielddata_fields', 'fields')
  parameters.ignore('include_segment_file_sizes', 'include_unloaded_segments', 'forbid_closed_indices')
}

function renderStats(index: DocumentIndex, metrics: readonly string[]): JsonObject {
  return fields({ uuid: index.uuid, ...copies([index], metrics) })
}

/** The same figures for the primaries and for all copies: there is one copy of everything. */
function copies(
  indices: readonly DocumentIndex[],
  metrics: readonly string[],
): { primaries: JsonObject; total: JsonObject } {
  const wants = (metric: string) => indices.length > 0 && (metrics.includes('_all') || metrics.includes(metric))
  const count = indices.reduce((sum, index) => sum + index.visibleSize, 0)
  const operations = indices.reduce((sum, index) => sum + index.operations, 0)
  const sections = fields({
    docs: wants('docs') ? fields({ count, deleted: 0 }) : undefined,
    translog: wants('translog') ? fields({ operations }) : undefined,
  })
  return { primaries: sections, total: sections }
}
