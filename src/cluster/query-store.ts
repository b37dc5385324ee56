import { fieldsToRead } from '../core/access.ts'
import type { AccessPolicy } from '../core/access.ts'
import type { MatchPage, MatchQuestion, QueryStore } from '../core/delete-by-query.ts'
import type { SearchStore } from '../core/search-memories.ts'
import type { Stopwatch } from '../core/stopwatch.ts'
import { requestUnlessBusy, withBackoff } from './backoff.ts'
import { timedClient } from './client.ts'
import type { ClusterClient } from './client.ts'
import { findMatches } from './find-matches.ts'
import type { MemoryStores } from './memory-store.ts'
import { readQueryFields } from './query-fields.ts'
import type { ReadableIndices } from './readable-indices.ts'
import { removeMatches } from './remove-matches.ts'
import { searchIndex } from './search-memories.ts'

interface Options {
  readonly client: ClusterClient
  readonly readable: ReadableIndices
  readonly policy: AccessPolicy
  readonly containers: MemoryStores
}

/** What a query names in a cluster, for one request at a time. */
export interface QueryStores {
  /** See {@link MemoryStores.forRequest}. */
  forRequest(signal: AbortSignal, waited?: Stopwatch): QueryStore & SearchStore
}

export function createQueryStores(options: Options): QueryStores {
  const { readable, policy, containers } = options
  return {
    forRequest(signal, waited) {
      const client = timedClient(options.client, waited)
      return {
        findContainer: (containerId) => containers.forRequest(signal, waited).findContainer(containerId),
        fields: (index, forAnyOwner) =>
          withBackoff(() => readQueryFields(client, policy, index, forAnyOwner, signal), signal),
        find: (question) => find({ ...options, client }, question, signal),
        removeMatches: (index, matches) => removeMatches(client, index, matches, signal),
        search: (question) => withBackoff(() => searchIndex(client, question, signal), signal),
        prove: (index) => withBackoff(() => readable.prove(index, signal), signal),
        refresh: (index) => refresh(client, index),
      }
    },
  }
}

async function* find(
  { client, readable, policy }: Options,
  question: MatchQuestion,
  signal: AbortSignal,
): AsyncGenerator<MatchPage | undefined> {
  // A session's cascade looks at the namespace as well.
  const fields = [...new Set([...fieldsToRead(policy), 'namespace'])]
  for await (const page of findMatches(client, question, fields, signal)) {
    if (page !== undefined && page.matches.length > 0) readable.sawDocument(question.index)
    yield page
  }
}

const REFRESH_MS = 30_000

/** Makes deletes visible to searches. They are made by then, so neither a caller who has gone nor a failure changes anything. */
async function refresh(client: ClusterClient, index: string): Promise<void> {
  const path = `/${encodeURIComponent(index)}/_refresh`
  const request = { method: 'POST', path, isRepeatable: true, mayTakeLong: true } as const
  await requestUnlessBusy(client, request, AbortSignal.timeout(REFRESH_MS)).catch(() => undefined)
}
