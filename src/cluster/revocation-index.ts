import { createHash } from 'node:crypto'

import { GatewayError } from '../core/failure.ts'
import { readRevocation } from '../core/revocation.ts'
import type { Revocation } from '../core/revocation.ts'
import type { RevocationStore } from '../core/revocation-store.ts'
import type { ClusterClient } from './client.ts'
import type { ReadableIndices } from './readable-indices.ts'
import { asList, asObject, asString, errorType, failureOf, isObject } from './reading.ts'
import type { ClusterAnswer, ClusterRequest } from './request.ts'

/** A cluster as the service identity has it. */
export interface ServiceAccess {
  readonly client: ClusterClient
  readonly readable: ReadableIndices
}

interface Options {
  readonly index: string
  /** Asked each time: it may be another one once the configuration was reloaded. */
  readonly access: () => ServiceAccess
  readonly onCreated: () => void
}

/** Of one request. With an interval of 2 s, and a second until searches show what others wrote, that makes the bound of 5 s. */
const READ_MS = 2_000
const WRITE_MS = 10_000
const PAGE = 5_000
const MOST = 100_000
/** However little seems to have changed: an index may have been put in place of another with as many entries. */
const WHOLE_EVERY_MS = 30_000

const unsearched = { index: false, doc_values: false } as const
/** Without a limit of length on what is only stored. */
const CREATION = JSON.stringify({
  // One shard has one order of changes, by which it shows whether there was any.
  settings: { number_of_shards: 1, auto_expand_replicas: '0-all', refresh_interval: '1s', hidden: true },
  mappings: {
    dynamic: 'strict',
    properties: {
      jti: { type: 'keyword', ...unsearched },
      subject: { type: 'keyword', ...unsearched },
      issuer: { type: 'keyword', ...unsearched },
      issuedBefore: { type: 'double', ...unsearched },
      until: { type: 'double' },
    },
  },
})

/** What tells two states of a list apart: each change of one shard has a number of its own, and a removal another count. */
interface Mark {
  readonly count: number
  readonly newest: number
}

/** A deny list in an index: each document is one entry. */
export function openRevocationIndex({ index, access, onCreated }: Options): RevocationStore {
  const path = `/${encodeURIComponent(index)}`
  let seen: (Mark & { readonly wholeAt: number }) | undefined

  async function search(body: object, signal: AbortSignal): Promise<Page | undefined> {
    const answer = await access().client.request(
      {
        method: 'POST',
        path: `${path}/_search`,
        // A copy that lags behind would give back for a moment what was taken away.
        querystring: { preference: '_primary_first', allow_partial_search_results: 'false' },
        body: JSON.stringify({ track_total_hits: true, ...body }),
        isRepeatable: true,
      },
      signal,
    )
    return isMissing(answer) ? undefined : pageOf(answer)
  }

  async function readAll(mark: Mark, signal: () => AbortSignal): Promise<readonly Revocation[]> {
    const entries: Revocation[] = []
    let newest = mark.newest
    for (let after: number | undefined; ;) {
      const sort = { sort: [{ _seq_no: 'asc' }], ...(after === undefined ? {} : { search_after: [after] }) }
      const page = await search({ size: PAGE, ...sort }, signal())
      if (page === undefined) throw new Error(GONE)
      entries.push(...page.hits.map(({ id, source }) => entryOf(id, source)))
      after = page.hits.at(-1)?.seqNo
      if (after !== undefined) newest = after
      if (entries.length > MOST) throw new Error(`has more than ${String(MOST)} entries`)
      if (page.hits.length < PAGE) break
    }
    if (entries.length === 0) await access().readable.prove(index, signal())
    seen = { count: entries.length, newest, wholeAt: performance.now() }
    return entries
  }

  async function create(): Promise<void> {
    const answer = await write({ method: 'PUT', path, body: CREATION })
    if (answer.status === 200) onCreated()
    else if (typeOf(answer) !== 'resource_already_exists_exception') throw failureOf(answer)
  }

  const write = (request: ClusterRequest): Promise<ClusterAnswer> =>
    access().client.request({ mayTakeLong: true, ...request }, AbortSignal.timeout(WRITE_MS))

  return {
    async read() {
      const limit = AbortSignal.timeout(READ_MS)
      const newest = await search({ size: 1, _source: false, sort: [{ _seq_no: 'desc' }] }, limit)
      if (newest === undefined) {
        // Whoever takes the index away gives nobody's token back.
        if (seen !== undefined) throw new Error(GONE)
        await create()
      }
      const mark = { count: newest?.total ?? 0, newest: newest?.hits[0]?.seqNo ?? -1 }
      const isSame = seen?.count === mark.count && seen.newest === mark.newest
      if (isSame && performance.now() < (seen?.wholeAt ?? 0) + WHOLE_EVERY_MS) return undefined
      // A long list is several pages: each has its own time.
      return readAll(mark, () => AbortSignal.timeout(READ_MS))
    },

    async add(entry) {
      // A write would make the index anew, with nothing else in it.
      if ((await search({ size: 0 }, AbortSignal.timeout(READ_MS))) === undefined) throw new Error(GONE)
      const body = JSON.stringify(entry)
      const id = createHash('sha256').update(body).digest('base64url')
      const querystring = { refresh: 'true' }
      const answer = await write({ method: 'POST', path: `${path}/_doc/${id}`, querystring, body, isRepeatable: true })
      if (answer.status !== 200 && answer.status !== 201) throw failureOf(answer)
    },

    async removeOver(before) {
      const body = JSON.stringify({ query: { range: { until: { lt: before } } } })
      // Other gateways do the same.
      const querystring = { conflicts: 'proceed', refresh: 'true' }
      const answer = await write({ method: 'POST', path: `${path}/_delete_by_query`, querystring, body })
      if (answer.status !== 200) throw failureOf(answer)
    },
  }
}

const GONE = 'is not there any more'

interface Page {
  readonly total: number
  readonly hits: readonly { readonly id: string; readonly seqNo: number; readonly source: unknown }[]
}

function isMissing(answer: ClusterAnswer): boolean {
  return answer.status === 404 && typeOf(answer) === 'index_not_found_exception'
}

function typeOf({ body }: ClusterAnswer): string {
  return errorType(isObject(body) ? body['error'] : undefined)
}

function pageOf(answer: ClusterAnswer): Page {
  if (answer.status !== 200) throw failureOf(answer)
  const { _shards, hits, timed_out: timedOut } = asObject(answer.body)
  const shards = asObject(_shards)
  if (shards['total'] !== 1) throw new Error('must be one index with one primary shard')
  if (timedOut !== false || shards['failed'] !== 0) throw new GatewayError('upstreamUnavailable')
  return {
    total: asNumber(asObject(asObject(hits)['total'])['value']),
    hits: asList(asObject(hits)['hits']).map((hit) => {
      const { _id, _source, sort } = asObject(hit)
      return { id: asString(_id), seqNo: asNumber(asList(sort)[0]), source: _source }
    }),
  }
}

function asNumber(value: unknown): number {
  if (typeof value === 'number') return value
  throw new GatewayError('upstreamInvalid', { cause: 'a number was expected' })
}

/** @throws Error that names the document */
function entryOf(id: string, source: unknown): Revocation {
  const entry = readRevocation(source)
  if (typeof entry === 'string') throw new Error(`has a document ${id.slice(0, 64)} that ${entry}`)
  return entry
}
