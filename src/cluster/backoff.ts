import { setTimeout as pause } from 'node:timers/promises'

import { GatewayError } from '../core/failure.ts'
import type { ClusterClient } from './client.ts'
import { failureOf } from './reading.ts'
import type { ClusterAnswer, ClusterRequest } from './request.ts'

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 2_000
/** Pauses of some six seconds in all: a cluster that is busy for longer should hear no more of this request. */
const MAX_ATTEMPTS = 8

/**
 * Does the work again, after a pause, where the cluster was too busy to begin it. The pauses grow, and differ for each caller: those that were
 * turned away together would come back together else ("equal jitter").
 * @param signal the pauses end with it
 * @throws GatewayError tooManyRequests where no attempt, or no time, is left
 */
export async function withBackoff<Value>(
  work: () => Promise<Value>,
  signal: AbortSignal,
  random: () => number = Math.random,
): Promise<Value> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== 'tooManyRequests' || attempt === MAX_ATTEMPTS) throw error
      const longest = Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS)
      await pause((longest / 2) * (1 + random()), undefined, { signal, ref: false }).catch(() => {
        throw error
      })
    }
  }
}

/**
 * Sends a request again, after a pause, where the cluster was too busy to begin it.
 * @throws GatewayError tooManyRequests where no attempt, or no time, is left; what the client throws
 */
export function requestUnlessBusy(
  client: ClusterClient,
  request: ClusterRequest,
  signal: AbortSignal,
): Promise<ClusterAnswer> {
  const attempt = async (): Promise<ClusterAnswer> => {
    const answer = await client.request(request, signal)
    if (answer.status === 429) throw failureOf(answer)
    return answer
  }
  return withBackoff(attempt, signal)
}
