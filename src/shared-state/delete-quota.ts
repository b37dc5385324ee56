import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import type { RateLimiterAbstract } from 'rate-limiter-flexible'

import { holds } from '../core/access.ts'
import { GatewayError } from '../core/failure.ts'
import type { Principal } from '../core/principal.ts'
import type { Redis } from './redis.ts'

interface Options {
  /** Deletes of one subject a minute; 0 for no limit. */
  readonly perMinute: number
  /** So many of them a minute need no scope but that of the delete; 0 for no limit. */
  readonly manyAfter: number
  /** Where several gateways count together; each counts by itself while it is away. */
  readonly redis: Redis | undefined
}

/**
 * Counts deletes before they are made.
 * @throws GatewayError rateLimited, insufficientScope (`memory:delete:many`)
 */
export type CountDeletes = (principal: Principal, count: number) => Promise<void>

export function openDeleteQuota({ perMinute, manyAfter, redis }: Options): CountDeletes {
  const rate = perMinute === 0 ? undefined : openLimiter('deletes', perMinute, redis)
  const many = manyAfter === 0 ? undefined : openLimiter('many', manyAfter, redis)
  return async (principal, count) => {
    const key = JSON.stringify([principal.issuer, principal.subject])
    if (many !== undefined && !holds(principal, 'memory:delete:many')) {
      const secondsLeft = await take(many, key, count)
      if (secondsLeft !== undefined) {
        const reason = `More than ${String(manyAfter)} deletes a minute need the scope memory:delete:many`
        throw new GatewayError('insufficientScope', {
          reason,
          scope: 'memory:delete:many',
          retryAfterSeconds: secondsLeft,
        })
      }
    }
    const secondsLeft = rate === undefined ? undefined : await take(rate, key, count)
    if (secondsLeft === undefined) return
    const reason = `More than ${String(perMinute)} deletes a minute by one subject; try again later`
    throw new GatewayError('rateLimited', { reason, retryAfterSeconds: secondsLeft })
  }
}

/** @returns the whole seconds until the next minute begins, where this one has no room for so many; they are not counted then */
async function take(limiter: RateLimiterAbstract, key: string, count: number): Promise<number | undefined> {
  try {
    await limiter.consume(key, count)
    return undefined
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error
    await limiter.reward(key, count)
    return Math.max(1, Math.ceil(error.msBeforeNext / 1_000))
  }
}

function openLimiter(keyPrefix: string, points: number, redis: Redis | undefined): RateLimiterAbstract {
  const options = { keyPrefix, points, duration: 60 }
  const own = new RateLimiterMemory(options)
  if (redis === undefined) return own
  // All that the limiter asks of a client; this one answers in time.
  const storeClient = {
    eval: (script: string, { keys, arguments: args }: { keys: string[]; arguments: string[] }) =>
      redis.run(script, keys, args),
  }
  return new RateLimiterRedis({ ...options, storeClient, useRedisPackage: true, insuranceLimiter: own })
}
