import { isProtected } from './protected-indices.ts'
import type { Protection } from './protected-indices.ts'

/** The names of a cluster's indices, aliases and data streams at one time. */
export interface IndexTable {
  readonly indices: ReadonlySet<string>
  /** What is behind each alias and each data stream. */
  readonly targets: ReadonlyMap<string, readonly string[]>
  /** Every name, of whatever kind, by which a protected index can be reached. */
  readonly guarded: readonly string[]
}

export interface IndexNames {
  readonly indices: readonly string[]
  /** Aliases and data streams, with the indices behind each. */
  readonly groups: readonly { readonly name: string; readonly indices: readonly string[] }[]
}

export function makeIndexTable({ indices, groups }: IndexNames, protection: Protection): IndexTable {
  const targets = new Map<string, string[]>()
  for (const { name, indices: behind } of groups) targets.set(name, [...(targets.get(name) ?? []), ...behind])
  const guarded = [
    ...indices.filter((name) => isProtected(name, protection)),
    ...[...targets]
      .filter(([name, behind]) => [name, ...behind].some((one) => isProtected(one, protection)))
      .map(([name]) => name),
  ]
  return { indices: new Set(indices), targets, guarded }
}

/**
 * How far a decision stands on the table: not at all; on an index that it holds; on what it says is behind an alias or a pattern; or on its not
 * holding a name at all, which an alias made since would turn wrong.
 */
export type Reliance = 'nothing' | 'known' | 'resolved' | 'unknown'

const ORDER: readonly Reliance[] = ['nothing', 'known', 'resolved', 'unknown']

export function mostReliant(...reliances: readonly Reliance[]): Reliance {
  return ORDER[Math.max(0, ...reliances.map((reliance) => ORDER.indexOf(reliance)))] ?? 'unknown'
}
