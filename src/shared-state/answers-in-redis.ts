import { randomUUID } from 'node:crypto'

import { GatewayError } from '../core/failure.ts'
import { judgeHeld } from '../core/idempotency.ts'
import type { Claim, Held, KeptAnswers } from '../core/idempotency.ts'
import { MAX_ANSWER_BYTES } from './answers-in-memory.ts'
import type { Redis } from './redis.ts'

interface Options {
  readonly redis: Redis
  readonly keepForMs: number
  /** After it a call whose gateway has died is no longer taken for one under way. */
  readonly runningForMs: number
  /** An answer could not be kept: a retry will find its call under way, and after that carry it out anew. */
  readonly onLost: (error: unknown) => void
}

// Only what is still one's own: a call that took too long may have been followed by another.
const REPLACE = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('set', KEYS[1], ARGV[2], 'PX', ARGV[3]) end return false`
const RELEASE = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0`

/**
 * Keeps answers in a Redis or Valkey server that several gateways share. While it is away calls with a key are refused (503): carried out without
 * the record, a late retry could delete a memory that was stored anew under the same id. Calls without a key do not depend on it.
 */
export function keepAnswersInRedis({ redis, keepForMs, runningForMs, onLost }: Options): KeptAnswers {
  const keyOf = (name: string): string => `answer:${name}`
  const unavailable = (cause: unknown): never => {
    throw new GatewayError('keptAnswersUnavailable', { retryAfterSeconds: 1, cause })
  }

  async function peek(name: string): Promise<Held | undefined> {
    const held = await redis.get(keyOf(name))
    return held === null ? undefined : (JSON.parse(held) as Held)
  }

  async function claim(name: string, fingerprint: string): Promise<Claim> {
    const key = keyOf(name)
    const mine = JSON.stringify({ fingerprint, owner: randomUUID() })
    const first = (open: string | undefined): Claim => ({
      kind: 'first',
      open,
      keep: (answer) => (answer.length > MAX_ANSWER_BYTES ? release() : leave({ fingerprint, answer })),
      release: (left) => (left === undefined ? release() : leave({ fingerprint, open: left })),
    })
    const leave = (held: Held): Promise<void> =>
      orLost(redis.run(REPLACE, [key], [mine, JSON.stringify(held), String(keepForMs)]))
    const release = (): Promise<void> => orLost(redis.run(RELEASE, [key], [mine]))
    const orLost = async (work: Promise<unknown>): Promise<void> => {
      await work.catch(onLost)
    }
    // What is held may end between the two commands: then it is ours to take.
    for (let attempt = 0; attempt < 3; attempt++) {
      if (await redis.setIfAbsent(key, mine, runningForMs)) return first(undefined)
      const held = await redis.get(key)
      if (held === null) continue
      const found = judgeHeld(JSON.parse(held) as Held, fingerprint)
      if (found.kind !== 'open') return found
      const isMine = (await redis.run(REPLACE, [key], [held, mine, String(runningForMs)])) !== null
      if (isMine) return first(found.open)
    }
    throw new Error('what is held under the key comes and goes')
  }

  return {
    claim: (name, fingerprint) => claim(name, fingerprint).catch(unavailable),
    peek: (name) => peek(name).catch(unavailable),
  }
}
