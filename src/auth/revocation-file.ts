import { open, readFile } from 'node:fs/promises'
import { compileRevocations, readRevocations } from '../core/revocation.ts'
import type { RevocableToken, Revocation, RevocationList } from '../core/revocation.ts'
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
  isRevoked(token: RevocableToken): boolean
  /** Adds an entry, on the disk by the end, and in force here. */
  add(entry: Revocation): Promise<void>
  health(): RevocationHealth
  close(): void
}

interface Options {
  readonly path: string
  /** How often it is read, in milliseconds. */
  readonly intervalMs: number
  readonly onEvent: (
    event: { readonly kind: 'unreadable'; readonly why: string } | { readonly kind: 'readable' },
  ) => void
}

/**
 * Reads a deny list again and again, by its content: whoever writes it may rename or relink. While it cannot be read, or one of its lines is none, the
 * last list stays in force.
 */
export async function watchRevocations({ path, intervalMs, onEvent }: Options): Promise<Revocations> {
  let list: RevocationList = compileRevocations([], 0)
  let entries: readonly Revocation[] = []
  let seen: string | undefined
  let readAt: number | undefined
  let problem: string | undefined
  let reading: Promise<void> | undefined

  async function read(): Promise<void> {
    try {
      const text = await readFile(path, 'utf8')
      if (text !== seen) entries = readRevocations(text)
      seen = text
      readAt = Date.now()
      list = compileRevocations(entries, readAt / 1000)
      if (problem !== undefined) onEvent({ kind: 'readable' })
      problem = undefined
    } catch (error) {
      const why = codeOf(error) === undefined ? `it ${describeError(error)}` : describeError(error)
      if (why !== problem) onEvent({ kind: 'unreadable', why })
      problem = why
    }
  }
  const look = (): Promise<void> => (reading ??= read().finally(() => (reading = undefined)))
  await look()
  const timer = setInterval(() => void look(), intervalMs).unref()

  return {
    isRevoked: (token) => list.isRevoked(token),
    async add(entry) {
      const file = await open(path, 'a', 0o600)
      try {
        await file.appendFile(`${JSON.stringify(entry)}\n`)
        await file.sync()
      } finally {
        await file.close()
      }
      // One that was under way may not have seen it.
      await reading
      await look()
    },
    health: () => ({ loaded: readAt !== undefined, reachable: problem === undefined, entries: list.size, readAt }),
    close: () => clearInterval(timer),
  }
}
