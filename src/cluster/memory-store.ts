import { LRUCache } from 'lru-cache'

import { backingIndexOf, parseContainer } from '../core/backing-index.ts'
import type { BackingIndex, Container, ContainerNaming, IndexOfType } from '../core/backing-index.ts'
import type { MemoryStore } from '../core/delete-memory.ts'
import { GatewayError } from '../core/failure.ts'
import { belongsTo } from '../core/look.ts'
import type { Look, LookQuestion, Place } from '../core/look.ts'
import type { MemoryType } from '../core/memory.ts'
import type { Stopwatch } from '../core/stopwatch.ts'
import type { Tracing } from '../core/tracing.ts'
import { withBackoff } from './backoff.ts'
import type { Circuit } from './circuit.ts'
import type { ClusterClient } from './client.ts'
import { openLane } from './lane.ts'
import type { Enqueue, LaneOptions, QueueOptions } from './lane.ts'
import { documentsOf, readDocuments } from './read-documents.ts'
import { observed } from './observed.ts'
import type { OnBatch } from './observed.ts'
import type { DocumentsOf, ReadReply, WantedDocument } from './read-documents.ts'
import type { ReadableIndices } from './readable-indices.ts'
import { asLong, asObject, errorType, failureFor, failureOf } from './reading.ts'
import type { JsonObject } from './reading.ts'
import { createRemove, openRemoveQueues } from './remove.ts'
import { tracedQueue } from './traced-queue.ts'

interface Options {
  readonly client: ClusterClient
  readonly circuit: Circuit
  /** How long the cluster waits for a shard that has no primary at the moment, in milliseconds. */
  readonly shardTimeoutMs: number
  readonly readable: ReadableIndices
  /** Where the ml-commons plugin keeps the containers. */
  readonly containerIndex: string
  /** The fields of a memory that a decision needs; nothing else of it is read. */
  readonly memoryFields: readonly string[]
  /** Called when the cluster could not be asked, or not in time, or gave an answer that is no use. */
  readonly onFailure: () => void
  readonly onBatch: OnBatch
  readonly tracing: Tracing | undefined
}

/** A cluster's memories, for one request at a time. */
export interface MemoryStores {
  /**
   * @param signal aborts when the request's deadline has come or its caller has gone
   * @param waited runs while the request waits for the cluster, or for a place in a batch
   */
  forRequest(signal: AbortSignal, waited?: Stopwatch): MemoryStore
  /** How many looks and removes wait for a place in a batch. */
  waiting(): number
}

async function refreshIndex(client: ClusterClient, index: string, signal: AbortSignal): Promise<void> {
  const answer = await client.request(
    { method: 'POST', path: `/${encodeURIComponent(index)}/_refresh`, isRepeatable: true, mayTakeLong: true },
    signal,
  )
  if (answer.status !== 200) throw failureOf(answer)
}

type Named = { readonly type: MemoryType } & IndexOfType

/** A second batch keeps a node busy while answers travel, once it is worth it: with 64 callers two small ones cost the cluster a fifth more than one, and took longer. */
const LANE: LaneOptions = {
  maxBatches: 2,
  worthwhileItems: 64,
  patienceMs: 100,
  maxItems: 256,
  maxBytes: 1_048_576,
  maxWaiting: 10_000,
}
/** Whole memories may be large: few at a time, and never in the way of a delete. */
const WHOLE_LANE: LaneOptions = { ...LANE, maxBatches: 4, worthwhileItems: 1, maxItems: 16 }
/** These wait for a refresh, and cost nobody anything meanwhile. */
const PATIENT_LANE: LaneOptions = { ...LANE, maxBatches: 16, worthwhileItems: 1 }
/** One batch for each index that somebody waits for. */
const WAITING_LANE: LaneOptions = { ...LANE, maxBatches: 64, worthwhileItems: 1 }

