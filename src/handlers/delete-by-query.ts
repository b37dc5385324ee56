import { requireScope } from '../core/access.ts'
import { deleteByQuery } from '../core/delete-by-query.ts'
import { GatewayError } from '../core/failure.ts'
import { parseByQueryParameters } from '../core/parameters.ts'
import { checkedQuery } from '../core/query/check-query.ts'
import type { CheckedQuery } from '../core/query/check-query.ts'
import { readMembers } from '../core/query/read-members.ts'
import type { Route } from '../core/route.ts'
import { memoryTypeOf } from './addressed.ts'
import { answerOnce } from './answer-once.ts'
import { countedStore } from './counted-store.ts'
import { signalOf } from './exchange.ts'
import type { Admitted, Handled, HandlerParts } from './exchange.ts'
import { readJsonBody } from './read-body.ts'

/** `POST .../memories/<type>/_delete_by_query`. The order of the checks is the server's. */
export async function handleDeleteByQuery(
  parts: HandlerParts,
  exchange: Admitted,
  { containerId, typeText }: Extract<Route, { kind: 'deleteByQuery' }>,
): Promise<Handled> {
  const { policy, byQuery } = parts
  const { cluster, principal, request, target } = exchange
  requireScope(principal, 'memory:delete', 'memory:delete:any')
  const startedAt = performance.now()
  const body = await readJsonBody(request, byQuery.maxBytes)
  const type = memoryTypeOf(typeText)
  const query = queryOf(body)
  const { dryRun } = parseByQueryParameters(target)
  if (query === undefined) throw new GatewayError('queryRequired')

  return answerOnce(parts, exchange, [containerId, body], async (carriesOn) => {
    const store = countedStore(
      parts,
      principal,
      cluster.queryStoreFor(signalOf(exchange, byQuery.deadlineMs, carriesOn), exchange.waited),
    )
    const outcome = await deleteByQuery(store, policy, principal, { containerId, type, query, dryRun })
    const memories = outcome.kind === 'ran' && !dryRun ? outcome.report.deleted : 0
    if (memories > 0) exchange.deletes = [{ outcome: 'deleted', type, memories }]
    return { kind: 'byQueryOutcome', outcome, tookMs: Math.round(performance.now() - startedAt) }
  })
}

/** Other members of the body say nothing, in the plugin as here. */
function queryOf(body: string): CheckedQuery | undefined {
  const query = readMembers(body).get('query')
  return query === undefined || query.value === null ? undefined : checkedQuery(query)
}
