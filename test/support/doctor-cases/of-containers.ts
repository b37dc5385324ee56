import { ALICES } from '../doctor-ground.ts'
import type { Case } from '../doctor-world.ts'
import { bringBack } from './of-indices.ts'

/** The last of them, which the only node may not hold beside the others. */
const SHARDS = 3

const unreadable: Case = {
  id: 'containers-unreadable',
  severity: 'error',
  when: 'one of several shards of the containers is assigned to no node',
  async provoke(ground) {
    const index = `${ground.containerIndex}-split`
    const limit = 'index.routing.allocation.total_shards_per_node'
    const settings = { number_of_shards: SHARDS, number_of_replicas: 0, [limit]: SHARDS - 1 }
    await ground.makeIndex(index, { settings }, '?wait_for_active_shards=0')
    await ground.ask('GET', `/_cluster/health/${index}?wait_for_no_initializing_shards=true&timeout=20s`)
    const shard = { index, shard: SHARDS - 1 }
    return {
      config: ground.config({ containerIndex: index }),
      follow: () => bringBack(ground, shard, 'shards_limit', { [limit]: null }),
    }
  },
}

const sharing: Case = {
  id: 'containers-share-an-index',
  severity: 'warning',
  when: 'two containers have one prefix',
  async provoke(ground) {
    const { ask, containerIndex, indexOf, prefix, putContainer, putMemory } = ground
    await putContainer('d', ALICES)
    await putMemory(indexOf('working'), 'two', { memory_container_id: 'd', owner_id: 'alice' })
    return {
      config: ground.withContainers(),
      // A new container with a prefix of its own, its memories added anew, the old one deleted without its memories.
      async follow() {
        const index_prefix = `${prefix}-own`
        await putContainer('e', { ...ALICES, configuration: { index_prefix } })
        await putMemory(indexOf('working', index_prefix), 'two', { memory_container_id: 'e', owner_id: 'alice' })
        await ask('DELETE', `/${containerIndex}/_doc/d?refresh=true`)
        return undefined
      },
    }
  },
}

const ownerless: Case = {
  id: 'container-without-owner',
  severity: 'warning',
  when: 'a container names nobody',
  async provoke({ ask, containerIndex, later, prefix, putContainer, withContainers }) {
    await putContainer('n', { configuration: { index_prefix: `${prefix}-n` } })
    later(() => ask('DELETE', `/${containerIndex}/_doc/n?refresh=true`))
    return { config: withContainers() }
  },
}

const unusable: Case = {
  id: 'container-unusable',
  severity: 'error',
  when: 'a container has no prefix',
  async provoke({ prefix, putContainer, withContainers }) {
    const put = (index_prefix: string) => putContainer('u', { ...ALICES, configuration: { index_prefix } })
    await put('')
    return { config: withContainers(), follow: () => put(`${prefix}-u`).then(() => undefined) }
  },
}

export const CASES_OF_CONTAINERS: readonly Case[] = [unreadable, sharing, ownerless, unusable]
