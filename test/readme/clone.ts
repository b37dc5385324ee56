import { execFileSync } from 'node:child_process'
import { cpSync, existsSync } from 'node:fs'
import { join } from 'node:path'

/** Copies what is in the repository, and only that, as somebody gets it who clones it; changes that are not committed yet included. */
export function cloneInto(folder: string, root: string): void {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 2 ** 20,
  })
  for (const path of listed.split('\0')) {
    // Listed and yet not there: removed, and the removal not committed.
    if (path !== '' && existsSync(join(root, path))) cpSync(join(root, path), join(folder, path))
  }
}
