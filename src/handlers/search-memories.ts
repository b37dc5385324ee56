import { checkParameters, layoutParametersOf } from '../core/parameters.ts'
import { checkedSearch } from '../core/query/check-search.ts'
import type { MemoryAddress } from '../core/route.ts'
import { searchMemories } from '../core/search-memories.ts'
import { memoryTypeOf } from './addressed.ts'
import { signalOf } from './exchange.ts'
import type { Admitted, Handled, HandlerParts } from './exchange.ts'
import { readJsonBody } from './read-body.ts'

/** `GET|POST .../memories/<type>/_search`. */
export async function handleSearch(
  { policy, byQuery, deadlineMs }: HandlerParts,
  exchange: Admitted,
  { containerId, typeText }: MemoryAddress,
): Promise<Handled> {
  const { cluster, principal, request, target } = exchange
  const body = await readJsonBody(request, byQuery.maxBytes)
  const type = memoryTypeOf(typeText)
  const search = checkedSearch(body)
  checkParameters(target)
  const layout = layoutParametersOf(target, request.headers.accept)
  const store = cluster.queryStoreFor(signalOf(exchange, deadlineMs), exchange.waited)
  const outcome = await searchMemories(store, policy, principal, { containerId, type, search, layout })
  if (outcome.kind === 'searched') return { kind: 'clusterAnswer', answer: outcome.answer }
  exchange.outcome = outcome
  return { kind: 'refused', work: 'searchMemories', containerId, refusal: outcome }
}
