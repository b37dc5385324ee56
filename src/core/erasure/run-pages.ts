import type { BackingIndex } from '../backing-index.ts'
import type { Match } from '../delete-by-query.ts'
import { containerNamedBy, isOf, memoriesOf, orderFor } from './person.ts'
import type { Person, PersonFields } from './person.ts'
import { fieldsIn, requireWhole } from './plan.ts'
import type { ErasurePart, ErasureRecord, ErasureTask } from './record.ts'
import { storeOf } from './world.ts'
import type { ErasureWorld } from './world.ts'

/** Documents that are looked at in one search: as many as the cluster's own by-query requests take at a time. */
const PAGE_SIZE = 1_000
/** Between two of which what was done is written down. */
const PAGES_A_STEP = 5

interface Paging {
  readonly world: ErasureWorld
  readonly person: Person
  readonly cluster: string
  readonly container: string
  readonly index: BackingIndex
  readonly fields: PersonFields
}

/**
 * Deletes some pages of a person's memories in one shard, where too many only look like them to be named to a task of the cluster's: each is decided on by
 * its stored document, and only that version goes. Pages follow one another by sequence number, so that whoever goes on needs no search that is held open.
 */
export async function runPages(
  world: ErasureWorld,
  { person }: ErasureRecord,
  part: ErasurePart,
  first: ErasureTask,
): Promise<{ readonly task: ErasureTask; readonly trouble?: unknown }> {
  const { cluster, container, index } = part
  const fields = await fieldsIn(storeOf(world, part), index, person, world.policy)
  if (fields === undefined) return { task: { ...first, isDone: true } }
  const paging = { world, person, cluster, container, index, fields }
  let task = first
  // A throttled page takes its time: somebody may want it to stop meanwhile.
  const pages = world.requestsPerSecond === 0 ? PAGES_A_STEP : 1
  try {
    for (let page = 0; page < pages && !task.isDone; page++) {
      task = await runPage(paging, task)
      if (task.failures > 0) break
    }
    return { task }
  } catch (trouble) {
    return { task, trouble }
  }
}

async function runPage(paging: Paging, one: ErasureTask): Promise<ErasureTask> {
  const { world, person, container, index, fields } = paging
  const { requestsPerSecond: rate, policy } = world
  const store = storeOf(world, paging)
  const { shard, seqNo, after } = one
  const place = after === undefined ? { container, seqNo } : { container, seqNo, after }
  const query = orderFor(memoriesOf(person, index, fields, policy), index, fields, place)
  const page = await store.findPage({ index, shard, query, size: PAGE_SIZE })
  if (page === undefined) return { ...one, isDone: true }
  requireWhole(index, page)
  const isTheirs = ({ source }: Match): boolean =>
    containerNamedBy(source) === container && isOf(person, source, policy)
  const { theirs, last } = takeUpTo(page.matches, rate === 0 ? PAGE_SIZE : rate, isTheirs)
  let { deleted } = one
  if (theirs.length > 0) {
    const pauseMs = rate === 0 ? 0 : (theirs.length / rate) * 1_000
    const [removed] = await Promise.all([store.removeMatches(index, theirs), world.pause(pauseMs)])
    deleted += removed.deleted
    // Once more from the same place: what is gone by now conflicts with nothing.
    if (removed.failures.length > 0) return { ...one, deleted, failures: one.failures + 1 }
  }
  const isDone = page.matches.length < PAGE_SIZE && last === page.matches.at(-1)
  const reached = last === undefined ? {} : { after: String(last.seqNo) }
  return { ...one, ...reached, deleted, failures: 0, isDone }
}

/** The person's among the first, and the last that was looked at: where there are more of the person's, the next page begins with them. */
function takeUpTo(
  matches: readonly Match[],
  limit: number,
  isTheirs: (match: Match) => boolean,
): { readonly theirs: readonly Match[]; readonly last: Match | undefined } {
  const theirs: Match[] = []
  let last: Match | undefined
  for (const match of matches) {
    last = match
    // check: erasure-page-owner
    if (!isTheirs(match)) continue
    if (theirs.push(match) === limit) break
  }
  return { theirs, last }
}
