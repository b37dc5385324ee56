import { chmod, mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Where servers are kept between runs: outside of any checkout. */
export function cacheFolder(env: Readonly<Record<string, string | undefined>>, home: string): string {
  const name = 'opensearch-memory-gateway'
  const own = env['MEMORY_GATEWAY_CACHE']
  if (own !== undefined && own !== '') return own
  const xdg = env['XDG_CACHE_HOME']
  return xdg !== undefined && xdg !== '' ? join(xdg, name) : join(home, '.cache', name)
}

/**
 * The folder `name` in the cache, made by `fill` when it is not there yet. It appears whole or not at all: it is filled
 * under another name and renamed. The lock only spares two starts at once the same download; the rename alone keeps them right.
 */
export async function cached(
  cache: string,
  name: string,
  fill: (folder: string) => Promise<void>,
  onWait: () => void,
): Promise<string> {
  const folder = join(cache, name)
  if (await exists(folder)) return folder
  await mkdir(cache, { recursive: true })
  const unlock = await lock(join(cache, `${name}.lock`), () => exists(folder), onWait)
  try {
    if (!(await exists(folder))) await fillWhole(folder, fill)
    return folder
  } finally {
    await unlock()
  }
}

async function fillWhole(folder: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const prefix = `${basename(folder)}.unfinished-`
  for (const name of await readdir(dirname(folder))) {
    if (!name.startsWith(prefix) || isAlive(parseInt(name.slice(prefix.length), 10))) continue
    await rm(join(dirname(folder), name), { recursive: true, force: true })
  }
  const unfinished = await mkdtemp(`${folder}.unfinished-${process.pid}-`)
  try {
    await fill(unfinished)
    await chmod(unfinished, 0o755)
    await rename(unfinished, folder)
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    if (!(await exists(folder))) throw error
  }
}

/** After this long a lock is taken over whoever holds it: its number may be another process's by now. */
const STALE_LOCK_MS = 10 * 60_000

/** Waits until this process holds the lock, or `done` says that it is no longer needed. */
async function lock(path: string, done: () => Promise<boolean>, onWait: () => void): Promise<() => Promise<void>> {
  for (let first = true; ; first = false) {
    const file = await open(path, 'wx').catch(unless('EEXIST'))
    if (file !== undefined) {
      await file.writeFile(String(process.pid))
      await file.close()
      return () => rm(path, { force: true })
    }
    if (await done()) return () => Promise.resolve()
    if (first) onWait()
    if (await isStale(path)) await rm(path, { force: true })
    else await sleep(200)
  }
}

async function isStale(path: string): Promise<boolean> {
  const holder = await readFile(path, 'utf8').catch(unless('ENOENT'))
  const taken = await stat(path).catch(unless('ENOENT'))
  if (holder === undefined || taken === undefined) return false
  // An empty file is that of a holder about to write its number.
  return (holder !== '' && !isAlive(Number(holder))) || Date.now() - taken.mtimeMs > STALE_LOCK_MS
}

/** Whether a process of this number exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

/** For `catch`: an error of this code becomes `undefined`, others go on. */
function unless(code: string): (error: unknown) => undefined {
  return (error) => {
    if ((error as NodeJS.ErrnoException).code === code) return undefined
    throw error
  }
}
