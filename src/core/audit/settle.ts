import { isJsonObject } from '../strict-json.ts'
import type { AuditFields } from './chain.ts'

/** What was about to be removed from one index, as an intent names it. */
export interface IntendedRemoval {
  readonly cluster: string
  readonly index: string
  /** It is not the index that is named, but what leads to it: an alias. */
  readonly isAlias: boolean
  /** Absent where it was the index itself. */
  readonly documents: readonly IntendedDocument[] | undefined
}

interface IntendedDocument {
  readonly id: string
  readonly routing: string | undefined
}

/** What an intent was about to remove, and of how much it does not say where to look. */
export interface Intended {
  readonly removals: readonly IntendedRemoval[]
  readonly unknown: number
}

/** What an intent says that it was about to remove. */
export function intendedBy(intent: AuditFields): Intended {
  const items = intent['memory.items']
  if (Array.isArray(items)) return intendedByItems(intent['memory.cluster'], items)
  const removal = removalOf(intent)
  return removal === undefined ? { removals: [], unknown: 1 } : { removals: [removal], unknown: 0 }
}

/** Lines of a bulk, index by index. */
function intendedByItems(cluster: unknown, items: readonly unknown[]): Intended {
  if (typeof cluster !== 'string') return { removals: [], unknown: items.length }
  const removals = new Map<string, { index: string; isAlias: boolean; documents: IntendedDocument[] }>()
  let unknown = 0
  for (const item of items) {
    const { index, named, id, routing } = isJsonObject(item) ? item : {}
    const name = index ?? named
    const isAlias = index === undefined
    if (typeof name !== 'string' || typeof id !== 'string' || (isAlias && !isName(name))) unknown += 1
    else {
      const key = `${String(isAlias)} ${name}`
      const removal = removals.get(key) ?? { index: name, isAlias, documents: [] }
      removal.documents.push({ id, routing: typeof routing === 'string' ? routing : undefined })
      removals.set(key, removal)
    }
  }
  return { removals: [...removals.values()].map((removal) => ({ cluster, ...removal })), unknown }
}

/** No pattern, no list, no date math, and not all there are: these lead elsewhere another day. */
function isName(text: string): boolean {
  return /^[^_+\-*][^\s"*\\<|,>/?:#]*$/.test(text)
}

function removalOf(intent: AuditFields): IntendedRemoval | undefined {
  const { 'memory.cluster': cluster, 'memory.index': own, 'memory.id': id } = intent
  const { 'memory.ids': ids, 'memory.routings': routings } = intent
  const index = own ?? onlyName(intent['memory.indices'])
  const isAlias = own === undefined
  if (typeof cluster !== 'string' || typeof index !== 'string') return undefined
  // What was to become of an index that an alias leads to, its query told.
  if (!Array.isArray(ids) && typeof id !== 'string')
    return isAlias ? undefined : { cluster, index, isAlias, documents: undefined }
  const all: readonly unknown[] = Array.isArray(ids) ? ids : [id]
  const documents = all.map((one, position) => {
    const routing: unknown = Array.isArray(routings) ? routings[position] : undefined
    return { id: String(one), routing: typeof routing === 'string' ? routing : undefined }
  })
  return { cluster, index, isAlias, documents }
}

function onlyName(indices: unknown): string | undefined {
  const names: readonly unknown[] = Array.isArray(indices) ? indices : []
  const [only] = names
  return typeof only === 'string' && names.length === 1 && isName(only) ? only : undefined
}

/** A document as it was looked for; where it is, or was looked for, as far as a name leads to one index. `isThere` is `undefined` where the cluster cannot tell. */
export interface LookedFor {
  readonly index: string | undefined
  readonly isThere: boolean | undefined
}

/**
 * Where a document is that was named by an alias. There may be others of its id in indices that are only read by that name, and it itself may be in one that was
 * written then: so it is gone where none of them has it, there where the one that is written has it, and unknown else.
 * @param behind the indices of the alias, each with whether it has a document of the id
 */
export function findBehind(
  behind: readonly { readonly index: string; readonly isWritten: boolean; readonly isThere: boolean }[],
): LookedFor {
  const written = behind.find(({ isWritten }) => isWritten)
  // check: written-behind-alias
  if (written?.isThere === true) return { index: written.index, isThere: true }
  const isNowhere = behind.length > 0 && behind.every(({ isThere }) => !isThere)
  return { index: written?.index, isThere: isNowhere ? false : undefined }
}

/** How many of what a delete was about to remove were found gone, and there; `unknown` is what nobody can look for. */
export interface Found {
  readonly gone: number
  readonly present: number
  readonly unknown: number
  /** Of a bulk: each line that was looked for, and the alias where it named one. */
  readonly items?: readonly (LookedFor & { readonly named?: string; readonly id: string })[]
}

/** The record of what was found of a delete without an outcome. */
export function settledFields(
  intents: readonly AuditFields[],
  { gone, present, unknown, items = [] }: Found,
  at: number,
): AuditFields {
  const last = intents.at(-1) ?? {}
  const outcome =
    unknown > 0 ? 'settled-unknown' : present === 0 ? 'settled-gone' : gone === 0 ? 'settled-present' : 'settled-partly'
  const result = { 'settled-gone': 'success', 'settled-present': 'failure' }[outcome as string] ?? 'unknown'
  const kept = Object.fromEntries(Object.entries(last).filter(([name]) => KEPT.test(name)))
  return {
    ...kept,
    '@timestamp': new Date(at).toISOString(),
    'event.type': ['deletion', 'end'],
    'event.outcome': result,
    'memory.phase': 'settled',
    'memory.outcome': outcome,
    'memory.gone': gone,
    'memory.present': present,
    'memory.items':
      items.length === 0 ? undefined : items.map(({ isThere, ...item }) => ({ ...item, result: wordOf(isThere) })),
  }
}

function wordOf(isThere: boolean | undefined): string {
  if (isThere === undefined) return 'unknown'
  return isThere ? 'present' : 'gone'
}

/** What names the delete, and who asked for it; not what places a record in its chain. */
const KEPT =
  /^(?:event\.(?:kind|category|action|id)|user\..*|client\.ip|http\.request\.id|rule\.name|http\.request\.method|url\.path|memory\.(?:cluster|container_id|type|id|index|indices|seq_no|primary_term))$/
