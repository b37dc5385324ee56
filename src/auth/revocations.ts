import { GatewayError } from '../core/failure.ts'
import { compileRevocations, nextEnd } from '../core/revocation.ts'
import type { RevocableToken, Revocation, RevocationList } from '../core/revocation.ts'
import type { RevocationStore } from '../core/revocation-store.ts'
import { codeOf, describeError } from './private-file.ts'

export interface RevocationHealth {
  /** Whether the list has been read since the start. */
  readonly loaded: boolean
  /** Whether it could be read the last time. */
  readonly reachable: boolean
  readonly entries: number
  /** Milliseconds since 1970. */
  readonly readAt: number | undefined
}

/** Tokens that are refused though they are good otherwise. */
export interface Revocations {
  /** Reads the list for the first time, and then again and again; never rejects. */
  start(): Promise<void>
  /** @throws GatewayError revocationsUnavailable, where no list was ever read */
  isRevoked(token: RevocableToken): boolean
  /** Adds an entry, kept by the end, and in force here. */
  readonly add: (entry: Revocation) => Promise<void>
  health(): RevocationHealth
  close(): void
}

export type RevocationEvent =
  | { readonly kind: 'unreadable'; readonly why: string }
  | { readonly kind: 'readable' }
  | { readonly kind: 'notTidied'; readonly why: string }

interface Options {
  readonly store: RevocationStore
  /** How often it is read, in milliseconds. */
  readonly intervalMs: number
  /** Whether what is over is taken out of the store. */
  readonly tidies: boolean
  /** Called when the list is another one, in force by then. */
  readonly onChange?: () => void
  readonly onEvent: (event: RevocationEvent) => void
}

/** Clocks differ: what is over here may still count at another gateway that reads the same list. */
const GRACE_SECONDS = 3_600
const TIDY_EVERY_SECONDS = 600

/** Reads a deny list again and again. While it cannot be read the last one stays in force. */
export function watchRevocations({ store, intervalMs, tidies, onChange, onEvent }: Options): Revocations {
  let list: RevocationList = compileRevocations([], 0)
  let entries: readonly Revocation[] = []
  let readAt: number | undefined
  let problem: string | undefined
  let reading: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let endsNext = Infinity
  let tidiedAt = -Infinity

  function put(all: readonly Revocation[], now: number): void {
    entries = all
    list = compileRevocations(entries, now)
    endsNext = nextEnd(entries, now)
    onChange?.()
  }

  async function read(): Promise<void> {
    try {
      const all = await store.read()
      readAt = Date.now()
      const now = readAt / 1000
      if (all !== undefined || now >= endsNext) put(all ?? entries, now)
      if (problem !== undefined) onEvent({ kind: 'readable' })
      problem = undefined
      await tidy(now)
    } catch (error) {
      const why = whyOf(error)
      if (why !== problem) onEvent({ kind: 'unreadable', why })
      problem = why
    }
  }

  async function tidy(now: number): Promise<void> {
    const before = now - GRACE_SECONDS
    if (!tidies || now < tidiedAt + TIDY_EVERY_SECONDS) return
    if (!entries.some(({ until }) => until !== undefined && until < before)) return
    tidiedAt = now
    await store.removeOver(before).catch((error: unknown) => onEvent({ kind: 'notTidied', why: whyOf(error) }))
  }

  const look = (): Promise<void> => (reading ??= read().finally(() => (reading = undefined)))

  return {
    async start() {
      await look()
      timer = setInterval(() => void look(), intervalMs).unref()
    },
    isRevoked(token) {
      // check: revocations-read
      if (readAt === undefined) throw new GatewayError('revocationsUnavailable', { retryAfterSeconds: 1 })
      return list.isRevoked(token)
    },
    async add(entry) {
      await store.add(entry)
      // One that was under way may not have seen it.
      await reading
      const text = JSON.stringify(entry)
      put([...entries.filter((one) => JSON.stringify(one) !== text), entry], Date.now() / 1000)
    },
    health: () => ({ loaded: readAt !== undefined, reachable: problem === undefined, entries: list.size, readAt }),
    close: () => clearInterval(timer),
  }
}

function whyOf(error: unknown): string {
  return codeOf(error) === undefined ? `it ${describeError(error)}` : describeError(error)
}
