import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible'
import type { RateLimiterAbstract } from 'rate-limiter-flexible'

import { holds } from '../core/access.ts'
import type { DeleteQuota, QuotaLeft } from '../core/delete-quota.ts'
import { GatewayError } from '../core/failure.ts'
import type { Principal } from '../core/principal.ts'
import type { Redis } from './redis.ts'

/** How many deletes of one subject a minute; 0 for no limit. */
export interface DeleteLimits {
  readonly perMinute: number
  /** So many of them a minute need no scope but that of the delete. */
  readonly manyAfter: number
}

/** What was counted so far: it stays when the limits change. */
export interface DeleteCounts {
  under(limits: DeleteLimits): DeleteQuota
}

interface Limit {
  readonly name: QuotaLeft['limit']
  readonly of: number
  readonly limiter: RateLimiterAbstract
  applies(principal: Principal): boolean
  refusal(retryAfterSeconds: number): GatewayError
}

/** @param redis where several gateways count together; each counts by itself while it is away */
export function openDeleteCounts(redis: Redis | undefined): DeleteCounts {
  const rate = openLimiter('deletes', redis)
  const many = openLimiter('many', redis)
  return {
    under({ perMinute, manyAfter }) {
      const limits = [limitMany(many, manyAfter), limitRate(rate, perMinute)].filter((limit) => limit.of !== 0)
      return quotaOf(limits)
    },
  }
}

function quotaOf(limits: readonly Limit[]): DeleteQuota {
  const applying = (principal: Principal): readonly Limit[] => limits.filter((limit) => limit.applies(principal))
  return {
    async count(principal, deletes) {
      for (const limit of applying(principal)) {
        const secondsLeft = await take(limit, keyOf(principal), deletes)
        if (secondsLeft !== undefined) throw limit.refusal(secondsLeft)
      }
    },
    async foresee(principal, deletes) {
      const told: QuotaLeft[] = []
      for (const limit of applying(principal)) {
        const counted = await limit.limiter.get(keyOf(principal))
        const left = Math.max(0, limit.of - (counted?.consumedPoints ?? 0))
        if (deletes > left) throw limit.refusal(secondsOf(counted?.msBeforeNext ?? WINDOW_SECONDS * 1_000))
        told.push({ limit: limit.name, of: limit.of, left })
      }
      return told
    },
  }
}

function limitMany(limiter: RateLimiterAbstract, manyAfter: number): Limit {
  const reason = `More than ${String(manyAfter)} deletes a minute need the scope memory:delete:many`
  return {
    name: 'manyAfter',
    of: manyAfter,
    limiter,
    applies: (principal) => !holds(principal, 'memory:delete:many'),
    refusal: (retryAfterSeconds) =>
      new GatewayError('insufficientScope', { reason, scope: 'memory:delete:many', retryAfterSeconds }),
  }
}

function limitRate(limiter: RateLimiterAbstract, perMinute: number): Limit {
  const reason = `More than ${String(perMinute)} deletes a minute by one subject; try again later`
  return {
    name: 'perMinute',
    of: perMinute,
    limiter,
    applies: () => true,
    refusal: (retryAfterSeconds) => new GatewayError('rateLimited', { reason, retryAfterSeconds }),
  }
}

const WINDOW_SECONDS = 60

function keyOf({ issuer, subject }: Principal): string {
  return JSON.stringify([issuer, subject])
}

/** @returns the whole seconds until the next minute begins, where this one has no room for so many; they are not counted then */
async function take({ limiter, of: limit }: Limit, key: string, count: number): Promise<number | undefined> {
  const { consumedPoints, msBeforeNext } = await limiter.consume(key, count)
  if (consumedPoints <= limit) return undefined
  await limiter.reward(key, count)
  return secondsOf(msBeforeNext)
}

function secondsOf(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1_000))
}

/** It only counts: the limit is what the configuration says when a delete comes. */
function openLimiter(keyPrefix: string, redis: Redis | undefined): RateLimiterAbstract {
  const options = { keyPrefix, points: Number.MAX_SAFE_INTEGER, duration: WINDOW_SECONDS }
  const own = new RateLimiterMemory(options)
  if (redis === undefined) return own
  const storeClient = storeClientOf(redis)
  return new RateLimiterRedis({ ...options, storeClient, useRedisPackage: true, insuranceLimiter: own })
}

const READ = `return {redis.call('get', KEYS[1]), redis.call('pttl', KEYS[1])}`

/** All that the limiter asks of a client; this one answers in time. */
function storeClientOf(redis: Redis): unknown {
  return {
    eval: (script: string, { keys, arguments: args }: { keys: string[]; arguments: string[] }) =>
      redis.run(script, keys, args),
    multi: () => ({
      get: (key: string) => ({ pTTL: () => ({ exec: () => redis.run(READ, [key], []) }) }),
    }),
  }
}
