export interface RetryBudgetOptions {
  /** Retries for each hundred requests. */
  readonly percent: number
  /** Retries a second that are always allowed, so that a quiet gateway may retry too. */
  readonly perSecond: number
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number
}

/** How many retries there may be: a cluster in trouble must not get many times its usual load. */
export interface RetryBudget {
  /** A request that is no retry. */
  request(): void
  /** Whether there is one left; takes it. */
  take(): boolean
}

/** So many seconds' worth may be saved up. */
const SAVED_SECONDS = 10

/** A bucket that requests and time fill, and retries empty (as Finagle's RetryBudget). */
export function openRetryBudget({ percent, perSecond, now }: RetryBudgetOptions): RetryBudget {
  // In hundredths of a retry, or a fifth of 50 requests would come to 9.99.
  const most = Math.max(perSecond, 1) * SAVED_SECONDS * 100
  let left = perSecond * 100
  let filledAt = now()

  const fill = (more: number): void => {
    const time = now()
    left = Math.min(most, left + more + (perSecond * (time - filledAt)) / 10)
    filledAt = time
  }
  return {
    request: () => fill(percent),
    take() {
      fill(0)
      if (left < 100) return false
      left -= 100
      return true
    },
  }
}
