import type { Pool } from 'undici'

import type { Target } from './load.ts'
import type { BenchIssuer } from './world.ts'

export const INDEX = 'bench-memory-working'
const PATH = '/_plugins/_ml/memory_containers/bench/memories/working'

/** Makes the indices, and the container of the memories that are deleted. */
export async function makeContainer(cluster: string): Promise<void> {
  const settings = { settings: { number_of_shards: 1, number_of_replicas: 0 } }
  await put(`${cluster}/${INDEX}`, settings)
  await put(`${cluster}/bench-containers`, settings)
  await put(`${cluster}/bench-containers/_doc/bench?refresh=true`, {
    owner: { name: 'alice' },
    configuration: { index_prefix: 'bench', use_system_index: false },
  })
}

/** What a gateway of these deletes is configured with. */
export function settingsFor(cluster: string): Readonly<Record<string, unknown>> {
  return {
    clusters: { main: { nodes: [cluster], service: { kind: 'none' } } },
    memory: { containerIndex: 'bench-containers' },
  }
}

export function tokenFor(issuer: BenchIssuer): Promise<string> {
  return issuer.sign('RS256', 'memory:delete')
}

export function throughGateway(origin: string, token: string): Target {
  return {
    origin,
    runOne: async (pool, id) => {
      await expectOk(pool, 'DELETE', `${PATH}/${id}`, { authorization: `Bearer ${token}` })
    },
  }
}

export async function expectOk(
  pool: Pool,
  method: 'GET' | 'DELETE',
  path: string,
  headers: Record<string, string>,
): Promise<unknown> {
  const { statusCode, body } = await pool.request({ method, path, headers })
  const answer = await body.json()
  if (statusCode !== 200) throw new Error(`${method} ${path}: ${String(statusCode)} ${JSON.stringify(answer)}`)
  return answer
}

/** Stores the memories that are to be deleted. */
export async function seed(cluster: string, ids: readonly string[]): Promise<void> {
  const text = 'The user likes swimming in the morning and reads about sailing boats. '.repeat(8)
  for (let from = 0; from < ids.length; from += 2000) {
    const lines = ids.slice(from, from + 2000).flatMap((id) => [
      { index: { _index: INDEX, _id: id } },
      {
        memory_container_id: 'bench',
        owner_id: 'alice',
        payload_type: 'conversational',
        messages: [{ role: 'user', content: [{ text, type: 'text' }] }],
      },
    ])
    const response = await fetch(`${cluster}/_bulk?refresh=true`, {
      method: 'POST',
      body: `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`,
      headers: { 'content-type': 'application/x-ndjson' },
    })
    if (!response.ok) throw new Error(`seeding: ${String(response.status)}`)
    await response.body?.cancel()
  }
}

async function put(url: string, body: unknown): Promise<void> {
  const response = await fetch(url, {
    method: 'PUT',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  })
  if (!response.ok) throw new Error(`${url}: ${String(response.status)} ${await response.text()}`)
}
