import { isObject, javaText } from './json.ts'
import type { Json } from './json.ts'

/** What this runner can do beyond the plain steps, by the names that the tests require it by. */
const FEATURES = new Set([
  'allowed_warnings',
  'arbitrary_key',
  'contains',
  'close_to',
  'default_shards',
  'embedded_stash_key',
  'headers',
  'node_selector',
  'regex',
  'stash_in_key',
  'stash_in_path',
  'stash_path_replacement',
  'transform_and_set',
  'warnings',
  'yaml',
])

/** Why a `skip` section keeps a test from running on a server of this version; `undefined` where it does not. */
export function reasonToSkip(section: Json, version: string): string | undefined {
  if (!isObject(section)) return undefined
  const { version: ranges, features } = section
  if (typeof ranges === 'string' && inRanges(ranges, version)) return `not for version ${version}`
  const wanted = Array.isArray(features) ? features : typeof features === 'string' ? features.split(',') : []
  const missing = wanted.map((feature) => javaText(feature).trim()).filter((feature) => !FEATURES.has(feature))
  return missing.length === 0 ? undefined : `needs ${missing.join(', ')}`
}

/** `all`, or ranges such as ` - 2.9.99` and `3.0.0 - 3.1.0`, both ends included. */
function inRanges(ranges: string, version: string): boolean {
  if (ranges.trim() === 'all') return true
  return ranges.split(',').some((range) => {
    const [from = '', to = ''] = range.includes('-')
      ? range.split('-').map((end) => end.trim())
      : [range.trim(), range.trim()]
    return (from === '' || compareVersions(from, version) <= 0) && (to === '' || compareVersions(version, to) <= 0)
  })
}

/** The server's versions began again at 1.0 after the 7.x of the project that it was forked from. */
const readVersion = (version: string): number[] =>
  version.split('.').map((part, place) => (place === 0 && Number(part) > 4 ? Number(part) - 100 : Number(part)))

function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map(readVersion)
  const place = [0, 1, 2].find((part) => (left?.[part] ?? 0) !== (right?.[part] ?? 0))
  return place === undefined ? 0 : (left?.[place] ?? 0) - (right?.[place] ?? 0)
}
