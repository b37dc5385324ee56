import { decideByQuery, deleteByQuery } from '../core/delete-by-query.ts'
import { GatewayError } from '../core/failure.ts'
import type { MemoryType } from '../core/memory.ts'
import { parseByQueryParameters } from '../core/parameters.ts'
import { checkedQuery } from '../core/query/check-query.ts'
import type { CheckedQuery } from '../core/query/check-query.ts'
import { readMembers } from '../core/query/read-members.ts'
import type { MemoryAddress, Route } from '../core/route.ts'
import { memoryTypeOf } from './addressed.ts'
import { audited, endOf, hashQuery } from './audit.ts'
import { auditedQueryStore } from './audited-stores.ts'
import { answerOnce, foreseeOnce } from './answer-once.ts'
import { countedStore } from './counted-store.ts'
import { signalOf } from './exchange.ts'
import { readJsonBody } from './read-body.ts'
import { withReceipt } from './receipt.ts'
import { allowed, noteRefusal, signalFor } from './work.ts'
import type { Subject, Work } from './work.ts'

/** `POST .../memories/<type>/_delete_by_query`. */
export const deleteWhatIsFound: Work<Extract<Route, { kind: 'deleteByQuery' }>> = {
  async handle(parts, exchange, route) {
    const { policy, byQuery } = parts
    const { cluster, principal, request } = exchange
    const { containerId } = route
    const startedAt = performance.now()
    const body = await readJsonBody(request, byQuery.maxBytes)
    const { query, ...asked } = check(exchange, route, body)
    if (query === undefined) throw new GatewayError('queryRequired')

    const order = { about: [containerId, body], deletes: 'asFound' } as const
    return answerOnce(parts, exchange, order, async (carriesOn) => {
      const store = cluster.queryStoreFor(signalOf(exchange, byQuery.deadlineMs, carriesOn), exchange.waited)
      const { type, dryRun } = asked
      const result = await audited(
        parts,
        exchange,
        { action: 'delete-by-query', containerId, type, queryHash: hashQuery(query), dryRun: dryRun || undefined },
        async (trail) => {
          const counted = countedStore(parts, principal, auditedQueryStore(trail, store))
          const outcome = await deleteByQuery(counted, policy, principal, { containerId, query, ...asked })
          const memories = outcome.kind === 'ran' && !dryRun ? outcome.report.deleted : 0
          if (memories > 0) exchange.deletes = [{ outcome: 'deleted', type, memories }]
          return { kind: 'byQueryOutcome', outcome, tookMs: Math.round(performance.now() - startedAt) } as const
        },
        endOf,
      )
      const { outcome } = result
      const count = outcome.kind === 'ran' && !dryRun ? outcome.report.deleted : 0
      const deleted = { action: 'delete-by-query', containerId, type, count, query } as const
      return withReceipt(parts, exchange, result, count === 0 ? undefined : deleted)
    })
  },

  foresee(parts, asked, route) {
    const { cluster, principal, notes } = asked
    const { containerId } = route
    const { type, dryRun } = check(asked, route)
    notes.concerns = { id: containerId, types: [type], override: 'memory:delete:any' }
    notes.bodyDecides = 'The query in the body decides which memories go, and whether it is one that is allowed'
    return foreseeOnce(parts, asked, { about: undefined, deletes: undefined }, async () => {
      const store = cluster.queryStoreFor(signalFor(parts))
      const decision = await decideByQuery(store, parts.policy, principal, { containerId, type })
      if (decision.kind !== 'granted') {
        noteRefusal(notes, decision)
        return { kind: 'byQueryOutcome', outcome: decision, tookMs: 0 }
      }
      const what = dryRun ? 'count' : 'delete'
      return allowed(200, `The caller may ${what} their own memories in ${decision.index}, those that the query finds`)
    })
  },
}

interface Checked {
  readonly type: MemoryType
  readonly query: CheckedQuery | undefined
  readonly dryRun: boolean
}

/** The order of the checks is the server's. */
function check({ target }: Subject, { typeText }: MemoryAddress, body?: string): Checked {
  const type = memoryTypeOf(typeText)
  const query = body === undefined ? undefined : queryOf(body)
  return { type, query, ...parseByQueryParameters(target) }
}

/** Other members of the body say nothing, in the plugin as here. */
function queryOf(body: string): CheckedQuery | undefined {
  const query = readMembers(body).get('query')
  return query === undefined || query.value === null ? undefined : checkedQuery(query)
}
