import { readFileSync } from 'node:fs'

const LOOK_EVERY_MS = 1_000

/**
 * A token that is read anew from its file once a second at most, while it is used. Whatever way the file is replaced (written over, renamed, a link
 * that points elsewhere) does not matter; while it cannot be read, or is empty, the last token holds.
 * @param path absolute
 * @throws Error where the file cannot be read the first time
 */
export function openTokenFile(path: string, now: () => number = () => performance.now()): () => string {
  let token = readFileSync(path, 'utf8').trim()
  let readAt = now()
  return () => {
    if (now() - readAt < LOOK_EVERY_MS) return token
    readAt = now()
    try {
      token = readFileSync(path, 'utf8').trim() || token
    } catch {
      // It may be in the middle of being replaced.
    }
    return token
  }
}
