/**
 * Puts entries in the order in which a Java `HashMap` that received them one by one gives them back. The server keeps filtered documents,
 * index settings and statistics in such maps, so this order is part of its answers. (Long chains that Java turns into trees are not modelled.)
 */
export function inHashOrder<T>(entries: Iterable<readonly [string, T]>): (readonly [string, T])[] {
  const list = [...entries]
  let capacity = 16
  while (list.length > capacity * 0.75) capacity *= 2
  const keyed = list.map((entry, position) => ({ entry, position, bucket: spread(hash(entry[0])) & (capacity - 1) }))
  keyed.sort((a, b) => a.bucket - b.bucket || a.position - b.position)
  return keyed.map(({ entry }) => entry)
}

/** `String.hashCode`, https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/lang/String.html#hashCode() */
function hash(text: string): number {
  let value = 0
  for (let i = 0; i < text.length; i += 1) value = (Math.imul(31, value) + text.charCodeAt(i)) | 0
  return value
}

function spread(value: number): number {
  return value ^ (value >>> 16)
}
