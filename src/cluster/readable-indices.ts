import { LRUCache } from 'lru-cache'

import { GatewayError } from '../core/failure.ts'
import type { ClusterClient } from './client.ts'
import { asLong, asObject, failureOf, isObject } from './reading.ts'

export type Readability =
  /** A document was read, or a search shows some. */
  | 'readable'
  /** No documents to be read: nothing can be hidden. */
  | 'empty'
  /** It has documents by its statistics, and shows none: the security plugin hides protected system indices from all but the admin certificate. */
  | 'masked'

export interface ReadableIndices {
  /** A document of this index was just read. */
  sawDocument(index: string): void
  /**
   * Settles that "not found" in this index means absence.
   * @throws GatewayError upstreamMasked where the index hides its documents from the service identity; upstreamUnavailable and the like
   */
  prove(index: string, signal: AbortSignal): Promise<void>
  /** The indices that hid their documents when last probed. */
  masked(): readonly string[]
  /** Probes those again: the remedy may have been applied, or the index deleted, without any request for it since. */
  recheck(): Promise<void>
}

/** How long a proof holds: the security plugin's configuration can change at run time. */
const PROOF_HOLDS_MS = 30_000
/** An empty index may get its first document at any time. */
const EMPTY_HOLDS_MS = 1_000

interface Options {
  readonly client: ClusterClient
  readonly onMasked: (index: string) => void
  readonly now?: () => number
}

/** Tells a masked `found: false` from an absent document, by a probe whose result is kept for a while. */
export function createReadableIndices({ client, onMasked, now = Date.now }: Options): ReadableIndices {
  const provenUntil = new LRUCache<string, number>({ max: 10_000 })
  const probes = new Map<string, Promise<Readability>>()
  const masked = new Set<string>()

  function settle(index: string, readability: Readability): void {
    if (readability === 'masked') {
      provenUntil.delete(index)
      masked.add(index)
      onMasked(index)
      return
    }
    masked.delete(index)
    provenUntil.set(index, now() + (readability === 'readable' ? PROOF_HOLDS_MS : EMPTY_HOLDS_MS))
  }

  /** Callers that wait for the same index share one probe; it is not tied to any one caller's deadline. */
  function joinProbe(index: string): Promise<Readability> {
    const running = probes.get(index)
    if (running !== undefined) return running
    const probe = probeIndex(client, index, AbortSignal.timeout(PROBE_TIMEOUT_MS)).finally(() => probes.delete(index))
    probes.set(index, probe)
    return probe
  }

  return {
    sawDocument: (index) => settle(index, 'readable'),
    async prove(index, signal) {
      if ((provenUntil.get(index) ?? 0) > now()) return
      const readability = await orAborted(() => joinProbe(index), signal)
      settle(index, readability)
      if (readability === 'masked') throw new GatewayError('upstreamMasked', { cause: index })
    },
    masked: () => [...masked],
    async recheck() {
      for (const index of masked) {
        await joinProbe(index).then(
          (readability) => {
            if (readability !== 'masked') settle(index, readability)
          },
          (error: unknown) => {
            if (isIndexMissing(error)) masked.delete(index)
          },
        )
      }
    },
  }
}

const PROBE_TIMEOUT_MS = 5_000

function isIndexMissing(error: unknown): boolean {
  const cause = error instanceof GatewayError ? error.cause : undefined
  return isObject(cause) && cause['status'] === 404
}

async function probeIndex(client: ClusterClient, index: string, signal: AbortSignal): Promise<Readability> {
  if (await showsDocuments(client, index, signal)) return 'readable'
  const { documents, unrefreshed } = await countDocuments(client, index, signal)
  if (documents === 0 && !unrefreshed) return 'empty'
  // Statistics are ahead of searches: after a realtime read they count what no search shows yet, and still count what was deleted since.
  // The second round is for a document that came just after the search of the first.
  for (let round = 0; round < 2; round++) {
    await refresh(client, index, signal)
    if (await showsDocuments(client, index, signal)) return 'readable'
    if ((await countDocuments(client, index, signal)).documents === 0) return 'empty'
  }
  return 'masked'
}

async function refresh(client: ClusterClient, index: string, signal: AbortSignal): Promise<void> {
  const answer = await client.request(
    { method: 'POST', path: `/${encodeURIComponent(index)}/_refresh`, isRepeatable: true, mayTakeLong: true },
    signal,
  )
  // Who may not refresh may still learn by a search what is there: the statistics alone then say what is hidden.
  if (answer.status !== 200 && answer.status !== 403) throw failureOf(answer)
}

async function showsDocuments(client: ClusterClient, index: string, signal: AbortSignal): Promise<boolean> {
  const path = `/${encodeURIComponent(index)}/_search`
  const body = await ask(client, 'POST', path, signal, '{"size":0,"track_total_hits":1}')
  return Number(asLong(asObject(asObject(body['hits'])['total'])['value'])) > 0
}

async function countDocuments(
  client: ClusterClient,
  index: string,
  signal: AbortSignal,
): Promise<{ documents: number; unrefreshed: boolean }> {
  const body = await ask(client, 'GET', `/${encodeURIComponent(index)}/_stats/docs,translog`, signal)
  const primaries = asObject(asObject(body['_all'])['primaries'])
  const documents = Number(asLong(asObject(primaries['docs'])['count']))
  const translog = primaries['translog']
  const unrefreshed = isObject(translog) && Number(asLong(translog['operations'])) > 0
  return { documents, unrefreshed }
}

async function ask(
  client: ClusterClient,
  method: 'GET' | 'POST',
  path: string,
  signal: AbortSignal,
  body?: string,
): Promise<Readonly<Record<string, unknown>>> {
  const answer = await client.request(
    { method, path, isRepeatable: true, ...(body === undefined ? {} : { body }) },
    signal,
  )
  if (answer.status !== 200) throw failureOf(answer)
  return asObject(answer.body)
}

/** Waits for shared work no longer than one's own deadline. It begins only while somebody waits: its failure would be nobody's otherwise. */
async function orAborted<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw new GatewayError('upstreamTimeout', { cause: signal.reason })
  let stop = (): void => undefined
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(new GatewayError('upstreamTimeout', { cause: signal.reason }))
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work(), aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
