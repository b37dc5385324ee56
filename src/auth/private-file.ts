import { randomUUID } from 'node:crypto'
import { chmod, link, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Replaces a file at once: a reader sees the old content or the new, also when the process dies in between. */
export async function replaceFile(path: string, content: string, mode: number): Promise<void> {
  await viaTemporary(path, content, mode, (temporary) => rename(temporary, path))
}

/** Creates a file at once, unless there is one already; tells whether it did. Of several processes exactly one does. */
export async function createFile(path: string, content: string, mode: number): Promise<boolean> {
  try {
    await viaTemporary(path, content, mode, (temporary) => link(temporary, path))
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

async function viaTemporary(path: string, content: string, mode: number, put: (temporary: string) => Promise<void>) {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    // The mode of open() is cut by the umask.
    await chmod(temporary, mode)
    await put(temporary)
  } finally {
    await rm(temporary, { force: true })
  }
}

/** The permission bits of a file that are among `forbidden`, as octal digits; `undefined` when there are none, and on Windows. */
export async function forbiddenMode(path: string, forbidden: number): Promise<string | undefined> {
  if (process.platform === 'win32') return undefined
  const { mode } = await stat(path)
  return (mode & forbidden) === 0 ? undefined : (mode & 0o777).toString(8).padStart(4, '0')
}

/** The system's code of an error (`ENOENT`), where it has one. */
export function codeOf(error: unknown): string | undefined {
  const code: unknown = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}

/** An error in one line, with the system's code: a connection that failed at several addresses has no other text. */
export function describeError(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const code = codeOf(error)
  return code === undefined || message.includes(code) ? message : `${code} ${message}`.trimEnd()
}
