import { expect } from '@jest/globals'

import type { DoctorGround } from '../doctor-ground.ts'
import type { Case } from '../doctor-world.ts'

const BLOCKS = ['write', 'read_only', 'read_only_allow_delete']
const KEYWORD = { type: 'keyword' }
const TEXT = { type: 'text' }

/** The last of them is what a full disk brings about. */
const blocked = (block: string): Case => ({
  id: 'index-blocked',
  severity: 'error',
  when: `an index has the block ${block}`,
  async provoke({ ask, indexOf, withContainers }) {
    const body = { [`index.blocks.${block}`]: true }
    expect(await ask('PUT', `/${indexOf('working')}/_settings`, body)).toMatchObject({ status: 200 })
    return { config: withContainers() }
  },
})

/** No node is allowed to hold it. */
const shardAway: Case = {
  id: 'index-unavailable',
  severity: 'error',
  when: 'a primary shard is assigned to no node',
  async provoke(ground) {
    const index = ground.indexOf('sessions')
    const setting = 'index.routing.allocation.require._name'
    const properties = { memory_container_id: KEYWORD, owner_id: KEYWORD }
    const body = { settings: { [setting]: 'no-such-node' }, mappings: { properties } }
    await ground.makeIndex(index, body, '?wait_for_active_shards=0')
    return {
      config: ground.withContainers(),
      follow: () => bringBack(ground, { index, shard: 0 }, 'filter', { [setting]: null }),
    }
  },
}

const mappedAsText: Case = {
  id: 'mapping-unsuitable',
  severity: 'warning',
  when: 'the container of a memory is mapped as text',
  async provoke({ makeIndex, putMemory, indexOf, withContainers }) {
    const index = indexOf('history')
    await makeIndex(index, { mappings: { properties: { memory_container_id: TEXT, owner_id: TEXT } } })
    await putMemory(index, 'one')
    return { config: withContainers() }
  },
}

export const CASES_OF_INDICES: readonly Case[] = [...BLOCKS.map(blocked), shardAway, mappedAsText]

/** Asks what keeps a shard from being assigned, as remedies say, and puts that right. */
export async function bringBack(
  { ask }: DoctorGround,
  { index, shard }: { readonly index: string; readonly shard: number },
  why: string,
  settings: Readonly<Record<string, unknown>>,
): Promise<undefined> {
  const { body } = await ask('POST', '/_cluster/allocation/explain', { index, shard, primary: true })
  expect(body).toMatchObject({ current_state: 'unassigned', node_allocation_decisions: expect.anything() as unknown })
  expect(JSON.stringify(body)).toContain(`"decider":"${why}"`)
  await ask('PUT', `/${index}/_settings`, settings)
  const health = await ask('GET', `/_cluster/health/${index}?wait_for_status=yellow&timeout=20s`)
  expect(health.body).toMatchObject({ timed_out: false })
  return undefined
}
