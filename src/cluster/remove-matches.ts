import { setTimeout as delay } from 'node:timers/promises'

import type { Match, QueryFailure, RemovedMatches } from '../core/delete-by-query.ts'
import { FAILURES, GatewayError } from '../core/failure.ts'
import { mayHaveRun } from '../core/never-sent.ts'
import { requestUnlessBusy } from './backoff.ts'
import type { ClusterClient } from './client.ts'
import { asList, asObject, errorType, failureOf, isObject } from './reading.ts'
import type { JsonObject } from './reading.ts'

/** Orders for one memory at most: more would hammer a cluster that is in trouble already. */
const MAX_ROUNDS = 6
const FIRST_PAUSE_MS = 50

/** What came of one order. */
type Fate =
  | { readonly kind: 'deleted' | 'conflict' }
  /** Not done, and safe to order again. */
  | { readonly kind: 'rejected'; readonly status: number; readonly error: unknown }
  /** Perhaps done. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'failed'; readonly status: number; readonly error: unknown }

/**
 * Removes the memories of one page, each in the version that was found, in one `_bulk` of its own: thousands by query must not queue before
 * somebody's single delete. What the cluster is too busy for is ordered again after a pause; an order without an answer is looked up.
 */
export async function removeMatches(
  client: ClusterClient,
  index: string,
  matches: readonly Match[],
  signal: AbortSignal,
): Promise<RemovedMatches> {
  const result = { deleted: 0, conflicts: 0, retries: 0, failures: [] as QueryFailure[] }
  const unconfirmed = new Set<Match | undefined>()
  let pending = matches
  for (let round = 1; pending.length > 0; round++) {
    // A conflict after an order that nobody confirmed may be that order's own doing.
    let fates = (await order(client, index, pending, signal)).map((fate, position): Fate =>
      fate.kind === 'conflict' && unconfirmed.has(pending[position]) ? { kind: 'unknown' } : fate,
    )
    if (fates.some(({ kind }) => kind === 'unknown')) {
      fates.forEach(({ kind }, position) => kind === 'unknown' && unconfirmed.add(pending[position]))
      fates = await settle(client, index, pending, fates, signal)
    }
    const isLast = round === MAX_ROUNDS || signal.aborted
    const again: Match[] = []
    for (const [position, match] of pending.entries()) {
      const fate = fates[position] ?? { kind: 'unknown' }
      if (fate.kind === 'deleted') result.deleted += 1
      else if (fate.kind === 'conflict') result.conflicts += 1
      else if (fate.kind === 'rejected' && !isLast) again.push(match)
      else result.failures.push(failureFor(index, match, fate))
    }
    pending = again
    if (pending.length === 0) break
    result.retries += 1
    await delay(FIRST_PAUSE_MS * 2 ** round * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined)
  }
  return result
}

function failureFor(index: string, { id }: Match, fate: Fate): QueryFailure {
  if (fate.kind === 'rejected' || fate.kind === 'failed') {
    const reason = isObject(fate.error) && typeof fate.error['reason'] === 'string' ? fate.error['reason'] : ''
    return { index, id, status: fate.status, type: errorType(fate.error), reason }
  }
  const { status, type, reason } = FAILURES.outcomeUnknown
  return { index, id, status, type, reason }
}

async function order(
  client: ClusterClient,
  index: string,
  matches: readonly Match[],
  signal: AbortSignal,
): Promise<readonly Fate[]> {
  const body = matches.map((match) => deleteLine(index, match)).join('')
  const request = {
    method: 'POST',
    path: '/_bulk',
    body,
    contentType: 'application/x-ndjson',
    mayTakeLong: true,
  } as const
  const answer = await client.request(request, signal).catch((error: unknown) => {
    if (error instanceof GatewayError && mayHaveRun(error.cause)) return undefined
    throw error
  })
  if (answer === undefined) return matches.map(() => ({ kind: 'unknown' }))
  const { status } = answer
  const error = isObject(answer.body) ? answer.body['error'] : undefined
  if (status === 429) return matches.map(() => ({ kind: 'rejected', status, error }))
  if (status >= 500) return matches.map(() => ({ kind: 'unknown' }))
  if (status !== 200) throw failureOf(answer)
  const items: readonly unknown[] =
    isObject(answer.body) && Array.isArray(answer.body['items']) ? answer.body['items'] : []
  return matches.map((match, position) => fateOf(items[position], match))
}

// Numbers are written by hand: a `_seq_no` may be larger than a double can hold.
function deleteLine(index: string, { id, routing, seqNo, primaryTerm }: Match): string {
  const names = `"_index":${JSON.stringify(index)},"_id":${JSON.stringify(id)}`
  const route = routing === undefined ? '' : `,"routing":${JSON.stringify(routing)}`
  return `{"delete":{${names}${route},"if_seq_no":${String(seqNo)},"if_primary_term":${String(primaryTerm)}}}\n`
}

function fateOf(answered: unknown, match: Match): Fate {
  const item = isObject(answered) && isObject(answered['delete']) ? answered['delete'] : undefined
  if (item?.['_id'] !== match.id) return { kind: 'unknown' }
  const status = Number(item['status'])
  const error = item['error']
  if (status === 200) return { kind: 'deleted' }
  if (status === 404 || status === 409) return { kind: 'conflict' }
  if (status === 429) return { kind: 'rejected', status, error }
  return status < 500 ? { kind: 'failed', status, error } : { kind: 'unknown' }
}

/** Looks at what was ordered without an answer: gone is deleted, unchanged may be ordered again. */
async function settle(
  client: ClusterClient,
  index: string,
  matches: readonly Match[],
  fates: Fate[],
  signal: AbortSignal,
): Promise<Fate[]> {
  const docs = matches.map(({ id, routing }) => ({ _index: index, _id: id, _source: false, routing }))
  try {
    const answer = await requestUnlessBusy(
      client,
      { method: 'POST', path: '/_mget', body: JSON.stringify({ docs }), isRepeatable: true },
      signal,
    )
    if (answer.status !== 200) return fates
    const items = asList(asObject(answer.body)['docs']).map(asObject)
    return fates.map((fate, position) =>
      fate.kind === 'unknown' ? fateBySight(items[position], matches[position]) : fate,
    )
  } catch {
    return fates
  }
}

function fateBySight(item: JsonObject | undefined, match: Match | undefined): Fate {
  if (item === undefined || match === undefined || item['_id'] !== match.id) return { kind: 'unknown' }
  if (item['found'] === false) return { kind: 'deleted' }
  if (item['found'] !== true) return { kind: 'unknown' }
  const isUnchanged = item['_seq_no'] === match.seqNo && item['_primary_term'] === match.primaryTerm
  return isUnchanged ? { kind: 'rejected', status: 502, error: UNCONFIRMED } : { kind: 'conflict' }
}

const UNCONFIRMED = {
  type: 'bad_gateway_exception',
  reason: 'The cluster did not confirm the delete, and did not make it',
}
