import { isJsonObject } from '../strict-json.ts'
import type { AuditFields } from './chain.ts'

/** What was about to be removed from one index, as an intent names it. */
export interface IntendedRemoval {
  readonly cluster: string
  readonly index: string
  /** Absent where it was the index itself. */
  readonly documents: readonly { readonly id: string; readonly routing: string | undefined }[] | undefined
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

/** Lines of a bulk, index by index. Who named an alias may have meant any. */
function intendedByItems(cluster: unknown, items: readonly unknown[]): Intended {
  const byIndex = new Map<string, { id: string; routing: string | undefined }[]>()
  let unknown = 0
  for (const item of items) {
    const { index, id, routing } = isJsonObject(item) ? item : {}
    if (typeof index === 'string' && typeof id === 'string') {
      const documents = byIndex.get(index) ?? []
      documents.push({ id, routing: typeof routing === 'string' ? routing : undefined })
      byIndex.set(index, documents)
    } else unknown += 1
  }
  if (typeof cluster !== 'string') return { removals: [], unknown: items.length }
  return { removals: [...byIndex].map(([index, documents]) => ({ cluster, index, documents })), unknown }
}

function removalOf(intent: AuditFields): IntendedRemoval | undefined {
  const { 'memory.cluster': cluster, 'memory.index': index, 'memory.id': id } = intent
  const { 'memory.ids': ids, 'memory.routings': routings } = intent
  if (typeof cluster !== 'string' || typeof index !== 'string') return undefined
  if (!Array.isArray(ids) && typeof id !== 'string') return { cluster, index, documents: undefined }
  const all: readonly unknown[] = Array.isArray(ids) ? ids : [id]
  const documents = all.map((one, position) => {
    const routing: unknown = Array.isArray(routings) ? routings[position] : undefined
    return { id: String(one), routing: typeof routing === 'string' ? routing : undefined }
  })
  return { cluster, index, documents }
}

/** How many of what a delete was about to remove were found gone, and there; `unknown` is what nobody can look for. */
export interface Found {
  readonly gone: number
  readonly present: number
  readonly unknown: number
  /** Of a bulk: each line that was looked for. */
  readonly items?: readonly { readonly index: string; readonly id: string; readonly isThere: boolean }[]
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
      items.length === 0
        ? undefined
        : items.map(({ index, id, isThere }) => ({ index, id, result: isThere ? 'present' : 'gone' })),
  }
}

/** What names the delete, and who asked for it; not what places a record in its chain. */
const KEPT =
  /^(?:event\.(?:kind|category|action|id)|user\..*|client\.ip|http\.request\.id|rule\.name|http\.request\.method|url\.path|memory\.(?:cluster|container_id|type|id|index|indices|seq_no|primary_term))$/
