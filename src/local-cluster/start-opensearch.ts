import { copyFile, cp, readFile, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { cacheFolder } from './cache.ts'
import { makeCertificates } from './certificates.ts'
import { findJava, findMaven, thisMachine } from './find-program.ts'
import { LocalClusterError } from './local-cluster-error.ts'
import { isReady, listeningPort, type Probe, waitFor } from './readiness.ts'
import { handOver, linkTree, makeRunFolders } from './run-folder.ts'
import type { OnProgress } from './run-maven.ts'
import { ADMIN_USER, type JwtOptions, securityFiles, securitySettings } from './security-configuration.ts'
import { securityPluginFiles, serverFiles } from './server-home.ts'
import { lastLines, type ServerProcess, startProcess } from './server-process.ts'
import { javaArguments, LOG4J_PROPERTIES, openSearchYaml, type RunFolders } from './server-settings.ts'
import { nobodyWhenRoot } from './unprivileged.ts'
import { javaRangeFor, parseVersion, requireSecurityPluginFor } from './versions.ts'

export interface OpenSearchOptions {
  /** With the security plugin: TLS, users, protected system indices. Default false. */
  readonly secured?: boolean
  /** HTTP port on 127.0.0.1; default a free one. */
  readonly port?: number
  /** Default: the environment's OPENSEARCH_VERSION, else 3.4.0. */
  readonly version?: string
  /** Java heap in MiB; default 512. The process takes about 300 MiB more. */
  readonly heapMegabytes?: number
  readonly onProgress?: OnProgress
  /** Makes a secured cluster accept bearer tokens too. */
  readonly jwt?: JwtOptions
}

/** How to get into a secured cluster. All paths are of PEM files that go away with the cluster. */
export interface SecuredAccess {
  readonly ca: string
  /** The super admin's certificate: the only identity that may touch system indices. */
  readonly adminCert: string
  readonly adminKey: string
  /** A certificate of the same authority that gives no rights. */
  readonly clientCert: string
  readonly clientKey: string
  /** A user with the role all_access, for whom system indices are masked all the same. */
  readonly adminUser: { readonly username: string; readonly password: string }
}

export interface RunningOpenSearch {
  readonly url: string
  readonly version: string
  readonly pid: number
  readonly secured: SecuredAccess | undefined
  /** Path of what the server logs; goes away with the cluster. */
  readonly log: string
  /** Ends the server and removes all its files. May be called again. */
  stop(): Promise<void>
}

const READY_WITHIN_MS = 180_000

/**
 * Starts a real OpenSearch of one node on 127.0.0.1, fetched from Maven Central on first use, and resolves when it
 * answers. Throws LocalClusterError when Java, Maven, or the version asked for cannot be had, or the server does not come up.
 */
export async function startOpenSearch(options: OpenSearchOptions = {}): Promise<RunningOpenSearch> {
  const version = parseVersion(options.version ?? process.env['OPENSEARCH_VERSION'])
  const plugin = options.secured === true ? requireSecurityPluginFor(version) : undefined
  const onProgress = options.onProgress ?? (() => undefined)
  const nobody = nobodyWhenRoot()
  const machine = thisMachine(process.env, homedir(), nobody !== undefined)
  const java = await findJava(version, javaRangeFor(version), machine)
  const source = { cache: cacheFolder(process.env, homedir()), findMaven: () => findMaven(machine), onProgress }
  const server = await serverFiles(version, source)
  const pluginFiles = plugin === undefined ? undefined : await securityPluginFiles(plugin, source)

  onProgress(`Starting OpenSearch ${version}${plugin === undefined ? '' : ' with security'}`)
  const folders = await makeRunFolders(nobody)
  await linkTree(server, folders.home)
  const secured = pluginFiles === undefined ? undefined : await secure(folders, pluginFiles, options.jwt)
  const settings = secured === undefined ? {} : securitySettings()
  await writeFile(join(folders.config, 'opensearch.yml'), openSearchYaml(folders, options.port ?? 0, settings))
  await writeFile(join(folders.config, 'log4j2.properties'), LOG4J_PROPERTIES)
  await handOver(folders, nobody)

  const log = join(folders.root, 'server.log')
  const started = await startProcess(java, javaArguments(version, folders, options.heapMegabytes ?? 512), {
    nobody,
    log,
    folder: folders.root,
    temporary: folders.temporary,
  })
  try {
    const url = await whenReady(started, folders, log, secured)
    return { url, version, pid: started.pid, secured, log, stop: () => started.stop() }
  } catch (error) {
    await started.stop()
    throw error
  }
}

/** Puts the plugin in, makes certificates, and writes the plugin's configuration. */
async function secure(folders: RunFolders, plugin: string, jwt: JwtOptions | undefined): Promise<SecuredAccess> {
  await linkTree(plugin, join(folders.home, 'plugins/opensearch-security'))
  const configuration = join(folders.config, 'opensearch-security')
  // Copied, not linked: these files are changed, and given to another user.
  await cp(join(plugin, 'config'), configuration, { recursive: true })
  for (const [name, text] of securityFiles(jwt)) await writeFile(join(configuration, name), text)
  const { ca, node, admin, client } = await makeCertificates(folders.credentials)
  await copyFile(ca, join(folders.config, 'ca.pem'))
  await copyFile(node.cert, join(folders.config, 'node.pem'))
  await copyFile(node.key, join(folders.config, 'node-key.pem'))
  return {
    ca,
    adminCert: admin.cert,
    adminKey: admin.key,
    clientCert: client.cert,
    clientKey: client.key,
    adminUser: ADMIN_USER,
  }
}

/** The server's URL once it answers. Throws LocalClusterError with the end of its log when it ends, or takes too long. */
async function whenReady(
  server: ServerProcess,
  folders: RunFolders,
  log: string,
  secured: SecuredAccess | undefined,
): Promise<string> {
  const probe: Probe | undefined =
    secured === undefined ? undefined : { ca: await readFile(secured.ca, 'utf8'), user: secured.adminUser }
  const giveUp = new AbortController()
  const timer = setTimeout(() => giveUp.abort(), READY_WITHIN_MS)
  void server.ended.then(() => giveUp.abort())
  try {
    const port = await waitFor(() => listeningPort(join(folders.logs, 'http.ports')), giveUp.signal)
    const url = `${secured === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
    await waitFor(() => isReady(url, probe), giveUp.signal)
    return url
  } catch {
    const how = server.hasEnded() ? await server.ended : `did not become ready in ${READY_WITHIN_MS / 1000} s`
    throw new LocalClusterError(`OpenSearch ${how}. The end of its log:\n${lastLines(log)}`)
  } finally {
    clearTimeout(timer)
  }
}
