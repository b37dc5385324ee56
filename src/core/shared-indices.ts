import { backingIndexOf, parseContainer } from './backing-index.ts'
import type { BackingIndex, ContainerNaming } from './backing-index.ts'
import { MEMORY_TYPES } from './memory.ts'
import type { MemoryType } from './memory.ts'
import { isJsonObject, member } from './strict-json.ts'

/** A container's document, as a search of all containers shows it. */
export interface StoredContainer {
  readonly id: string
  readonly source: unknown
}

/** The indices of these types that a container names: none for a type that it has switched off. @returns why, where it cannot be trusted to */
export function indicesOf(naming: ContainerNaming, types: readonly MemoryType[]): readonly BackingIndex[] | string {
  const indices: BackingIndex[] = []
  for (const type of types) {
    const named = backingIndexOf(naming, type)
    if (named.kind === 'unusable') return named.why
    if (named.kind === 'index') indices.push(named.index)
  }
  return indices
}

/**
 * Whether another container uses one of the indices, or may come to: by the names of its indices, since two prefixes can make one name, and whether
 * a type is switched on or not.
 * @returns `unknown` where its document does not say
 */
export function sharesAnyOf(indices: readonly string[], { id, source }: StoredContainer): boolean | 'unknown' {
  const { naming } = parseContainer(id, source)
  if (naming.usable) return names(naming.indexPrefix, [naming.useSystemIndex]).some((name) => indices.includes(name))
  // What it says beyond its prefix is not understood: it counts wherever it could be.
  const configuration = isJsonObject(source) ? member(source, 'configuration') : undefined
  const prefix = isJsonObject(configuration) ? member(configuration, 'index_prefix') : undefined
  if (typeof prefix !== 'string' || prefix === '') return 'unknown'
  return names(prefix, [true, false]).some((name) => indices.includes(name))
}

function names(indexPrefix: string, useSystemIndex: readonly boolean[]): readonly string[] {
  return useSystemIndex.flatMap((isSystem) => {
    const flags = { useSystemIndex: isSystem, disableSession: false, disableHistory: false }
    const indices = indicesOf({ usable: true, indexPrefix, ...flags }, MEMORY_TYPES)
    // A name that no index can have is nobody's.
    return typeof indices === 'string' ? [] : indices
  })
}