/** Looks at memories and removes them, by `_mget` and `_bulk`; requests that come at the same time share them. */
export function createMemoryStores(options: Options): MemoryStores {
  const client = options.circuit.guard(options.client)
  const lane = openLane(LANE)
  const lanes = { false: lane, true: openLane(PATIENT_LANE), wait_for: openLane(WAITING_LANE) }
  const removes = openRemoveQueues({
    client,
    shardTimeoutMs: options.shardTimeoutMs,
    lanes,
    onBatch: options.onBatch,
    tracing: options.tracing,
  })
  const reads: QueueOptions<readonly WantedDocument[], ReadReply> = {
    send: observed('look', (items, signal) => readDocuments(client, items, signal), options.onBatch),
    bytesOf: (wanted) => wanted.reduce((sum, { json }) => sum + json.length, 0),
  }
  const wholeLane = openLane(WHOLE_LANE)
  const sources: Sources = {
    ...options,
    // How containers named their indices when last seen. Only ever a guess at what to read along: every look proves it again.
    guesses: new LRUCache<string, ContainerNaming>({ max: 10_000 }),
    containerDocument: documentsOf(options.containerIndex, { excludes: ['name', 'description'] }),
    memoryDocuments: new LRUCache<string, DocumentsOf>({ max: 10_000 }),
    read: tracedQueue(lane, 'look', reads, client.name, options.tracing),
    readWhole: tracedQueue(wholeLane, 'look', reads, client.name, options.tracing),
  }
  return {
    waiting: () => [...Object.values(lanes), wholeLane].reduce((sum, each) => sum + each.waiting(), 0),
    forRequest(signal, waited) {
      const remove = createRemove(removes, signal)
      const noticed = async <Value>(work: () => Promise<Value>): Promise<Value> => {
        waited?.begin()
        try {
          // Nobody waits behind batches that wait for a cluster that is down.
          options.circuit.admit()
          return await work()
        } catch (error) {
          options.onFailure()
          throw error
        } finally {
          waited?.end()
        }
      }
      return {
        look: (question) => noticed(() => withBackoff(() => look(sources, question, signal), signal)),
        findContainer: (containerId) =>
          noticed(() => withBackoff(() => findContainer(sources, containerId, signal), signal)),
        remove: (order) => noticed(() => remove(order)),
        refresh: (index) => noticed(() => withBackoff(() => refreshIndex(client, index, signal), signal)),
      }
    },
  }
}

interface Sources extends Options {
  readonly guesses: LRUCache<string, ContainerNaming>
  readonly containerDocument: DocumentsOf
  readonly memoryDocuments: LRUCache<string, DocumentsOf>
  readonly read: Enqueue<readonly WantedDocument[], ReadReply>
  readonly readWhole: Enqueue<readonly WantedDocument[], ReadReply>
}

async function look(sources: Sources, question: LookQuestion, signal: AbortSignal): Promise<Look> {
  const { containerId, types, memoryId } = question
  const readsAll = question.reads === 'everything'
  const { guesses } = sources
  const read = readsAll ? sources.readWhole : sources.read
  const containerDocument = sources.containerDocument(containerId)
  let guess = guesses.get(containerId)
  for (;;) {
    const named = guess === undefined ? [] : types.map((type) => nameIndex(guess, type))
    const indices = named.flatMap((place) => (place.kind === 'index' ? [place.index] : []))
    const memories = indices.map((index) =>
      (readsAll ? documentsOf(index, true) : memoriesOf(sources, index))(memoryId),
    )
    const reply = await read([containerDocument, ...memories], signal)
    if (reply instanceof GatewayError) throw reply
    const [first, ...others] = reply
    const container = await readContainer(sources, containerId, first, signal)
    if (container === undefined) {
      guesses.delete(containerId)
      return { container, places: [] }
    }
    guesses.set(containerId, container.naming)
    if (guess !== undefined && isSame(guess, container.naming)) {
      return { container, places: await readPlaces(sources, container, named, others, signal) }
    }
    guess = container.naming
  }
}

async function findContainer(
  sources: Sources,
  containerId: string,
  signal: AbortSignal,
): Promise<Container | undefined> {
  const reply = await sources.read([sources.containerDocument(containerId)], signal)
  if (reply instanceof GatewayError) throw reply
  return readContainer(sources, containerId, reply[0], signal)
}

function memoriesOf({ memoryDocuments, memoryFields }: Sources, index: BackingIndex): DocumentsOf {
  const known = memoryDocuments.get(index)
  if (known !== undefined) return known
  const made = documentsOf(index, memoryFields)
  memoryDocuments.set(index, made)
  return made
}

function nameIndex(naming: ContainerNaming | undefined, type: MemoryType): Named {
  return naming === undefined ? { type, kind: 'switchedOff' } : { type, ...backingIndexOf(naming, type) }
}

function isSame(a: ContainerNaming, b: ContainerNaming): boolean {
  if (!a.usable || !b.usable) return a.usable === b.usable
  return (
    a.indexPrefix === b.indexPrefix &&
    a.useSystemIndex === b.useSystemIndex &&
    a.disableSession === b.disableSession &&
    a.disableHistory === b.disableHistory
  )
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
