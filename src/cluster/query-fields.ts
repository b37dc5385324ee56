import type { AccessPolicy } from '../core/access.ts'
import { GatewayError } from '../core/failure.ts'
import { memoryFieldsOf } from '../core/query/query-fields.ts'
import type { MemoryFields } from '../core/query/query-fields.ts'
import type { ClusterClient } from './client.ts'
import { asObject, failureOf } from './reading.ts'

/**
 * Reads how an index maps the fields that tell whose a memory is. Not remembered: an index that was made anew with another mapping would show
 * nothing of what it holds, and beside a delete by query the question costs nothing.
 * @param forAnyOwner leaves the owner's fields out, for callers whom they do not bind
 * @returns `undefined` where there is no such index
 * @throws GatewayError unsuitableMapping; upstreamUnavailable and the like
 */
export async function readQueryFields(
  client: ClusterClient,
  policy: AccessPolicy,
  index: string,
  forAnyOwner: boolean,
  signal: AbortSignal,
): Promise<MemoryFields | undefined> {
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
  return memoryFieldsOf(index, asObject(only)['mappings'], policy, forAnyOwner)
}
