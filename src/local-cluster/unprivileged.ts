import { readFileSync, realpathSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname } from 'node:path'
import { LocalClusterError } from './local-cluster-error.ts'

/** A user without rights, as whom a server is run by root: OpenSearch refuses to run as root. */
export interface Nobody {
  readonly uid: number
  readonly gid: number
}

/** The user nobody when this process is root's, else `undefined`: the server then runs as whoever started it. */
export function nobodyWhenRoot(): Nobody | undefined {
  if (process.getuid?.() !== 0) return undefined
  const entry = /^nobody:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'))
  return { uid: Number(entry?.[1] ?? 65_534), gid: Number(entry?.[2] ?? 65_534) }
}

/** Whether someone who is neither owner nor group is kept from a path, by its own mode or that of a folder above it. */
export function isClosedToOthers(path: string): boolean {
  for (let here = realpathSync(path); ; here = dirname(here)) {
    if ((statSync(here).mode & 0o001) === 0) return true
    if (here === dirname(here)) return false
  }
}

/** The folder for a run's files: the system's own, unless `nobody` has to reach into it and cannot. */
export function temporaryFolder(nobody: Nobody | undefined): string {
  const folders = [tmpdir(), '/tmp', '/var/tmp']
  const found = nobody === undefined ? tmpdir() : folders.find((folder) => !isClosedToOthers(folder))
  if (found !== undefined) return found
  throw new LocalClusterError(
    `OpenSearch does not run as root, and the user nobody cannot reach ${folders.join(', ')}. ` +
      'Run this as another user, or set TMPDIR to a folder that all users can enter.',
  )
}
