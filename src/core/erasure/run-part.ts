import { memoriesOf, orderFor } from './person.ts'
import { fieldsIn } from './plan.ts'
import type { ErasurePart, ErasureRecord, ErasureTask } from './record.ts'
import { runPages } from './run-pages.ts'
import type { ErasureStore } from './store.ts'
import { storeOf, whyFailed } from './world.ts'
import type { ErasureWorld } from './world.ts'

/** A part, one step further. */
export interface RunPart {
  readonly part: ErasurePart
  /** Why some of it goes no further at the moment. */
  readonly trouble?: unknown
  /** Why it never will. */
  readonly why?: string
}

interface RunTask {
  readonly task: ErasureTask
  readonly isStopped?: true
  readonly trouble?: unknown
}

/** A task that did not do its work is started again so often. */
const MAX_FAILURES = 3
/** Shards of one part that pages are taken from at the same time. */
const SHARDS_AT_ONCE = 2

/** Never rejects: what one shard came to is kept, whatever ails another. */
export async function runPart(world: ErasureWorld, record: ErasureRecord, part: ErasurePart): Promise<RunPart> {
  const open = part.tasks.filter(({ isDone }) => !isDone)
  const isPaged = part.stay === undefined
  const turn = new Set(isPaged ? open.slice(0, SHARDS_AT_ONCE) : open)
  const run = isPaged ? runPages : runTask
  const ran = await Promise.all(
    part.tasks.map(async (task): Promise<RunTask> => {
      if (!turn.has(task)) return { task }
      return run(world, record, part, task).catch((trouble: unknown) => ({ task, trouble }))
    }),
  )
  const troubled = ran.filter((one) => one.trouble !== undefined).map(({ trouble }) => trouble)
  const why = troubled.map(whyFailed).find((one) => one !== undefined)
  const tasks = ran.map(({ task }) => task)
  const hasFailed = why !== undefined || tasks.some(({ failures }) => failures >= MAX_FAILURES)
  const isDone = tasks.every((one) => one.isDone)
  const state = hasFailed
    ? 'failed'
    : ran.some(({ isStopped }) => isStopped)
      ? 'cancelled'
      : isDone
        ? 'done'
        : 'running'
  const [trouble] = troubled
  return {
    part: { ...withTasks(part, tasks), state },
    ...(why === undefined ? { trouble } : { why }),
  }
}

/** The same with other tasks, counted anew. */
export function withTasks(part: ErasurePart, tasks: readonly ErasureTask[]): ErasurePart {
  const deleted = tasks.reduce((sum, one) => sum + one.deleted, 0)
  return { ...part, tasks, deleted: Math.min(part.total, deleted) }
}

async function runTask(
  world: ErasureWorld,
  record: ErasureRecord,
  part: ErasurePart,
  one: ErasureTask,
): Promise<RunTask> {
  const looked = one.task === undefined ? one : await lookAt(storeOf(world, part), one)
  if (looked === 'cancelled') return { task: one, isStopped: true }
  const isToStart = !looked.isDone && looked.task === undefined && looked.failures < MAX_FAILURES
  if (!isToStart) return { task: looked }
  // What it was seen to have done counts, though the next one cannot be started yet.
  return start(world, record, part, looked).then(
    (task) => ({ task }),
    (trouble: unknown) => ({ task: looked, trouble }),
  )
}

async function start(
  world: ErasureWorld,
  { person }: ErasureRecord,
  { cluster, container, index, stay = [] }: ErasurePart,
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
