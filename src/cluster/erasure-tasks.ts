import type { ErasureStore, TaskProgress } from '../core/erasure/store.ts'
import { requestUnlessBusy } from './backoff.ts'
import type { ClusterClient } from './client.ts'
import { asObject, asString, errorType, failureOf, isObject } from './reading.ts'
import type { JsonObject } from './reading.ts'

/** The cluster's own deletes by query, as tasks that go on whoever asks for them. */
export function createErasureTasks(
  client: ClusterClient,
  signal: AbortSignal,
): Pick<ErasureStore, 'startDelete' | 'progressOf' | 'cancelTask'> {
  return {
    async startDelete({ index, shard, query, requestsPerSecond, slices }) {
      const answer = await requestUnlessBusy(
        client,
        {
          method: 'POST',
          path: `/${encodeURIComponent(index)}/_delete_by_query`,
          querystring: {
            wait_for_completion: 'false',
            // What was changed since is left, and found afterwards.
            conflicts: 'proceed',
            // Of this shard alone: each has sequence numbers of its own.
            preference: `_shards:${String(shard)}`,
            slices: String(slices),
            requests_per_second: requestsPerSecond === 0 ? '-1' : String(requestsPerSecond),
            // A throttled task waits between two pages: small ones make it go on steadily.
            ...(requestsPerSecond === 0 ? {} : { scroll_size: String(pageFor(requestsPerSecond)) }),
          },
          body: `{"query":${query}}`,
        },
        signal,
      )
      if (answer.status !== 200) throw failureOf(answer)
      return asString(asObject(answer.body)['task'])
    },
    async progressOf(task) {
      const path = `/_tasks/${encodeURIComponent(task)}`
      const answer = await requestUnlessBusy(client, { method: 'GET', path, isRepeatable: true }, signal)
      if (answer.status === 404) return undefined
      if (answer.status !== 200) throw failureOf(answer)
      const body = asObject(answer.body)
      const progress = progressIn(body)
      return progress.end === 'none' ? withSlices(client, task, body, progress, signal) : progress
    },
    async cancelTask(task) {
      const path = `/_tasks/${encodeURIComponent(task)}/_cancel`
      // Until it has ended, or what it has deleted could not be told.
      const request = { method: 'POST', path, querystring: { wait_for_completion: 'true' }, mayTakeLong: true } as const
      const answer = await requestUnlessBusy(client, request, signal)
      if (answer.status !== 200 && answer.status !== 404) throw failureOf(answer)
    },
  }
}

function pageFor(requestsPerSecond: number): number {
  return Math.min(1_000, Math.max(1, Math.ceil(requestsPerSecond)))
}

function progressIn(body: JsonObject): TaskProgress {
  const { status } = asObject(body['task'])
  const deleted = isObject(status) ? Number(status['deleted'] ?? 0) : 0
  if (body['completed'] !== true) return { deleted, end: 'none' }
  if (body['error'] !== undefined) return { deleted, end: 'failed', why: errorType(body['error']) }
  const response = asObject(body['response'])
  const told = { deleted: Math.max(deleted, Number(response['deleted'] ?? 0)) }
  if (response['canceled'] !== undefined) return { ...told, end: 'cancelled' }
  const failures = Array.isArray(response['failures']) ? response['failures'] : []
  return failures.length > 0 || response['timed_out'] === true ? { ...told, end: 'failed' } : { ...told, end: 'done' }
}

/** Slices that have not ended count for themselves. */
async function withSlices(
  client: ClusterClient,
  task: string,
  body: JsonObject,
  progress: TaskProgress,
  signal: AbortSignal,
): Promise<TaskProgress> {
  const { status } = asObject(body['task'])
  if (!isObject(status) || status['slices'] === undefined) return progress
  const querystring = { parent_task_id: task, detailed: 'true', group_by: 'none' }
  const answer = await requestUnlessBusy(client, { method: 'GET', path: '/_tasks', querystring }, signal)
  if (answer.status !== 200 || !isObject(answer.body) || !Array.isArray(answer.body['tasks'])) return progress
  const slices = answer.body['tasks']
    .filter(isObject)
    .map((slice) => slice['status'])
    .filter(isObject)
  return { ...progress, deleted: slices.reduce((sum, one) => sum + Number(one['deleted'] ?? 0), progress.deleted) }
}
