import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible'
import type { RateLimiterAbstract } from 'rate-limiter-flexible'

import { holds } from '../core/access.ts'
import { GatewayError } from '../core/failure.ts'
import type { Principal } from '../core/principal.ts'
import type { Redis } from './redis.ts'

/** How many deletes of one subject a minute; 0 for no limit. */
export interface DeleteLimits {
  readonly perMinute: number
  /** So many of them a minute need no scope but that of the delete. */
  readonly manyAfter: number
}

/**
 * Counts deletes before they are made.
 * @throws GatewayError rateLimited, insufficientScope (`memory:delete:many`)
 */
export type CountDeletes = (principal: Principal, count: number) => Promise<void>

/** What was counted so far: it stays when the limits change. */
export interface DeleteCounts {
  under(limits: DeleteLimits): CountDeletes
}

/** @param redis where several gateways count together; each counts by itself while it is away */
export function openDeleteCounts(redis: Redis | undefined): DeleteCounts {
  const rate = openLimiter('deletes', redis)
  const many = openLimiter('many', redis)
  return {
    under:
      ({ perMinute, manyAfter }) =>
      async (principal, count) => {
        const key = JSON.stringify([principal.issuer, principal.subject])
        if (manyAfter !== 0 && !holds(principal, 'memory:delete:many')) {
          const secondsLeft = await take(many, manyAfter, key, count)
          if (secondsLeft !== undefined) {
            const reason = `More than ${String(manyAfter)} deletes a minute need the scope memory:delete:many`
            throw new GatewayError('insufficientScope', {
              reason,
              scope: 'memory:delete:many',
              retryAfterSeconds: secondsLeft,
            })
          }
        }
        const secondsLeft = perMinute === 0 ? undefined : await take(rate, perMinute, key, count)
        if (secondsLeft === undefined) return
        const reason = `More than ${String(perMinute)} deletes a minute by one subject; try again later`
        throw new GatewayError('rateLimited', { reason, retryAfterSeconds: secondsLeft })
      },
  }
}

/** @returns the whole seconds until the next minute begins, where this one has no room for so many; they are not counted then */
async function take(
  limiter: RateLimiterAbstract,
  limit: number,
  key: string,
  count: number,
): Promise<number | undefined> {
  const { consumedPoints, msBeforeNext } = await limiter.consume(key, count)
  if (consumedPoints <= limit) return undefined
  await limiter.reward(key, count)
  return Math.max(1, Math.ceil(msBeforeNext / 1_000))
}

/** It only counts: the limit is what the configuration says when a delete comes. */
function openLimiter(keyPrefix: string, redis: Redis | undefined): RateLimiterAbstract {
  const options = { keyPrefix, points: Number.MAX_SAFE_INTEGER, duration: 60 }
  const own = new RateLimiterMemory(options)
  if (redis === undefined) return own
  // All that the limiter asks of a client; this one answers in time.
  const storeClient = {
    eval: (script: string, { keys, arguments: args }: { keys: string[]; arguments: string[] }) =>
      redis.run(script, keys, args),
  }
  return new RateLimiterRedis({ ...options, storeClient, useRedisPackage: true, insuranceLimiter: own })
}
