import { chmod, cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cached } from './cache.ts'
import { LocalClusterError } from './local-cluster-error.ts'
import * as maven from './maven-project.ts'
import type { OnProgress } from '../progress.ts'
import { fetchParts, type Maven } from './run-maven.ts'
import { isBefore3 } from './versions.ts'

/** What it takes to fetch a server: `findMaven` is only called when something is not in the cache yet. */
export interface Source {
  readonly cache: string
  readonly findMaven: () => Maven
  readonly onProgress: OnProgress
}

/**
 * The folder with a server's `lib`, `agent` and `modules`, fetched on first use. A folder in the cache is never changed:
 * whoever changes what goes into it here has to change its name too.
 */
export function serverFiles(version: string, source: Source): Promise<string> {
  return whenMissing(`opensearch-${version}`, source, async (folder) => {
    const parts = maven.serverParts(version)
    const fetched = await fetchInto(folder, parts, source)
    const libraries = join(fetched, 'lib/jars')
    const log4j = maven.log4jCore(await readdir(libraries))
    if (log4j === undefined) throw new LocalClusterError(`OpenSearch ${version} came without log4j-api`)
    await fetchInto(folder, [log4j], source)
    await moveFiles(join(fetched, maven.jarsFolder(log4j)), libraries)
    const inLibraries = new Set(await readdir(libraries))
    for (const part of parts) {
      const twice = part.folder.startsWith('modules/') ? inLibraries : new Set<string>()
      await moveFiles(join(fetched, maven.jarsFolder(part)), join(folder, part.folder), twice)
    }
    for (const module of maven.serverModules(version)) {
      await writeFile(join(folder, 'modules', module.name, DESCRIPTOR), moduleDescriptor(version, module))
      if (isBefore3(version)) await writeFile(join(folder, 'modules', module.name, POLICY), MODULE_POLICY)
    }
    await finish(folder)
  })
}

/** The folder with the security plugin, fetched on first use. */
export function securityPluginFiles(pluginVersion: string, source: Source): Promise<string> {
  return whenMissing(`opensearch-security-${pluginVersion}`, source, async (folder) => {
    const part = maven.securityPart(pluginVersion)
    const fetched = await fetchInto(folder, [part], source)
    await moveFiles(join(fetched, maven.jarsFolder(part)), folder)
    await cp(join(fetched, maven.unzippedFolder(part)), folder, { recursive: true })
    // It names plugins that are not published, as optional ones; the server looks for them all the same.
    const descriptor = await readFile(join(folder, DESCRIPTOR), 'utf8')
    await writeFile(join(folder, DESCRIPTOR), descriptor.replace(/^extended\.plugins=.*$/m, 'extended.plugins='))
    await finish(folder)
  })
}

function whenMissing(name: string, source: Source, fill: (folder: string) => Promise<void>): Promise<string> {
  const announced = (folder: string) => {
    source.onProgress(`Putting ${name} together from Maven Central, into ${source.cache}`)
    return fill(folder)
  }
  const onWait = () => source.onProgress(`Waiting for another process that puts ${name} together`)
  return cached(source.cache, name, announced, onWait)
}

const DESCRIPTOR = 'plugin-descriptor.properties'
const POLICY = 'plugin-security.policy'
/** What modules may do under 2.x's security manager, and the transport under 3.x's agent. The policies that they are shipped with are not on Maven Central. */
const MODULE_POLICY = `grant {
  permission java.net.SocketPermission "*", "accept,connect,resolve,listen";
  permission java.io.FilePermission "/proc/sys/net/core/somaxconn", "read";
};
`

/** Lets the transport of a 3.x connect to other nodes: the agent denies it to a module without a policy. For a run's own home, not the cached one. */
export async function allowTransportToConnect(home: string): Promise<void> {
  const policy = join(home, 'modules/transport-netty4', POLICY)
  // A 2.x has it; it is a link to the cached one.
  await writeFile(policy, MODULE_POLICY, { flag: 'wx', mode: 0o644 }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  })
}

const FETCHED = 'fetched'

/** Fetches beside what is being put together, in the same file system: moving files out of it copies nothing. */
async function fetchInto(folder: string, parts: readonly maven.Part[], source: Source): Promise<string> {
  const fetched = join(folder, FETCHED)
  await fetchParts(source.findMaven(), parts, fetched, source.onProgress)
  return fetched
}

/** A jar that the server's `lib` already has must not come again in a module: the server calls it jar hell and ends. */
async function moveFiles(from: string, to: string, except: ReadonlySet<string> = new Set()): Promise<void> {
  await mkdir(to, { recursive: true })
  for (const name of await readdir(from)) {
    if (!except.has(name)) await rename(join(from, name), join(to, name))
  }
}

/** Whatever the umask was, the files have to be readable for the user nobody: runs of root's hard-link them. */
async function finish(folder: string): Promise<void> {
  await rm(join(folder, FETCHED), { recursive: true })
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644)
  }
}

function moduleDescriptor(version: string, { name, className }: maven.ServerModule): string {
  const lines = {
    name,
    description: name,
    version,
    classname: className,
    'java.version': '11',
    'opensearch.version': version,
    'extended.plugins': '',
    'has.native.controller': 'false',
  }
  return Object.entries(lines)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}
