import { Pool } from 'undici'

export interface LoadResult {
  readonly perSecond: number
  /** Of single calls, in milliseconds. */
  readonly p50: number
  readonly p99: number
}

export interface Target {
  readonly origin: string
  /** Does one unit of work; throws where the answer is not the expected one. */
  runOne(pool: Pool, id: string): Promise<void>
}

/** Works through every id once, with so many callers at a time, each waiting for its answer before the next call. */
export async function runLoad(target: Target, ids: readonly string[], callers: number): Promise<LoadResult> {
  const pool = new Pool(target.origin, { connections: callers, pipelining: 1 })
  const times: number[] = []
  let next = 0
  const caller = async (): Promise<void> => {
    for (let id = ids[next++]; id !== undefined; id = ids[next++]) {
      const startedAt = performance.now()
      await target.runOne(pool, id)
      times.push(performance.now() - startedAt)
    }
  }
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: callers }, caller))
  const seconds = (performance.now() - startedAt) / 1000
  await pool.close()
  times.sort((a, b) => a - b)
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? 0
  return { perSecond: ids.length / seconds, p50: at(0.5), p99: at(0.99) }
}
