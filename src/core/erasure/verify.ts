import { containerNamedBy, isOf } from './person.ts'
import { planIn } from './plan.ts'
import { withParts } from './record.ts'
import type { ErasurePart, ErasureRecord } from './record.ts'
import { storeOf } from './world.ts'
import type { ErasureWorld } from './world.ts'

/**
 * Everything is searched as for a plan, and some of what was deleted is asked for by its id.
 * @throws GatewayError from the store
 */
export async function verify(world: ErasureWorld, record: ErasureRecord): Promise<ErasureRecord> {
  let left = 0
  for (const [cluster, store] of world.stores) {
    const { parts } = await planIn(cluster, store, record.person, world.policy)
    left += parts.reduce((sum, { total }) => sum + total, 0)
  }
  for (const part of record.parts) left += left > 0 ? 0 : await countByGet(world, record, part)
  // check: erasure-verified
  if (left > 0) {
    const reason = `${String(left)} memories are still there: they were written or changed after the erasure was applied, or could not be deleted; make another plan`
    return { ...record, state: 'failed', reason }
  }
  // Whoever deleted the rest: what was there is gone.
  const parts = record.parts.map((part) => ({ ...part, deleted: part.total }))
  return { ...withParts(record, parts), state: 'done' }
}

async function countByGet(
  world: ErasureWorld,
  { person }: ErasureRecord,
  { cluster, container, index, witnesses }: ErasurePart,
): Promise<number> {
  const stored = await storeOf(world, { cluster }).get(index, witnesses)
  return stored.filter((source) => containerNamedBy(source) === container && isOf(person, source, world.policy)).length
}
