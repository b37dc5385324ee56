import type { StoredContainer } from '../../core/shared-indices.ts'
import type { ClusterClient } from '../client.ts'
import { findMatches } from '../find-matches.ts'

/** Reads all containers, as searches show them. @returns `undefined` where they cannot be read whole */
export async function readContainers(
  client: ClusterClient,
  index: string,
  signal: AbortSignal,
): Promise<readonly StoredContainer[] | undefined> {
  const containers: StoredContainer[] = []
  try {
    for await (const page of findMatches(client, { index, query: '{"match_all":{}}' }, ['*'], signal)) {
      if (page === undefined) return []
      if (page.timedOut || page.failures.length > 0) return undefined
      containers.push(...page.matches.map(({ id, source }) => ({ id, source })))
    }
    return containers
  } catch {
    return undefined
  }
}
