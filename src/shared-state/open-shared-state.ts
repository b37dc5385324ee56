import type { KeptAnswers } from '../core/idempotency.ts'
import { keepAnswersInMemory } from './answers-in-memory.ts'
import type { KeepingOptions } from './answers-in-memory.ts'
import { keepAnswersInRedis } from './answers-in-redis.ts'
import { openDeleteQuota } from './delete-quota.ts'
import type { CountDeletes } from './delete-quota.ts'
import type { RedisOptions } from './redis.ts'

/** What requests leave behind for those after them. */
export interface SharedState {
  readonly keptAnswers: KeptAnswers
  readonly countDeletes: CountDeletes
  /** Whether the server that several gateways share can be reached; `undefined` where each keeps its own. */
  isUp(): boolean | undefined
  close(): Promise<void>
}

interface Options {
  /** The server that several gateways share; in this process's memory where absent. */
  readonly redis: Omit<RedisOptions, 'onChange'> | undefined
  readonly keeping: KeepingOptions
  /** Longer than any call with a key may take. */
  readonly runningForMs: number
  readonly quota: { readonly perMinute: number; readonly manyAfter: number }
  readonly onEvent: (event: 'sharedStateUp' | 'sharedStateDown' | 'answerNotKept', cause?: unknown) => void
}

/** Its client is loaded only where there is a server: it takes a quarter of the time of a start, and 20 MiB. */
export async function openSharedState({
  redis: settings,
  keeping,
  runningForMs,
  quota,
  onEvent,
}: Options): Promise<SharedState> {
  if (settings === undefined) {
    return {
      keptAnswers: keepAnswersInMemory(keeping),
      countDeletes: openDeleteQuota({ ...quota, redis: undefined }),
      isUp: () => undefined,
      close: () => Promise.resolve(),
    }
  }
  const onChange = (isUp: boolean, cause?: unknown): void => onEvent(isUp ? 'sharedStateUp' : 'sharedStateDown', cause)
  const { openRedis } = await import('./redis.ts')
  const redis = openRedis({ ...settings, onChange })
  const onLost = (cause: unknown): void => onEvent('answerNotKept', cause)
  return {
    keptAnswers: keepAnswersInRedis({ redis, keepForMs: keeping.keepForMs, runningForMs, onLost }),
    countDeletes: openDeleteQuota({ ...quota, redis }),
    isUp: () => redis.isUp(),
    close: () => redis.close(),
  }
}
