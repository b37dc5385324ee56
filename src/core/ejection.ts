export interface EjectionOptions {
  /** So many failures in a row eject a node. */
  readonly failures: number
  /** How long the first time, at most; it doubles from time to time. */
  readonly backoffMs: number
  readonly maxBackoffMs: number
  /** A node that was asked and has said nothing for so long is to be checked. */
  readonly silenceMs: number
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number
  /** Evenly from 0 up to 1. */
  readonly random: () => number
}

/** Whether one node gets requests: in, or out until a check finds it well again. */
export interface Ejection {
  isUp(): boolean
  /** Since when it has been in, or out: a time of the clock. */
  since(): number
  /** In a row. */
  failures(): number
  /** A request was sent. */
  asked(): void
  /** It answered; @param isUsable not with a status that says that it cannot serve */
  answered(isUsable: boolean): void
  /** No connection, or one that broke. */
  failed(): void
  /** Out at once, whatever it has failed before. @returns whether it was in until now */
  eject(): boolean
  heardSince(time: number): boolean
  /** Its time out is over, or it has gone quiet. */
  needsCheck(): boolean
  /** What came of a check. Well: in again, but the next failure ejects it. Else out, or out for longer. @returns as eject */
  checked(isWell: boolean): boolean
}

/** @param mayEject asked before each ejection of a node that is up */
export function openEjection(options: EjectionOptions, mayEject: () => boolean): Ejection {
  const { now, random, backoffMs, maxBackoffMs, silenceMs } = options
  let failures = 0
  let outUntil: number | undefined
  /** Ejections and failed checks in a row: since the node was last well for as long as the longest backoff. */
  let strikes = 0
  let backSince = -Infinity
  let changedAt = now()
  let heardAt = -Infinity
  /** When it was first asked without having been heard since. */
  let quietSince: number | undefined

  function hear(): void {
    heardAt = now()
    quietSince = undefined
  }

  function fail(): void {
    failures += 1
    if (failures >= options.failures) eject()
  }

  function eject(): boolean {
    if (outUntil !== undefined || !mayEject()) return false
    if (now() - backSince > maxBackoffMs) strikes = 0
    changedAt = now()
    stayOut()
    return true
  }

  function stayOut(): void {
    const longest = Math.min(maxBackoffMs, backoffMs * 2 ** strikes)
    strikes += 1
    quietSince = undefined
    // Gateways that lost a node at the same moment must not come back to it at the same moment.
    outUntil = now() + longest * (0.5 + random() / 2)
  }

  return {
    isUp: () => outUntil === undefined,
    since: () => changedAt,
    failures: () => failures,
    asked: () => void (quietSince ??= now()),
    answered(isUsable) {
      hear()
      if (isUsable) failures = 0
      else fail()
    },
    failed: fail,
    eject,
    heardSince: (time) => heardAt > time,
    needsCheck() {
      if (outUntil !== undefined) return now() >= outUntil
      return quietSince !== undefined && now() - quietSince >= silenceMs
    },
    checked(isWell) {
      if (!isWell) {
        if (outUntil === undefined) return eject()
        stayOut()
        return false
      }
      hear()
      if (outUntil === undefined) return false
      outUntil = undefined
      backSince = now()
      changedAt = backSince
      failures = options.failures - 1
      return false
    },
  }
}
