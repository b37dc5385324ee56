import { holds } from '../core/access.ts'
import type { MemoryType } from '../core/memory.ts'
import { checkParameters, layoutParametersOf } from '../core/parameters.ts'
import { checkedSearch } from '../core/query/check-search.ts'
import type { CheckedSearch } from '../core/query/check-search.ts'
import type { MemoryAddress, Route } from '../core/route.ts'
import { decideSearch, searchMemories } from '../core/search-memories.ts'
import { memoryTypeOf } from './addressed.ts'
import { signalOf } from './exchange.ts'
import { readJsonBody } from './read-body.ts'
import { allowed, refused, signalFor } from './work.ts'
import type { Subject, Work } from './work.ts'

/** `GET|POST .../memories/<type>/_search`. */
export const searchThem: Work<Extract<Route, { kind: 'searchMemories' }>> = {
  async handle({ policy, byQuery, deadlineMs }, exchange, route) {
    const { cluster, principal, request } = exchange
    const { containerId } = route
    const body = await readJsonBody(request, byQuery.maxBytes)
    const asked = check(exchange, route, body, request.headers.accept)
    const store = cluster.queryStoreFor(signalOf(exchange, deadlineMs), exchange.waited)
    const outcome = await searchMemories(store, policy, principal, { containerId, ...asked })
    if (outcome.kind === 'searched') return { kind: 'clusterAnswer', answer: outcome.answer }
    exchange.outcome = outcome
    return { kind: 'refused', work: 'searchMemories', containerId, refusal: outcome }
  },

  async foresee(parts, asked, route) {
    const { cluster, principal, notes } = asked
    const { containerId } = route
    const { type } = check(asked, route, '{}', undefined)
    notes.concerns = { id: containerId, types: [type], override: 'memory:read:any' }
    notes.bodyDecides = 'The body decides what is found, and whether it is a search that is allowed'
    const store = cluster.queryStoreFor(signalFor(parts))
    const decision = await decideSearch(store, parts.policy, principal, { containerId, type })
    if (decision.kind !== 'granted') return refused(asked, 'searchMemories', containerId, decision)
    const whose = holds(principal, 'memory:read:any') ? 'the memories of the container' : 'their own memories'
    return allowed(
      undefined,
      `The caller may search ${whose} in ${decision.index}, and the cluster ${cluster.name} answers`,
    )
  },
}

interface Checked {
  readonly type: MemoryType
  readonly search: CheckedSearch
  readonly layout: Readonly<Record<string, string>>
}

function check({ target }: Subject, { typeText }: MemoryAddress, body: string, accept: string | undefined): Checked {
  const type = memoryTypeOf(typeText)
  const search = checkedSearch(body)
  checkParameters(target)
  return { type, search, layout: layoutParametersOf(target, accept) }
}
