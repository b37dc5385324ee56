import { LRUCache } from 'lru-cache'

import { backingIndexOf, parseContainer } from '../core/backing-index.ts'
import type { BackingIndex, Container, ContainerNaming, IndexOfType } from '../core/backing-index.ts'
import type { Look, LookQuestion, MemoryStore, Place } from '../core/delete-memory.ts'
import { belongsTo } from '../core/delete-memory.ts'
import { GatewayError } from '../core/failure.ts'
import type { MemoryType } from '../core/memory.ts'
import type { ClusterClient } from './client.ts'
import type { ReadableIndices } from './readable-indices.ts'
import { asList, asLong, asObject, errorType, failureFor, failureOf } from './reading.ts'
import type { JsonObject } from './reading.ts'
import { createRemove } from './remove.ts'
import { mayHaveRun } from './undici-connection.ts'

interface Options {
  readonly client: ClusterClient
  readonly readable: ReadableIndices
  /** Where the ml-commons plugin keeps the containers. */
  readonly containerIndex: string
  /** The fields of a memory that a decision needs; nothing else of it is read. */
  readonly memoryFields: readonly string[]
  /** Called when the cluster could not be asked, or not in time, or gave an answer that is no use. */
  readonly onFailure: () => void
}

/** A cluster's memories, for one request at a time. */
export interface MemoryStores {
  /** @param signal aborts when the request's deadline has come or its caller has gone */
  forRequest(signal: AbortSignal): MemoryStore
}

type Named = { readonly type: MemoryType } & IndexOfType

/** Looks at memories and removes them, by `_mget` and `_bulk`. */
export function createMemoryStores(options: Options): MemoryStores {
  // How containers named their indices when last seen. Only ever a guess at what to read along: every look proves it again.
  const guesses = new LRUCache<string, ContainerNaming>({ max: 10_000 })
  return {
    forRequest(signal) {
      const remove = createRemove(options.client, signal)
      const noticed = <Value>(work: Promise<Value>): Promise<Value> =>
        work.catch((error: unknown) => {
          options.onFailure()
          throw error
        })
      return {
        look: (question) => noticed(look(options, guesses, question, signal)),
        remove: (order) => noticed(remove(order)),
      }
    },
  }
}

async function look(
  options: Options,
  guesses: LRUCache<string, ContainerNaming>,
  question: LookQuestion,
  signal: AbortSignal,
): Promise<Look> {
  const { containerId, types, memoryId } = question
  let guess = guesses.get(containerId)
  for (;;) {
    const named = guess === undefined ? [] : types.map((type) => nameIndex(guess, type))
    const indices = named.flatMap((place) => (place.kind === 'index' ? [place.index] : []))
    const [first, ...others] = await multiGet(options, containerId, memoryId, indices, signal)
    const container = await readContainer(options, containerId, first, signal)
    if (container === undefined) {
      guesses.delete(containerId)
      return { container, places: [] }
    }
    guesses.set(containerId, container.naming)
    if (guess !== undefined && isSame(guess, container.naming)) {
      return { container, places: await readPlaces(options, container, named, others, signal) }
    }
    guess = container.naming
  }
}

function nameIndex(naming: ContainerNaming | undefined, type: MemoryType): Named {
  return naming === undefined ? { type, kind: 'switchedOff' } : { type, ...backingIndexOf(naming, type) }
}

function isSame(a: ContainerNaming, b: ContainerNaming): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** Reads the container's document and the memory's from each index, in one round trip. */
async function multiGet(
  { client, containerIndex, memoryFields }: Options,
  containerId: string,
  memoryId: string,
  indices: readonly BackingIndex[],
  signal: AbortSignal,
): Promise<readonly JsonObject[]> {
  const docs = [
    { _index: containerIndex, _id: containerId, _source: { excludes: ['name', 'description'] } },
    ...indices.map((index) => ({ _index: index, _id: memoryId, _source: memoryFields })),
  ]
  const request = { method: 'POST', path: '/_mget', body: JSON.stringify({ docs }) } as const
  const answer = await client.request(request, signal).catch((error: unknown) => {
    // Reading is safe to repeat, and a kept connection may have been closed under it.
    if (error instanceof GatewayError && error.code === 'upstreamUnavailable' && mayHaveRun(error.cause)) {
      return client.request(request, signal)
    }
    throw error
  })
  if (answer.status !== 200) throw failureOf(answer)
  const items = asList(asObject(answer.body)['docs']).map(asObject)
  if (items.length !== docs.length || items.some((item, position) => item['_id'] !== docs[position]?._id)) {
    throw new GatewayError('upstreamInvalid', { cause: 'the answer to _mget does not fit its question' })
  }
  return items
}

type Item = { readonly kind: 'found'; readonly item: JsonObject } | { readonly kind: 'absent' | 'indexMissing' }

function readItem(item: JsonObject): Item {
  if (item['found'] === true) return { kind: 'found', item }
  if (item['found'] === false) return { kind: 'absent' }
  if (errorType(item['error']) === 'index_not_found_exception') return { kind: 'indexMissing' }
  throw failureFor(0, item['error'])
}

async function readContainer(
  { readable, containerIndex }: Options,
  containerId: string,
  item: JsonObject | undefined,
  signal: AbortSignal,
): Promise<Container | undefined> {
  const read = readItem(asObject(item))
  switch (read.kind) {
    case 'found':
      readable.sawDocument(containerIndex)
      return parseContainer(containerId, read.item['_source'])
    case 'absent':
      await readable.prove(containerIndex, signal)
      return undefined
    case 'indexMissing':
      return undefined
  }
}

async function readPlaces(
  { readable }: Options,
  container: Container,
  named: readonly Named[],
  items: readonly JsonObject[],
  signal: AbortSignal,
): Promise<readonly Place[]> {
  const places: Place[] = []
  let position = 0
  for (const place of named) {
    if (place.kind !== 'index') {
      places.push(place)
      continue
    }
    const { type, index } = place
    const read = readItem(asObject(items[position++]))
    if (read.kind === 'found') {
      readable.sawDocument(index)
      places.push({ type, kind: 'found', index, memory: memoryOf(read.item) })
      continue
    }
    places.push({ type, kind: read.kind, index })
  }
  // Only where nothing is found does it matter whether "not found" can be believed.
  if (!places.some((place) => place.kind === 'found' && belongsTo(place.memory, container))) {
    for (const place of places) if (place.kind === 'absent') await readable.prove(place.index, signal)
  }
  return places
}

function memoryOf(item: JsonObject): Extract<Place, { kind: 'found' }>['memory'] {
  return {
    seqNo: asLong(item['_seq_no']),
    primaryTerm: asLong(item['_primary_term']),
    version: asLong(item['_version']),
    source: item['_source'],
  }
}
