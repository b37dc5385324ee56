import type { SearchAnswer, SearchStore } from '../core/search-memories.ts'
import type { ClusterClient } from './client.ts'
import { failureOf, isObject } from './reading.ts'

type Question = Parameters<SearchStore['search']>[0]

/**
 * Searches one index, and keeps the answer as it came.
 * @returns `undefined` where there is no such index
 * @throws GatewayError upstreamUnavailable and the like
 */
export async function searchIndex(
  client: ClusterClient,
  { index, body, layout }: Question,
  signal: AbortSignal,
): Promise<SearchAnswer | undefined> {
  const path = `/${encodeURIComponent(index)}/_search`
  const answer = await client.request(
    { method: 'POST', path, querystring: layout, body, wants: 'text', isRepeatable: true },
    signal,
  )
  const { status, contentType = '' } = answer
  if (status === 404) return undefined
  const text = String(answer.body)
  // A 400 is about the caller's own words.
  if (status === 200 || status === 400) return { status, contentType, text }
  throw failureOf({ status, body: parsed(text) })
}

function parsed(text: string): unknown {
  try {
    const body: unknown = JSON.parse(text)
    return isObject(body) ? body : undefined
  } catch {
    return undefined
  }
}
