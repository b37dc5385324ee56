import { illegalArgument, StoreError } from './errors.ts'
import { javaText } from './java-text.ts'
import { inHashOrder } from './java-order.ts'
import type { Json, JsonObject } from './json-values.ts'
import { fields, isJsonObject } from './json-values.ts'

/** The settings that an index is created with, as text, without their `index.` prefix. */
export type IndexSettings = ReadonlyMap<string, string>

const KNOWN =
  /^(number_of_shards|number_of_replicas|auto_expand_replicas|refresh_interval|hidden|max_result_window|codec|knn|knn\..+|mapping\..+|analysis\..+|search\..+|gc_deletes|default_pipeline|priority)$/

/** Flattens the `settings` of a request. Throws as the server does on a setting that nobody knows. */
export function parseSettings(settings: JsonObject): IndexSettings {
  const flat = new Map(flatten(settings, ''))
  for (const name of flat.keys()) {
    if (KNOWN.test(name)) continue
    const reason = `unknown setting [index.${name}] please check that any required plugins are installed, or check the breaking changes documentation for removed settings`
    throw new StoreError(400, { type: 'settings_exception', reason })
  }
  if ((flat.get('number_of_shards') ?? '1') !== '1') {
    throw illegalArgument('The embedded store keeps one shard for each index')
  }
  return flat
}

function flatten(object: JsonObject, prefix: string): [string, string][] {
  return [...object].flatMap(([key, value]): [string, string][] => {
    const name = prefix + key
    if (isJsonObject(value)) return flatten(value, `${name}.`)
    return [[name.replace(/^index\./, ''), javaText(value)]]
  })
}

/** Copies of each shard that the index asks for beside the primary; none of them ever has a node here, as on a server with one node. */
export function replicasOf(settings: IndexSettings): number {
  return Number(settings.get('number_of_replicas') ?? '1')
}

const UNIT_MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Milliseconds between automatic refreshes; `undefined` where there are none. */
export function refreshIntervalOf(settings: IndexSettings): number | undefined {
  const match = /^(\d+)(ms|s|m|h)$/.exec(settings.get('refresh_interval') ?? '1s')
  if (match === null) return undefined
  return Number(match[1]) * (UNIT_MILLISECONDS[match[2] ?? 'ms'] ?? 1)
}

/** The settings as `GET /{index}` shows them, with those that the server adds. */
export function renderSettings(settings: IndexSettings, created: Readonly<Record<string, string>>): JsonObject {
  const { version = '', ...rest } = created
  const all = new Map<string, Json>([
    ...settings,
    ...Object.entries(rest),
    ['number_of_replicas', settings.get('number_of_replicas') ?? '1'],
    ['number_of_shards', '1'],
    ['replication', fields({ type: 'DOCUMENT' })],
    ['version', fields({ created: version })],
  ])
  const sorted = [...all].sort(([a], [b]) => (a < b ? -1 : 1))
  return fields({ index: new Map(inHashOrder(sorted)) })
}
