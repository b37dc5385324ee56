import { randomBytes } from 'node:crypto'

import type { MemoryType } from '../../src/core/memory.ts'
import type { Erasure } from '../../src/core/erasure/record.ts'
import { call } from './call.ts'
import { collectDocuments, MEMORY_TEXT } from './collected.ts'
import type { Reply } from './call.ts'
import { plainCluster } from './clusters.ts'
import { testMemories } from './memories.ts'
import type { TestMemories } from './memories.ts'
import { until } from './until.ts'

export const OPS_TOKEN = 'erasure-ops-token-1'

const MAPPINGS = {
  properties: {
    memory_container_id: { type: 'keyword' },
    owner_id: { type: 'keyword' },
    created_by: { type: 'keyword' },
    namespace: { type: 'flat_object' },
  },
}

/** Containers `c` and `d` that share their indices, and `e` with indices of its own, all of them mapped. */
export interface ErasureWorld extends TestMemories {
  /** Of container `e`. */
  readonly other: TestMemories
  /** Settings for a gateway before it. */
  readonly settings: {
    readonly ops: { readonly port: 0; readonly token: string }
    readonly memory: {
      readonly containerIndex: string
      readonly ownership: { readonly fields: string[]; readonly unowned: 'deny' }
    }
    readonly erasures: { cluster: string; index: string; interval: string; lease: string }
  }
  removeAll(): Promise<void>
}

export async function openErasureWorld(): Promise<ErasureWorld> {
  const { url } = plainCluster()
  const memories = testMemories(url)
  const other = testMemories(url)
  const index = `${memories.prefix}-erasures`
  for (const id of ['c', 'd']) await memories.putContainer(id, { owner: { name: 'somebody' } })
  await memories.putContainer('e', { configuration: { index_prefix: other.prefix } })
  const types: readonly MemoryType[] = ['sessions', 'working', 'long-term', 'history']
  for (const type of types) {
    await memories.ask('PUT', `/${memories.indexOf(type)}`, { mappings: MAPPINGS, settings: { number_of_shards: 2 } })
  }
  await memories.ask('PUT', `/${other.indexOf('working')}`, { mappings: MAPPINGS })
  return {
    ...memories,
    other,
    settings: {
      ops: { port: 0, token: OPS_TOKEN },
      memory: {
        containerIndex: memories.containerIndex,
        ownership: { fields: ['owner_id', 'created_by'], unowned: 'deny' },
      },
      erasures: { cluster: 'main', index, interval: '100ms', lease: '1s' },
    },
    async removeAll() {
      await collectDocuments(index, (method, path) => memories.ask(method, path))
      await Promise.all([memories.removeAll(), other.removeAll()])
      await memories.ask('DELETE', `/${index}`)
    },
  }
}

/** Many memories of one person, at once. */
export async function putMany(world: TestMemories, type: MemoryType, owner: string, count: number): Promise<void> {
  const source = { memory_container_id: 'c', owner_id: owner }
  const index = world.indexOf(type)
  await putAll(Array.from({ length: count }, () => [index, randomBytes(8).toString('hex'), source]))
}

/** Memories in their indices, by their ids, refreshed. */
export async function putAll(
  memories: readonly (readonly [index: string, id: string, source: object])[],
): Promise<void> {
  const lines = memories.map(
    ([_index, _id, source]) =>
      `${JSON.stringify({ index: { _index, _id } })}\n${JSON.stringify({ ...source, planted: MEMORY_TEXT })}\n`,
  )
  const response = await fetch(`${plainCluster().url}/_bulk?refresh=true`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: lines.join(''),
  })
  const { errors } = (await response.json()) as { errors: boolean }
  if (errors) throw new Error('the memories could not be stored')
}

/** How many memories of a type are there, whoever's they are. */
export async function countIn(world: TestMemories, type: MemoryType): Promise<number> {
  await world.ask('POST', `/${world.indexOf(type)}/_refresh`)
  const { body } = await world.ask('GET', `/${world.indexOf(type)}/_count`)
  return (body as { count: number }).count
}

/** The ops port, as its operator asks it. */
export function erasuresAt(opsUrl: string) {
  const ask = (method: string, path: string, body?: unknown): Promise<Reply> =>
    call(opsUrl, {
      method,
      path: `/erasures${path}`,
      token: OPS_TOKEN,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  const read = async (id: string): Promise<Erasure> => (await ask('GET', `/${id}`)).body as Erasure
  return {
    ask,
    read,
    async plan(request: unknown): Promise<Erasure> {
      const { status, body, text } = await ask('POST', '', request)
      if (status !== 201) throw new Error(`${String(status)} ${text}`)
      return body as Erasure
    },
    apply: (id: string, hash: string): Promise<Reply> => ask('POST', `/${id}/apply`, { hash }),
    cancel: (id: string): Promise<Reply> => ask('POST', `/${id}/cancel`, {}),
    /** As it stands when it has ended. */
    async ended(id: string): Promise<Erasure> {
      let last: Erasure | undefined
      await until(async () => {
        last = await read(id)
        return !['planned', 'running', 'verifying'].includes(last.state)
      })
      if (last === undefined) throw new Error('it was not read')
      return last
    },
  }
}
