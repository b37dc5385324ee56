import { withParts } from './record.ts'
import type { ErasurePart, ErasureRecord } from './record.ts'
import { runPart, withTasks } from './run-part.ts'
import { verify } from './verify.ts'
import { storeOf, whyFailed } from './world.ts'
import type { ErasureWorld } from './world.ts'

/**
 * Takes an erasure one step further. Each step may be done twice: a delete that was made finds nothing the second time.
 * @param onTrouble told of what keeps some of it waiting, while the rest goes on
 * @returns the same record where there was nothing to do yet
 * @throws GatewayError from the store
 */
export async function advance(
  world: ErasureWorld,
  record: ErasureRecord,
  onTrouble: (error: unknown) => void,
): Promise<ErasureRecord> {
  // check: erasure-cancel
  if (record.isCancelling === true) return cancel(world, record)
  return record.state === 'verifying' ? verify(world, record) : run(world, record, onTrouble)
}

/** Parts that are worked on at the same time. */
const PARALLEL = 4

async function run(
  world: ErasureWorld,
  record: ErasureRecord,
  onTrouble: (error: unknown) => void,
): Promise<ErasureRecord> {
  const open = record.parts.filter(({ state }) => state !== 'done').slice(0, PARALLEL)
  if (open.length === 0) return { ...record, state: 'verifying' }
  const ran = new Map(await Promise.all(open.map(async (part) => [part, await runPart(world, record, part)] as const)))
  const trouble = [...ran.values()].find((one) => one.trouble !== undefined)
  if (trouble !== undefined) onTrouble(trouble.trouble)
  const parts = record.parts.map((part) => ran.get(part)?.part ?? part)
  const moved = withParts(record, parts)
  const why = [...ran.values()].map((one) => whyStopped(one.part, one.why)).find((one) => one !== undefined)
  return why === undefined ? moved : { ...moved, isCancelling: true, reason: why }
}

/** Why one part stops them all, if it does. */
function whyStopped({ state, cluster, index }: ErasurePart, why: string | undefined): string | undefined {
  if (state === 'failed') return why ?? `The cluster [${cluster}] could not delete from [${index}]`
  return state === 'cancelled' ? `A task was cancelled at the cluster [${cluster}]` : undefined
}

/** What was deleted by then stays deleted. */
async function cancel(world: ErasureWorld, record: ErasureRecord): Promise<ErasureRecord> {
  const hasFailed = record.parts.some(({ state }) => state === 'failed')
  // All of them, though the cluster of one is away.
  const settled = await Promise.allSettled(record.parts.map((part) => cancelPart(world, part)))
  const parts = settled.map((one, position) => {
    const part = record.parts[position]
    if (one.status === 'fulfilled') return one.value
    if (part === undefined || whyFailed(one.reason) === undefined) throw one.reason
    return { ...part, state: 'failed' as const }
  })
  return { reason: 'It was cancelled', ...withParts(record, parts), state: hasFailed ? 'failed' : 'cancelled' }
}

async function cancelPart(world: ErasureWorld, part: ErasurePart): Promise<ErasurePart> {
  if (part.state === 'planned' || part.state === 'done') return part
  const tasks = []
  for (const one of part.tasks) {
    if (one.task === undefined || one.isDone) tasks.push(one)
    else {
      const store = storeOf(world, part)
      await store.cancelTask(one.task)
      const progress = await store.progressOf(one.task)
      tasks.push({ ...one, deleted: Math.max(one.deleted, progress?.deleted ?? 0) })
    }
  }
  return { ...withTasks(part, tasks), state: part.state === 'failed' ? 'failed' : 'cancelled' }
}
