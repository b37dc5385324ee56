import { fieldsToRead } from '../core/access.ts'
import type { AccessPolicy } from '../core/access.ts'
import type { ErasureStore } from '../core/erasure/store.ts'
import { GatewayError } from '../core/failure.ts'
import { requestUnlessBusy, withBackoff } from './backoff.ts'
import type { ClusterClient } from './client.ts'
import type { ContainerStores } from './container-store.ts'
import { createErasureTasks } from './erasure-tasks.ts'
import { findMatches, findPageOfShard } from './find-matches.ts'
import { hasIndex } from './presence.ts'
import { readQueryFields } from './query-fields.ts'
import type { ReadableIndices } from './readable-indices.ts'
import { asList, asLong, asObject, failureOf } from './reading.ts'
import { removeMatches } from './remove-matches.ts'

interface Options {
  readonly client: ClusterClient
  readonly readable: ReadableIndices
  readonly policy: AccessPolicy
  readonly containerIndex: string
  readonly containers: ContainerStores
}

/** What an erasure asks of a cluster, as long as the signal allows. */
export function createErasureStores(options: Options): (signal: AbortSignal) => ErasureStore {
  const { client, readable, policy, containerIndex, containers } = options
  const sourceFields = [...new Set([...fieldsToRead(policy), 'namespace'])]
  return (signal) => ({
    ...createErasureTasks(client, signal),
    async *containers() {
      if (!(await withBackoff(() => hasIndex(client, containerIndex, signal), signal))) return
      let count = 0
      for await (const container of containers.forRequest(signal).all()) {
        count += 1
        yield container
      }
      // Hidden containers would pass for none.
      if (count === 0) await readable.prove(containerIndex, signal)
    },
    async fields(index, policies) {
      const all = []
      for (const one of policies) {
        const fields = await withBackoff(() => readQueryFields(client, one, index, false, signal), signal)
        if (fields === undefined) return undefined
        all.push(fields)
      }
      return all
    },
    checkpoints: (index) => readCheckpoints(client, index, signal),
    async refresh(index) {
      const path = `/${encodeURIComponent(index)}/_refresh`
      const request = { method: 'POST', path, isRepeatable: true, mayTakeLong: true } as const
      const answer = await requestUnlessBusy(client, request, signal)
      if (answer.status !== 200) throw failureOf(answer)
      // What a shard could not make visible would not be found.
      const { failed } = asObject(asObject(answer.body)['_shards'])
      if (failed !== 0) throw new GatewayError('upstreamUnavailable', { cause: answer.body })
    },
    async *find(question) {
      for await (const page of findMatches(client, question, sourceFields, signal)) {
        if (page !== undefined && page.matches.length > 0) readable.sawDocument(question.index)
        yield page
      }
    },
    findPage: (order) => findPageOfShard(client, order, sourceFields, signal),
    removeMatches: (index, matches) => removeMatches(client, index, matches, signal),
    prove: (index) => withBackoff(() => readable.prove(index, signal), signal),
    async get(index, witnesses) {
      if (witnesses.length === 0) return []
      const docs = witnesses.map(({ id, routing }) => ({ _index: index, _id: id, _source: sourceFields, routing }))
      const body = JSON.stringify({ docs })
      const request = { method: 'POST', path: '/_mget', body, isRepeatable: true } as const
      const answer = await requestUnlessBusy(client, request, signal)
      if (answer.status !== 200) throw failureOf(answer)
      const items = asList(asObject(answer.body)['docs']).map(asObject)
      return items.filter(({ found }) => found === true).map(({ _source }) => _source)
    },
  })
}

/** Of the primaries: what has a lower or the same `_seq_no` is written by now. */
async function readCheckpoints(
  client: ClusterClient,
  index: string,
  signal: AbortSignal,
): Promise<readonly { readonly shard: number; readonly seqNo: string }[]> {
  const path = `/${encodeURIComponent(index)}/_stats/docs`
  const querystring = { level: 'shards', filter_path: 'indices.*.shards.*.seq_no,indices.*.shards.*.routing.primary' }
  const answer = await requestUnlessBusy(client, { method: 'GET', path, querystring, isRepeatable: true }, signal)
  if (answer.status !== 200) throw failureOf(answer)
  const [only, ...others] = Object.values(asObject(asObject(answer.body)['indices'])).map(asObject)
  if (only === undefined || others.length > 0) throw new GatewayError('upstreamUnavailable', { cause: answer.body })
  return Object.entries(asObject(only['shards'])).map(([shard, copies]) => {
    const primary = asList(copies)
      .map(asObject)
      .find(({ routing }) => asObject(routing)['primary'] === true)
    if (primary === undefined) throw new GatewayError('upstreamUnavailable', { cause: shard })
    return { shard: Number(shard), seqNo: String(asLong(asObject(primary['seq_no'])['local_checkpoint'])) }
  })
}
