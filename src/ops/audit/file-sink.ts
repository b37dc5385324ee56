import { constants } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

import { WriteFailure } from './sink.ts'
import type { AuditSink } from './sink.ts'

/** When what was written is on the disk: before anybody is told so, every so many milliseconds, or when the system likes. */
export type Fsync = { readonly kind: 'always' | 'never' } | { readonly kind: 'interval'; readonly everyMs: number }

const { O_APPEND, O_CREAT, O_WRONLY, O_DSYNC } = constants
const MOVED_CHECK_MS = 1_000

/**
 * Opens a file to append to, readable by its owner alone. It is opened anew when it was renamed, as by logrotate; what is written meanwhile goes into the renamed one.
 * @param onSyncFailure told where a sync in the background failed
 * @throws Error of the file system
 */
export async function openFileSink(
  path: string,
  fsync: Fsync,
  onSyncFailure: (error: unknown) => void,
): Promise<AuditSink> {
  // One system call writes and syncs.
  const flags = O_APPEND | O_CREAT | O_WRONLY | (fsync.kind === 'always' ? O_DSYNC : 0)
  let file = await openAt(path, flags)
  let wantsReopen = false
  let isDirty = false
  let checkedAt = performance.now()

  const sync = (): void => {
    if (!isDirty) return
    isDirty = false
    file.handle.datasync().catch(onSyncFailure)
  }
  const timer = fsync.kind === 'interval' ? setInterval(sync, fsync.everyMs).unref() : undefined

  async function reopenWhereMoved(): Promise<void> {
    if (!wantsReopen && performance.now() - checkedAt < MOVED_CHECK_MS) return
    checkedAt = performance.now()
    if (!wantsReopen && (await isAt(path, file.handle))) return
    const next = await openAt(path, flags)
    wantsReopen = false
    const before = file.handle
    file = next
    if (fsync.kind === 'interval') await before.datasync().catch(onSyncFailure)
    await before.close()
  }

  return {
    async write(text) {
      await reopenWhereMoved()
      // A line that was left half written ends here, and is no record.
      await append(file, file.isTorn ? `\n${text}` : text, file.isTorn ? 1 : 0)
      isDirty = true
    },
    reopen: () => {
      wantsReopen = true
    },
    async close() {
      clearInterval(timer)
      await file.handle.datasync().catch(onSyncFailure)
      await file.handle.close()
    },
  }
}

interface OpenFile {
  readonly handle: FileHandle
  /** Where the next line begins. */
  size: number
  isTorn: boolean
}

async function openAt(path: string, flags: number): Promise<OpenFile> {
  const handle = await open(path, flags, 0o600)
  const { size } = await handle.stat()
  return { handle, size, isTorn: size > 0 && !(await endsLine(path, size)) }
}

async function endsLine(path: string, size: number): Promise<boolean> {
  const reader = await open(path, 'r')
  try {
    const { buffer } = await reader.read(Buffer.alloc(1), 0, 1, size - 1)
    return buffer[0] === 0x0a
  } finally {
    await reader.close()
  }
}

/** @param extra bytes at the beginning that are no record's */
async function append(file: OpenFile, text: string, extra: number): Promise<void> {
  const bytes = Buffer.from(text)
  try {
    for (let from = 0; from < bytes.length;) {
      const { bytesWritten } = await file.handle.write(bytes, from)
      from += bytesWritten
    }
  } catch (cause) {
    // What the system says it wrote is not all that may be there: a failed sync comes after the write.
    const { size } = await file.handle.stat().catch(() => ({ size: file.size }))
    const arrived = Math.min(Math.max(size - file.size, 0), bytes.length)
    file.size = size
    if (arrived > 0) file.isTorn = bytes[arrived - 1] !== 0x0a
    throw new WriteFailure(Math.max(arrived - extra, 0), cause)
  }
  file.size += bytes.length
  file.isTorn = false
}

async function isAt(path: string, handle: FileHandle): Promise<boolean> {
  const [there, ours] = await Promise.all([stat(path).catch(() => undefined), handle.stat()])
  return there?.ino === ours.ino && there.dev === ours.dev
}
