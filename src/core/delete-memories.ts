import type { DeleteOutcome } from './delete-memory.ts'
import { GatewayError } from './failure.ts'
import { idBytes, MAX_ID_BYTES } from './memory.ts'
import { hasDuplicateMember, isJsonObject, member } from './strict-json.ts'

/** What came of a delete of several memories: each of them is decided and removed by itself. */
export interface BulkOutcome {
  readonly deleted: number
  /** Not found, not the caller's, or not decided. */
  readonly failed: number
}

/**
 * Reads the body of a bulk delete, `{"memoryIds": ["..."]}`. Ids that come twice are one; other members say nothing.
 * @throws GatewayError invalidBody
 */
export function parseMemoryIds(text: string, maxIds: number): readonly string[] {
  const body = parseJson(text)
  if (!isJsonObject(body) || hasDuplicateMember(text))
    throw invalid('The body must be a JSON object that names each member once')
  const ids = member(body, 'memoryIds')
  if (!Array.isArray(ids)) throw invalid('memoryIds must be a list of memory IDs')
  if (ids.length > maxIds) throw invalid(`memoryIds must not hold more than ${String(maxIds)} memory IDs`)
  return [...new Set(ids.map(checkedId))]
}

function checkedId(id: unknown, position: number): string {
  const name = `memoryIds[${String(position)}]`
  if (typeof id !== 'string' || id.trim() === '') throw invalid(`${name} must be a memory ID`)
  // A lone surrogate cannot be sent as UTF-8: it would name another document.
  if (!id.isWellFormed() || idBytes(id) > MAX_ID_BYTES)
    throw invalid(`${name} must be no longer than 512 bytes of UTF-8`)
  return id
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw invalid('The body must be JSON')
  }
}

function invalid(reason: string): GatewayError {
  return new GatewayError('invalidBody', { reason })
}

/**
 * Deletes each memory by its own checked delete; made at once, they share round trips.
 * @returns with the outcome of each that was decided
 * @param missing what a memory that is not there counts as: 200 deleted, 404 failed
 * @throws GatewayError where nothing could be decided at all: a cluster that is down is not so many failed deletes
 */
export async function deleteMemories(
  memoryIds: readonly string[],
  deleteOne: (memoryId: string) => Promise<DeleteOutcome>,
  missing: 200 | 404,
): Promise<BulkOutcome & { readonly outcomes: readonly DeleteOutcome[] }> {
  const settled: PromiseSettledResult<DeleteOutcome>[] = []
  // A window of them at a time, so that one caller's many do not fill the queue for everybody.
  for (let from = 0; from < memoryIds.length; from += AT_ONCE) {
    const window = memoryIds.slice(from, from + AT_ONCE)
    settled.push(...(await Promise.allSettled(window.map(deleteOne))))
  }
  const failure = settled.find((one) => one.status === 'rejected')
  if (failure !== undefined && settled.every((one) => one.status === 'rejected')) throw failure.reason
  const outcomes = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const deleted = outcomes.filter((outcome) => countsAsDeleted(outcome, missing)).length
  return { deleted, failed: memoryIds.length - deleted, outcomes }
}

const AT_ONCE = 256

function countsAsDeleted(outcome: DeleteOutcome, missing: 200 | 404): boolean {
  return outcome.kind === 'deleted' || (missing === 200 && outcome.kind !== 'denied')
}
