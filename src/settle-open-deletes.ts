import { setTimeout as delay } from 'node:timers/promises'

import type { AuditFields } from './core/audit/chain.ts'
import { findBehind, intendedBy, settledFields } from './core/audit/settle.ts'
import type { Found, IntendedRemoval, LookedFor } from './core/audit/settle.ts'
import type { GatewayCluster } from './open-cluster.ts'
import { readOpenDeletes } from './ops/audit/earlier-records.ts'
import type { OpenDelete } from './ops/audit/earlier-records.ts'
import type { AuditWriter } from './ops/audit/writer.ts'
import type { Log } from './ops/log.ts'

type Cluster = Pick<GatewayCluster, 'presence' | 'hasIndex' | 'indicesBehind'>
/** By name. */
export type Clusters = ReadonlyMap<string, Cluster>

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000
const LOOK_MS = 10_000

/** Looks at what earlier starts of a writer have left without an outcome, and records what is found, as soon as the clusters can be asked. */
export async function settleOpenDeletes(
  path: string,
  chain: { readonly writer: string; readonly start: string },
  clusters: () => Clusters,
  writer: AuditWriter,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  let open = await readOpenDeletes(path, chain)
  if (open.length > 0) log.info('earlier deletes have no outcome and are looked at', { deletes: open.length })
  for (let pause = FIRST_PAUSE_MS; open.length > 0; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    const left: OpenDelete[] = []
    for (const one of open) {
      const found = await find(one.intents, clusters(), signal)
      if (found === undefined) left.push(one)
      else writer.append(settledFields(one.intents, found, Date.now()))
      if (signal.aborted) return
    }
    open = left
    if (open.length > 0) await delay(pause, undefined, { signal, ref: false })
  }
}

/** `undefined` where the cluster cannot be asked at the moment. */
async function find(
  intents: readonly AuditFields[],
  clusters: Clusters,
  signal: AbortSignal,
): Promise<Found | undefined> {
  const found = { gone: 0, present: 0, unknown: 0 }
  const items: NonNullable<Found['items']>[number][] = []
  for (const intent of intents) {
    const { removals, unknown } = intendedBy(intent)
    found.unknown += unknown
    for (const removal of removals) {
      const { index, isAlias, documents = [] } = removal
      const cluster = clusters.get(removal.cluster)
      if (cluster === undefined) {
        found.unknown += Math.max(1, documents.length)
        continue
      }
      const looked = await look(cluster, removal, signal).catch(() => undefined)
      if (looked === undefined) return undefined
      for (const { isThere } of looked) found[isThere === undefined ? 'unknown' : isThere ? 'present' : 'gone'] += 1
      if (!('memory.items' in intent)) continue
      const named = isAlias ? { named: index } : {}
      for (const [position, { id }] of documents.entries())
        items.push({ ...named, id, ...(looked[position] ?? { index: undefined, isThere: undefined }) })
    }
  }
  return { ...found, items }
}

async function look(
  cluster: Cluster,
  { index, isAlias, documents }: IntendedRemoval,
  signal: AbortSignal,
): Promise<readonly LookedFor[]> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS)])
  if (documents === undefined) return [{ index, isThere: await cluster.hasIndex(index, limited) }]
  if (isAlias) return lookBehind(cluster, index, documents, limited)
  const there = await cluster.presence(index, documents, limited)
  return there.map((isThere) => ({ index, isThere }))
}

async function lookBehind(
  { indicesBehind, presence }: Cluster,
  alias: string,
  documents: NonNullable<IntendedRemoval['documents']>,
  signal: AbortSignal,
): Promise<readonly LookedFor[]> {
  const behind = await indicesBehind(alias, signal)
  if (behind === undefined) return documents.map(() => ({ index: undefined, isThere: undefined }))
  const looked = await Promise.all(
    behind.map(({ index, routing: byAlias }) => {
      const routed = documents.map(({ id, routing = byAlias }) => ({ id, routing }))
      return presence(index, routed, signal)
    }),
  )
  return documents.map((_, position) =>
    findBehind(behind.map((one, at) => ({ ...one, isThere: looked[at]?.[position] === true }))),
  )
}
