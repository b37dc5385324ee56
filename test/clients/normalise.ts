/** Times, and ids that the server draws for an index, a scroll or a point in time. The names of the cluster and its node stay: both runs met the same. */
const VOLATILE = new Set([
  'took',
  'tookInMillis',
  '_scroll_id',
  'scrollId',
  'pit_id',
  'pitId',
  'creation_time',
  'index_uuid',
])

/**
 * What a client's script printed, without what no two runs have in common: volatile members go; the server's address becomes `<node>`, the index's name `<index>`,
 * and the id that errors put after it (`[name/id]`) goes; so do `index_uuid` and HTTP's version in texts (over TLS the cluster speaks HTTP/2).
 */
export function normalise(value: unknown, origin: string, index: string): unknown {
  if (typeof value === 'string') return normaliseText(value, origin, index)
  if (Array.isArray(value)) return value.map((item) => normalise(item, origin, index))
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).filter(([name]) => !VOLATILE.has(name))
  return Object.fromEntries(members.map(([name, member]) => [name, normalise(member, origin, index)]))
}

function normaliseText(text: string, origin: string, index: string): string {
  return text
    .replaceAll(origin, '<node>')
    .replaceAll(new URL(origin).host, '<node>')
    .replaceAll(index, '<index>')
    .replaceAll(/<index>\/[\w-]{22}\]/g, '<index>]')
    .replaceAll(/"index_uuid":"[\w-]{22}"/g, '"index_uuid":""')
    .replaceAll(/HTTP\/(?:1\.1|2\.0)/g, 'HTTP')
}
