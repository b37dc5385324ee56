import { LRUCache } from 'lru-cache'

import type { AccessPolicy } from '../core/access.ts'
import { GatewayError } from '../core/failure.ts'
import { memoryFieldsOf } from '../core/query/query-fields.ts'
import type { MemoryFields } from '../core/query/query-fields.ts'
import type { ClusterClient } from './client.ts'
import { asObject, failureOf } from './reading.ts'

export interface QueryFieldReader {
  /**
   * How an index maps the fields that tell whose a memory is; `undefined` where there is no such index.
   * @throws GatewayError unsuitableMapping; upstreamUnavailable and the like
   */
  read(index: string, forAnyOwner: boolean, signal: AbortSignal): Promise<MemoryFields | undefined>
  /** The index is not what it was. */
  forget(index: string): void
}

/** How long a mapping is believed: a field that is mapped keeps its type for as long as its index lives. */
const HOLDS_MS = 30_000

/** Reads mappings before the first query on an index, and remembers them for a while. */
export function createQueryFieldReader(client: ClusterClient, policy: AccessPolicy): QueryFieldReader {
  const known = new LRUCache<string, MemoryFields>({ max: 10_000, ttl: HOLDS_MS })
  const keyOf = (index: string, forAnyOwner: boolean): string => `${String(forAnyOwner)} ${index}`
  return {
    async read(index, forAnyOwner, signal) {
      const remembered = known.get(keyOf(index, forAnyOwner))
      if (remembered !== undefined) return remembered
      const answer = await client.request(
        { method: 'GET', path: `/${encodeURIComponent(index)}/_mapping`, isRepeatable: true },
        signal,
      )
      if (answer.status === 404) return undefined
      if (answer.status !== 200) throw failureOf(answer)
      const [only, ...others] = Object.values(asObject(answer.body))
      if (only === undefined || others.length > 0) {
        throw new GatewayError('unusableContainer', { cause: `${index} is an alias of several indices` })
      }
      const fields = memoryFieldsOf(index, asObject(only)['mappings'], policy, forAnyOwner)
      known.set(keyOf(index, forAnyOwner), fields)
      return fields
    },
    forget(index) {
      known.delete(keyOf(index, true))
      known.delete(keyOf(index, false))
    },
  }
}
