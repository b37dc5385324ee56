import {
  chmod,
  chown,
  copyFile,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { isAlive } from './cache.ts'
import { runFolders, type RunFolders } from './server-settings.ts'
import { type Nobody, temporaryFolder } from './unprivileged.ts'

const PREFIX = 'opensearch-local-cluster-'
const OWNER = 'owner.json'

/** Makes the empty folders of a run, and removes those that killed processes left behind. */
export async function makeRunFolders(nobody: Nobody | undefined): Promise<RunFolders> {
  const parent = temporaryFolder(nobody)
  await removeAbandoned(parent)
  const folders = runFolders(await mkdtemp(join(parent, PREFIX)))
  await writeFile(join(folders.root, OWNER), JSON.stringify({ pid: process.pid, namespace: await pidNamespace() }))
  if (nobody !== undefined) await chmod(folders.root, 0o755)
  for (const name of ['', 'bin', 'extensions', 'plugins']) await makeOpenFolder(join(folders.home, name))
  for (const folder of [folders.config, folders.data, folders.logs, folders.temporary, folders.credentials]) {
    await mkdir(folder, { mode: 0o700 })
  }
  return folders
}

/** Gives the server's own folders to the user it runs as. */
export async function handOver(folders: RunFolders, nobody: Nobody | undefined): Promise<void> {
  if (nobody === undefined) return
  for (const folder of [folders.config, folders.data, folders.logs, folders.temporary]) {
    const names = await readdir(folder, { recursive: true })
    for (const name of ['', ...names]) await chown(join(folder, name), nobody.uid, nobody.gid)
  }
}

/**
 * A copy of a cached folder that costs nothing where hard links work. The cache may be in a home folder that the user
 * nobody cannot enter, and the server takes symbolic links for what they point to.
 */
export async function linkTree(from: string, to: string): Promise<void> {
  await makeOpenFolder(to)
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) await linkTree(source, target)
    else await link(source, target).catch(() => copyFile(source, target))
  }
}

/** A folder that all users can enter, whatever the umask. */
async function makeOpenFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true })
  await chmod(path, 0o755)
}

async function removeAbandoned(parent: string): Promise<void> {
  const namespace = await pidNamespace()
  for (const name of await readdir(parent)) {
    if (!name.startsWith(PREFIX)) continue
    // Missing, or half written: another run makes its folders at this moment.
    const owner = await readFile(join(parent, name, OWNER), 'utf8')
      .then(parseOwner)
      .catch(() => undefined)
    // Process numbers of another container that shares the temporary folder mean nothing here.
    if (owner?.namespace !== namespace || isAlive(owner.pid)) continue
    await rm(join(parent, name), { recursive: true, force: true }).catch(() => undefined)
  }
}

function parseOwner(text: string): { pid: number; namespace: string } {
  return JSON.parse(text) as { pid: number; namespace: string }
}

const pidNamespace = (): Promise<string> => readlink('/proc/self/ns/pid').catch(() => '')
