import type { ConfigSource } from './source.ts'

/** How soon a change is looked at again: half a file must not be taken for all of it. */
const SETTLE_MS = 500

/**
 * Looks at the contents of a configuration's files again and again, and says when they are others than when they were read, and the same at two looks in a row. Not by `fs.watch`:
 * it hears of inodes and directories, and so misses links that are pointed elsewhere (how Kubernetes replaces a ConfigMap), network file systems,
 * and files that came later.
 */
export function watchSource(source: ConfigSource, intervalMs: number, onChange: () => void): { close(): void } {
  let pending: string | undefined
  let isClosed = false
  let timer: NodeJS.Timeout | undefined
  const look = (): void => {
    const now = source.fingerprint()
    const isChanged = now !== source.lastRead()
    const isSettled = isChanged && now === pending
    pending = isChanged && !isSettled ? now : undefined
    if (isSettled) onChange()
    plan(pending === undefined ? intervalMs : Math.min(intervalMs, SETTLE_MS))
  }
  const plan = (inMs: number): void => {
    if (!isClosed) timer = setTimeout(look, inMs).unref()
  }
  plan(intervalMs)
  return {
    close() {
      isClosed = true
      clearTimeout(timer)
    },
  }
}
