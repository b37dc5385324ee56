import type { AccessPolicy } from '../access.ts'
import { GatewayError } from '../failure.ts'
import { containerNamedBy, isOf, memoriesOf, orderFor } from './person.ts'
import { fieldsIn, planIn } from './plan.ts'
import { withParts } from './record.ts'
import type { ErasurePart, ErasureRecord, ErasureTask } from './record.ts'
import type { ErasureStore } from './store.ts'

/** What an erasure stands on. */
export interface ErasureWorld {
  /** Every cluster that requests are routed to, by name. */
  readonly stores: ReadonlyMap<string, ErasureStore>
  readonly policy: AccessPolicy
  readonly requestsPerSecond: number
  readonly slices: number | 'auto'
}

/** A task that did not do its work is started again so often. */
const MAX_FAILURES = 3

/**
 * Takes an erasure one step further. Each step may be done twice: a delete that was made finds nothing the second time.
 * @returns the same record where there was nothing to do yet
 * @throws GatewayError from the store
 */
export async function advance(world: ErasureWorld, record: ErasureRecord): Promise<ErasureRecord> {
  if (record.isCancelling === true) return cancel(world, record)
  return record.state === 'verifying' ? verify(world, record) : run(world, record)
}

/** Parts whose tasks run at the same time. */
const PARALLEL = 4

async function run(world: ErasureWorld, record: ErasureRecord): Promise<ErasureRecord> {
  const open = record.parts.filter(({ state }) => state !== 'done').slice(0, PARALLEL)
  if (open.length === 0) return { ...record, state: 'verifying' }
  const next = new Map(await Promise.all(open.map(async (part) => [part, await runPart(world, record, part)] as const)))
  const parts = record.parts.map((part) => next.get(part) ?? part)
  const moved = withParts(record, parts)
  const failed = parts.find(({ state }) => state === 'failed')
  if (failed !== undefined) {
    const reason = `The cluster [${failed.cluster}] could not delete from [${failed.index}]`
    return { ...moved, isCancelling: true, reason }
  }
  const stopped = parts.find(({ state }) => state === 'cancelled')
  if (stopped === undefined) return moved
  return { ...moved, isCancelling: true, reason: `A task was cancelled at the cluster [${stopped.cluster}]` }
}

async function runPart(world: ErasureWorld, record: ErasureRecord, part: ErasurePart): Promise<ErasurePart> {
  const store = storeOf(world, part)
  const tasks: ErasureTask[] = []
  let end: 'cancelled' | 'failed' | undefined
  for (const one of part.tasks) {
    const looked = one.isDone || one.task === undefined ? one : await lookAt(store, one)
    if (looked === 'cancelled') {
      end = 'cancelled'
      tasks.push(one)
    } else if (looked.failures >= MAX_FAILURES) {
      end = 'failed'
      tasks.push(looked)
    } else {
      const isLost = !looked.isDone && looked.task === undefined
      tasks.push(isLost ? await start(world, record, part, looked) : looked)
    }
  }
  const isDone = tasks.every((one) => one.isDone)
  const deleted = Math.min(
    part.total,
    tasks.reduce((sum, one) => sum + one.deleted, 0),
  )
  return { ...part, tasks, deleted, state: end ?? (isDone ? 'done' : 'running') }
}

async function start(
  world: ErasureWorld,
  { person }: ErasureRecord,
  { cluster, container, index, stay }: ErasurePart,
  one: ErasureTask,
): Promise<ErasureTask> {
  const store = storeOf(world, { cluster })
  const fields = await fieldsIn(store, index, person, world.policy)
  // An index that is no more has nothing left of anybody.
  if (fields === undefined) return { ...one, isDone: true }
  const memories = memoriesOf(person, index, fields, world.policy)
  const query = orderFor(memories, index, fields, { container, stay, seqNo: one.seqNo })
  const { requestsPerSecond, slices } = world
  const task = await store.startDelete({ index, shard: one.shard, query, requestsPerSecond, slices })
  return { ...one, task }
}

async function lookAt(store: ErasureStore, one: ErasureTask): Promise<ErasureTask | 'cancelled'> {
  const progress = await store.progressOf(one.task ?? '')
  // Its node is gone, and with it what it counted: what is left is counted by the next one.
  if (progress === undefined) return without(one)
  const deleted = Math.max(one.deleted, progress.deleted)
  switch (progress.end) {
    case 'none':
      return { ...one, deleted }
    case 'done':
      return { ...one, deleted, isDone: true }
    case 'cancelled':
      return 'cancelled'
    case 'failed':
      return { ...without(one), deleted, failures: one.failures + 1 }
  }
}

function without({ shard, seqNo, deleted, isDone, failures }: ErasureTask): ErasureTask {
  return { shard, seqNo, deleted, isDone, failures }
}

/** What was deleted by then stays deleted. */
async function cancel(world: ErasureWorld, record: ErasureRecord): Promise<ErasureRecord> {
  const hasFailed = record.parts.some(({ state }) => state === 'failed')
  const parts: ErasurePart[] = []
  for (const part of record.parts) parts.push(part.state === 'running' ? await cancelPart(world, part) : part)
  return { reason: 'It was cancelled', ...withParts(record, parts), state: hasFailed ? 'failed' : 'cancelled' }
}

async function cancelPart(world: ErasureWorld, part: ErasurePart): Promise<ErasurePart> {
  const store = storeOf(world, part)
  const tasks: ErasureTask[] = []
  for (const one of part.tasks) {
    if (one.task !== undefined && !one.isDone) await store.cancelTask(one.task)
    const progress = one.task === undefined ? undefined : await store.progressOf(one.task)
    tasks.push({ ...one, deleted: Math.max(one.deleted, progress?.deleted ?? 0) })
  }
  const deleted = Math.min(
    part.total,
    tasks.reduce((sum, one) => sum + one.deleted, 0),
  )
  return { ...part, tasks, deleted, state: 'cancelled' }
}

/** Everything is searched as for a plan, and some of what was deleted is asked for by its id. */
async function verify(world: ErasureWorld, record: ErasureRecord): Promise<ErasureRecord> {
  let left = 0
  for (const [cluster, store] of world.stores) {
    const { parts } = await planIn(cluster, store, record.person, world.policy)
    left += parts.reduce((sum, { total }) => sum + total, 0)
  }
  for (const part of record.parts) left += left > 0 ? 0 : await countByGet(world, record, part)
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

function storeOf({ stores }: ErasureWorld, { cluster }: Pick<ErasurePart, 'cluster'>): ErasureStore {
  const store = stores.get(cluster)
  if (store !== undefined) return store
  throw new GatewayError('noRoute', { reason: `The cluster [${cluster}] is not in the configuration any more` })
}

/** Failures that end by themselves, or by what somebody does to the cluster. */
const PASSING = new Set([
  'upstreamUnavailable',
  'upstreamTimeout',
  'tooManyRequests',
  'circuitOpen',
  'auditUnavailable',
])

/** Why an erasure cannot go on, by what a step of it threw; `undefined` where the step is to be tried again. */
export function whyFailed(error: unknown): string | undefined {
  if (!(error instanceof GatewayError)) return undefined
  return PASSING.has(error.code) ? undefined : error.message
}
