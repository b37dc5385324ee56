import { parseContainer } from '../core/backing-index.ts'
import type { BackingIndex } from '../core/backing-index.ts'
import type { ContainerStore, FoundContainer } from '../core/delete-container.ts'
import { GatewayError } from '../core/failure.ts'
import type { StoredContainer } from '../core/shared-indices.ts'
import type { Stopwatch } from '../core/stopwatch.ts'
import { requestUnlessBusy, withBackoff } from './backoff.ts'
import { timedClient } from './client.ts'
import type { ClusterClient } from './client.ts'
import { findMatches } from './find-matches.ts'
import type { MemoryStores } from './memory-store.ts'
import type { ReadableIndices } from './readable-indices.ts'
import { asLong, asObject, errorType, failureOf, isObject } from './reading.ts'
import type { ClusterAnswer } from './request.ts'

interface Options {
  readonly client: ClusterClient
  readonly readable: ReadableIndices
  readonly containerIndex: string
  readonly memories: MemoryStores
}

/** A cluster's containers, for one request at a time. */
export interface ContainerStores {
  /** See {@link MemoryStores.forRequest}. */
  forRequest(signal: AbortSignal, waited?: Stopwatch): ContainerStore
}

export function createContainerStores(shared: Options): ContainerStores {
  const { containerIndex, memories } = shared
  return {
    forRequest(signal, waited) {
      const client = timedClient(shared.client, waited)
      const options = { ...shared, client }
      return {
        index: containerIndex,
        read: (containerId) => withBackoff(() => read(options, containerId, signal), signal),
        all: () => allContainers(options, signal),
        deleteIndex: (index) => withBackoff(() => deleteIndex(client, index, signal), signal),
        remove: (memoryId, { seqNo, primaryTerm }) =>
          // The one document of ours that is no memory; the configuration names its index.
          memories
            .forRequest(signal, waited)
            .remove({ index: containerIndex as BackingIndex, memoryId, seqNo, primaryTerm, refresh: 'true' }),
      }
    },
  }
}

async function read(
  { client, readable, containerIndex }: Options,
  containerId: string,
  signal: AbortSignal,
): Promise<FoundContainer | undefined> {
  const path = `/${encodeURIComponent(containerIndex)}/_doc/${encodeURIComponent(containerId)}`
  const answer = await client.request({ method: 'GET', path, isRepeatable: true }, signal)
  const body = answer.status === 200 || answer.status === 404 ? asObject(answer.body) : undefined
  if (body === undefined) throw failureOf(answer)
  if (body['found'] === true) {
    readable.sawDocument(containerIndex)
    return {
      container: parseContainer(containerId, body['_source']),
      seqNo: asLong(body['_seq_no']),
      primaryTerm: asLong(body['_primary_term']),
      version: asLong(body['_version']),
    }
  }
  if (body['found'] === false) await readable.prove(containerIndex, signal)
  else if (!isIndexMissing(answer)) throw failureOf(answer)
  return undefined
}

/** Refreshed first: a container that was made a moment ago counts. */
async function* allContainers(
  { client, containerIndex: index }: Options,
  signal: AbortSignal,
): AsyncGenerator<StoredContainer> {
  const refreshed = await requestUnlessBusy(
    client,
    { method: 'POST', path: `/${encodeURIComponent(index)}/_refresh`, isRepeatable: true, mayTakeLong: true },
    signal,
  )
  if (refreshed.status !== 200) throw failureOf(refreshed)
  const question = { index, query: '{"match_all":{}}' }
  for await (const page of findMatches(client, question, ['*'], signal)) {
    // Whatever was not searched may hold the container that shares.
    if (page === undefined || page.timedOut || page.failures.length > 0) {
      throw new GatewayError('upstreamUnavailable', { reason: 'Not all memory containers could be read', cause: page })
    }
    yield* page.matches
  }
}

async function deleteIndex(client: ClusterClient, index: BackingIndex, signal: AbortSignal): Promise<void> {
  const answer = await client.request(
    {
      method: 'DELETE',
      path: `/${encodeURIComponent(index)}`,
      // The name is one index and no pattern, whatever it holds.
      querystring: { expand_wildcards: 'none' },
      mayTakeLong: true,
    },
    signal,
  )
  if (answer.status === 200 || isIndexMissing(answer)) return
  throw failureOf(answer)
}

function isIndexMissing({ status, body }: ClusterAnswer): boolean {
  return status === 404 && isObject(body) && errorType(body['error']) === 'index_not_found_exception'
}
