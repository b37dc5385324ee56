/** Where something stands in the file, and which setting that is: `auth.issuers[1].secret` and `auth.issuers[].secret`. */
export interface Place {
  readonly path: string
  readonly setting: string
}

export const TOP: Place = { path: '', setting: '' }

/** The place of a member; what is below `clusters` goes by names of the operator's. */
export function memberOf({ path, setting }: Place, key: string | number): Place {
  if (typeof key === 'number') return { path: `${path}[${String(key)}]`, setting: `${setting}[]` }
  const name = setting === 'clusters' ? '*' : key
  return path === '' ? { path: key, setting: name } : { path: `${path}.${key}`, setting: `${setting}.${name}` }
}

/** The same tree with every value that is no list and no mapping replaced. */
export function mapValues(value: unknown, change: (value: unknown, place: Place) => unknown, place = TOP): unknown {
  if (Array.isArray(value)) return value.map((item, position) => mapValues(item, change, memberOf(place, position)))
  if (typeof value !== 'object' || value === null) return change(value, place)
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, mapValues(item, change, memberOf(place, key))]),
  )
}

/** What stands at a path of zod's, and its place. */
export function at(value: unknown, keys: readonly PropertyKey[]): { readonly value: unknown; readonly place: Place } {
  let found = value
  let place = TOP
  for (const key of keys) {
    const name = typeof key === 'number' ? key : String(key)
    place = memberOf(place, name)
    found = typeof found === 'object' && found !== null ? (found as Record<string | number, unknown>)[name] : undefined
  }
  return { value: found, place }
}
