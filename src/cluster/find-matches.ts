import type { Match, MatchPage, QueryFailure } from '../core/delete-by-query.ts'
import type { PageOrder } from '../core/erasure/store.ts'
import { GatewayError } from '../core/failure.ts'
import { requestUnlessBusy } from './backoff.ts'
import type { ClusterClient } from './client.ts'
import { asList, asLong, asObject, asString, errorType, failureOf, isObject } from './reading.ts'
import type { JsonObject } from './reading.ts'
import type { ClusterAnswer, ClusterRequest } from './request.ts'

/** As many as the cluster's own by-query requests take at a time. */
const PAGE_SIZE = 1_000
/** Between two pages; each one renews it. */
const SCROLL_HOLDS = '5m'
const CLEARING_MS = 5_000

/**
 * Finds what a query matches, as the index stood when it was asked, page by page: a scroll, as the cluster's own delete by query is one.
 * @param sourceFields what is read of each document
 * @returns `undefined` where there is no such index
 * @throws GatewayError invalidQuery where the cluster does not take it; upstreamUnavailable and the like
 */
export async function* findMatches(
  client: ClusterClient,
  { index, query }: { readonly index: string; readonly query: string },
  sourceFields: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<MatchPage | undefined> {
  const source = JSON.stringify(sourceFields)
  const options = `"size":${String(PAGE_SIZE)},"sort":["_doc"],"seq_no_primary_term":true,"track_total_hits":true`
  const search: ClusterRequest = {
    method: 'POST',
    path: `/${encodeURIComponent(index)}/_search`,
    querystring: { scroll: SCROLL_HOLDS },
    body: `{${options},"_source":${source},"query":${query}}`,
    isRepeatable: true,
    mayTakeLong: true,
  }
  let answer = await requestUnlessBusy(client, search, signal)
  if (answer.status === 404) {
    yield undefined
    return
  }
  let scrollId: string | undefined
  try {
    for (;;) {
      const body = bodyOf(answer)
      scrollId = asString(body['_scroll_id'])
      const page = pageOf(index, body)
      yield page
      if (page.matches.length === 0) return
      const next = JSON.stringify({ scroll: SCROLL_HOLDS, scroll_id: scrollId })
      answer = await requestUnlessBusy(
        client,
        { method: 'POST', path: '/_search/scroll', body: next, mayTakeLong: true },
        signal,
      )
    }
  } finally {
    if (scrollId !== undefined) await clearScroll(client, scrollId)
  }
}

/**
 * Finds some of what a query matches in one shard, first what was written first.
 * @returns `undefined` where there is no such index
 * @throws GatewayError as `findMatches`
 */
export async function findPageOfShard(
  client: ClusterClient,
  { index, query, shard, size }: PageOrder,
  sourceFields: readonly string[],
  signal: AbortSignal,
): Promise<MatchPage | undefined> {
  const options = `"size":${String(size)},"sort":[{"_seq_no":"asc"}],"seq_no_primary_term":true,"track_total_hits":false`
  const search: ClusterRequest = {
    method: 'POST',
    path: `/${encodeURIComponent(index)}/_search`,
    querystring: { preference: `_shards:${String(shard)}` },
    body: `{${options},"_source":${JSON.stringify(sourceFields)},"query":${query}}`,
    isRepeatable: true,
    mayTakeLong: true,
  }
  const answer = await requestUnlessBusy(client, search, signal)
  return answer.status === 404 ? undefined : pageOf(index, bodyOf(answer))
}

function bodyOf(answer: ClusterAnswer): JsonObject {
  if (answer.status === 200) return asObject(answer.body)
  if (answer.status !== 400) throw failureOf(answer)
  throw new GatewayError('invalidQuery', {
    reason: `The cluster does not take the query: ${reasonOf(answer.body)}`,
    cause: answer.body,
  })
}

function reasonOf(body: unknown): string {
  const error = isObject(body) && isObject(body['error']) ? body['error'] : {}
  const root: unknown = Array.isArray(error['root_cause']) ? error['root_cause'][0] : undefined
  const { reason } = isObject(root) ? root : error
  return typeof reason === 'string' ? reason : 'it gives no reason'
}

function pageOf(index: string, body: JsonObject): MatchPage {
  const hits = asObject(body['hits'])
  const matches = asList(hits['hits']).map((hit) => matchOf(asObject(hit)))
  return {
    // Of a page alone nobody counts the rest.
    total: hits['total'] === undefined ? matches.length : Number(asLong(asObject(hits['total'])['value'])),
    matches,
    timedOut: body['timed_out'] === true,
    failures: shardFailures(index, asObject(body['_shards'])),
  }
}

function matchOf(hit: JsonObject): Match {
  return {
    id: asString(hit['_id']),
    routing: hit['_routing'] === undefined ? undefined : asString(hit['_routing']),
    seqNo: asLong(hit['_seq_no']),
    primaryTerm: asLong(hit['_primary_term']),
    source: hit['_source'],
  }
}

function shardFailures(index: string, shards: JsonObject): readonly QueryFailure[] {
  // A shard that is assigned to no node is not among the failed ones, nor is it listed: it is missing from those that succeeded.
  const failed = Math.max(Number(shards['failed']), Number(shards['total']) - Number(shards['successful']))
  if (failed === 0) return []
  const listed = Array.isArray(shards['failures']) ? shards['failures'].filter(isObject) : []
  if (listed.length === 0) {
    const reason = `${String(failed)} of ${String(shards['total'])} shards could not be searched`
    return [{ index, status: 503, type: 'no_shard_available_action_exception', reason }]
  }
  return listed.map(({ shard, reason }) => ({
    index,
    ...(typeof shard === 'number' ? { shard } : {}),
    status: 503,
    type: errorType(reason),
    reason: isObject(reason) && typeof reason['reason'] === 'string' ? reason['reason'] : '',
  }))
}

/** Frees what the cluster keeps for the scroll; it would free it by itself a while later. */
async function clearScroll(client: ClusterClient, scrollId: string): Promise<void> {
  const body = JSON.stringify({ scroll_id: [scrollId] })
  const signal = AbortSignal.timeout(CLEARING_MS)
  await client.request({ method: 'DELETE', path: '/_search/scroll', body }, signal).catch(() => undefined)
}
