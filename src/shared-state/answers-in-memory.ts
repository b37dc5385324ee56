import { LRUCache } from 'lru-cache'

import { judgeHeld } from '../core/idempotency.ts'
import type { Held, KeptAnswers } from '../core/idempotency.ts'

export interface KeepingOptions {
  readonly maxAnswers: number
  /** Of all answers together. */
  readonly maxBytes: number
}

/** No answer is larger but one that lists failures by the thousand; such a one is not kept. */
export const MAX_ANSWER_BYTES = 65_536

/** Keeps answers in this process: for one gateway, or for several behind a balancer that sends a caller's retries to the same one. */
export function keepAnswersInMemory({ maxAnswers, maxBytes }: KeepingOptions): (keepForMs: number) => KeptAnswers {
  // Calls that are under way are bounded by the requests that are, and never pushed out by answers.
  const running = new Map<string, string>()
  const answers = new LRUCache<string, Held>({
    max: maxAnswers,
    maxSize: maxBytes,
    maxEntrySize: Math.min(MAX_ANSWER_BYTES, maxBytes),
    sizeCalculation: ({ answer = '', open = '' }, name) => answer.length + open.length + name.length,
  })
  const heldUnder = (name: string): Held | undefined => {
    const under = running.get(name)
    return under === undefined ? answers.get(name) : { fingerprint: under }
  }
  return (keepForMs) => ({
    peek: (name) => Promise.resolve(heldUnder(name)),
    claim(name, fingerprint) {
      const held = heldUnder(name)
      const found = held === undefined ? undefined : judgeHeld(held, fingerprint)
      if (found !== undefined && found.kind !== 'open') return Promise.resolve(found)
      running.set(name, fingerprint)
      const end = (left: Held | undefined): Promise<void> => {
        if (left === undefined) answers.delete(name)
        else answers.set(name, left, { ttl: keepForMs })
        running.delete(name)
        return Promise.resolve()
      }
      return Promise.resolve({
        kind: 'first',
        open: found?.open,
        keep: (answer) => end({ fingerprint, answer }),
        release: (open) => end(open === undefined ? undefined : { fingerprint, open }),
      })
    },
  })
}
