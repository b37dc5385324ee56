import type { ErasureRecord } from '../core/erasure/record.ts'
import { MAX_LISTED } from '../core/erasure/records.ts'
import type { ErasureRecords, HeldRecord, UnreadableRecord } from '../core/erasure/records.ts'
import { GatewayError } from '../core/failure.ts'
import { requestUnlessBusy } from './backoff.ts'
import type { ClusterClient } from './client.ts'
import { asList, asLong, asObject, asString, errorType, failureOf, isObject } from './reading.ts'
import type { JsonObject } from './reading.ts'
import type { ClusterAnswer } from './request.ts'

/** Only what the list is sorted by is indexed: names of people are found by nobody's search. */
const INDEX = {
  settings: { index: { hidden: true, number_of_shards: 1, auto_expand_replicas: '0-1' } },
  mappings: {
    dynamic: 'strict',
    properties: { createdAt: { type: 'date' }, record: { type: 'object', enabled: false } },
  },
}

/** @returns why it is none */
export type ParseRecord = (value: unknown) => ErasureRecord | string

/** Erasures in an index of their own, which is made when the first one is written. */
export function createErasureRecords(
  client: ClusterClient,
  index: string,
  signal: () => AbortSignal,
  parse: ParseRecord,
): ErasureRecords {
  const at = `/${encodeURIComponent(index)}`

  async function write(path: string, querystring: Record<string, string>, record: ErasureRecord) {
    const body = JSON.stringify({ createdAt: record.createdAt, record })
    const request = { method: 'PUT', path: at + path, querystring: { refresh: 'true', ...querystring }, body } as const
    return requestUnlessBusy(client, request, signal())
  }

  function readHit(body: JsonObject): HeldRecord {
    const record = recordIn(body, parse)
    if (typeof record !== 'string') return heldIn(body, record)
    const reason = `The erasure [${asString(body['_id'])}] in [${index}] cannot be read, and is left alone: ${record}`
    throw new GatewayError('upstreamInvalid', { reason })
  }

  return {
    async create(record) {
      await makeIndex(client, at, signal())
      const answer = await write(`/_create/${record.id}`, {}, record)
      if (answer.status !== 201) throw failureOf(answer)
      return heldIn(asObject(answer.body), record)
    },
    async read(id) {
      const path = `${at}/_doc/${encodeURIComponent(id)}`
      const answer = await requestUnlessBusy(client, { method: 'GET', path, isRepeatable: true }, signal())
      if (answer.status === 404) return undefined
      if (answer.status !== 200) throw failureOf(answer)
      const body = asObject(answer.body)
      return readHit(body)
    },
    async replace({ seqNo, primaryTerm }, record) {
      const version = { if_seq_no: String(seqNo), if_primary_term: String(primaryTerm) }
      const answer = await write(`/_doc/${encodeURIComponent(record.id)}`, version, record)
      if (answer.status === 409) return undefined
      if (answer.status !== 200) throw failureOf(answer)
      return heldIn(asObject(answer.body), record)
    },
    async list() {
      const body = `{"size":${String(MAX_LISTED)},"sort":[{"createdAt":"desc"}],"seq_no_primary_term":true}`
      const request = { method: 'POST', path: `${at}/_search`, body, isRepeatable: true } as const
      const answer = await requestUnlessBusy(client, request, signal())
      if (isMissing(answer)) return { held: [], unreadable: [] }
      if (answer.status !== 200) throw failureOf(answer)
      const hits = asList(asObject(asObject(answer.body)['hits'])['hits']).map(asObject)
      const list = { held: [] as HeldRecord[], unreadable: [] as UnreadableRecord[] }
      for (const hit of hits) {
        const record = recordIn(hit, parse)
        if (typeof record === 'string') list.unreadable.push({ id: asString(hit['_id']), reason: record })
        else list.held.push(heldIn(hit, record))
      }
      return list
    },
  }
}

async function makeIndex(client: ClusterClient, path: string, signal: AbortSignal): Promise<void> {
  const answer = await requestUnlessBusy(client, { method: 'PUT', path, body: JSON.stringify(INDEX) }, signal)
  const isThere = isObject(answer.body) && errorType(answer.body['error']) === 'resource_already_exists_exception'
  if (answer.status !== 200 && !isThere) throw failureOf(answer)
}

function heldIn(body: JsonObject, record: ErasureRecord): HeldRecord {
  return { record, seqNo: asLong(body['_seq_no']), primaryTerm: asLong(body['_primary_term']) }
}

/**
 * Written by gateways alone; what is not understood is never taken up.
 * @returns why it is not
 */
function recordIn(body: JsonObject, parse: ParseRecord): ErasureRecord | string {
  const source = body['_source']
  const record = parse(isObject(source) ? source['record'] : undefined)
  if (typeof record !== 'string' && record.id !== body['_id']) return 'id: must be that of the document'
  return record
}

function isMissing({ status, body }: ClusterAnswer): boolean {
  return status === 404 && isObject(body) && errorType(body['error']) === 'index_not_found_exception'
}
