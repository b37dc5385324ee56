import type { TestMemories } from './memories.ts'
import { until } from './until.ts'

type Ask = TestMemories['ask']

const LIMIT = 'index.routing.allocation.total_shards_per_node'

/** An index of two shards, of which one is assigned to no node until it is brought back. Neither has ever held anything. */
export interface SplitIndex {
  /** Ids like `m7`, of documents in the shard that is there, and of such as would be in the other. */
  readonly ids: { readonly there: readonly string[]; readonly away: readonly string[] }
  readonly bringBack: () => Promise<void>
}

/** The only node may hold no second shard: one that had held anything would be forced onto it all the same. */
export async function makeSplitIndex(memories: TestMemories, index: string, mappings: unknown): Promise<SplitIndex> {
  const ask: Ask = (method, path, body) => memories.ask(method, path, body)
  const settings = { number_of_shards: 2, number_of_replicas: 0, [LIMIT]: 1 }
  await expectOk(ask('PUT', `/${index}?wait_for_active_shards=0`, { settings, mappings }))
  const started = async (): Promise<readonly number[]> => {
    const { body } = await ask('GET', `/_cat/shards/${index}?format=json&h=shard,state`)
    const rows = body as readonly { readonly shard: string; readonly state: string }[]
    return rows.filter(({ state }) => state === 'STARTED').map(({ shard }) => Number(shard))
  }
  await until(async () => (await started()).length === 1)
  const [there] = await started()
  const names = Array.from({ length: 12 }, (_, at) => `m${String(at)}`)
  const shards = await Promise.all(names.map((id) => shardOf(ask, index, id)))
  return {
    ids: {
      there: names.filter((_, at) => shards[at] === there),
      away: names.filter((_, at) => shards[at] !== there),
    },
    bringBack: async () => {
      await expectOk(ask('PUT', `/${index}/_settings`, { [LIMIT]: null }))
      await until(async () => (await started()).length === 2)
    },
  }
}

async function shardOf(ask: Ask, index: string, id: string): Promise<number> {
  const { body } = await ask('GET', `/${index}/_search_shards?routing=${id}`)
  const { shards } = body as { readonly shards: readonly (readonly { readonly shard: number }[])[] }
  return Number(shards[0]?.[0]?.shard)
}

async function expectOk(answer: ReturnType<Ask>): Promise<void> {
  const { status, body } = await answer
  if (status !== 200) throw new Error(JSON.stringify(body))
}
