import { LRUCache } from 'lru-cache'

import { judgeHeld } from '../core/idempotency.ts'
import type { KeptAnswers } from '../core/idempotency.ts'

export interface KeepingOptions {
  readonly keepForMs: number
  readonly maxAnswers: number
  /** Of all answers together. */
  readonly maxBytes: number
}

/** No answer is larger but one that lists failures by the thousand; such a one is not kept. */
export const MAX_ANSWER_BYTES = 65_536

/** Keeps answers in this process: for one gateway, or for several behind a balancer that sends a caller's retries to the same one. */
export function keepAnswersInMemory({ keepForMs, maxAnswers, maxBytes }: KeepingOptions): KeptAnswers {
  // Calls that are under way are bounded by the requests that are, and never pushed out by answers.
  const running = new Map<string, string>()
  const answers = new LRUCache<string, { fingerprint: string; answer: string }>({
    max: maxAnswers,
    maxSize: maxBytes,
    maxEntrySize: Math.min(MAX_ANSWER_BYTES, maxBytes),
    sizeCalculation: ({ answer }, name) => answer.length + name.length,
    ttl: keepForMs,
  })
  return {
    claim(name, fingerprint) {
      const under = running.get(name)
      const held = under === undefined ? answers.get(name) : { fingerprint: under }
      if (held !== undefined) return Promise.resolve(judgeHeld(held, fingerprint))
      running.set(name, fingerprint)
      const release = (): Promise<void> => {
        running.delete(name)
        return Promise.resolve()
      }
      return Promise.resolve({
        kind: 'first',
        keep(answer) {
          answers.set(name, { fingerprint, answer })
          return release()
        },
        release,
      })
    },
  }
}
