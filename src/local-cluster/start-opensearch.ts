import { copyFile, cp, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { cacheFolder } from './cache.ts'
import { makeCertificates } from './certificates.ts'
import { findJava, findMaven, mavenEnvironment, thisMachine } from './find-program.ts'
import { LocalClusterError } from './local-cluster-error.ts'
import { isReady, listeningPort, type Probe, waitFor } from './readiness.ts'
import { requireFreePort } from './free-port.ts'
import { handOver, linkTree, makeRunFolders } from './run-folder.ts'
import type { OnProgress } from '../progress.ts'
import { ADMIN_USER, type JwtOptions, securityFiles, securitySettings } from './security-configuration.ts'
import { allowTransportToConnect, securityPluginFiles, serverFiles } from './server-home.ts'
import { lastLines, type ServerProcess, startProcess } from './server-process.ts'
import {
  javaArguments,
  LOG4J_PROPERTIES,
  type Membership,
  membershipSettings,
  openSearchYaml,
  type Ports,
  type RunFolders,
} from './server-settings.ts'
import { type Nobody, nobodyWhenRoot } from './unprivileged.ts'
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
  /** It runs for minutes: what pays off only later is left out, which halves the CPU time of its first minute. Default false. */
  readonly isShortLived?: boolean
  readonly onProgress?: OnProgress
  /** More of opensearch.yml, by name. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** Makes a secured cluster accept bearer tokens too. */
  readonly jwt?: JwtOptions
  /** Default `alone`: a cluster of one node. Of several nodes `first` is started first; the others join its `transport`, secured ones with its `credentials`. */
  readonly membership?: Membership
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
  /** Where other nodes reach it, as in `127.0.0.1:41234`. */
  readonly transport: string
  readonly version: string
  /** Of the process that runs at the moment. */
  readonly pid: number
  readonly secured: SecuredAccess | undefined
  /** Path of what the server logs; goes away with the cluster. */
  readonly log: string
  /** Kills the server as it stands (SIGKILL), and starts it again on its data and its ports. Resolves when it answers. */
  restart(): Promise<void>
  /** Ends the server and removes all its files. May be called again. */
  stop(): Promise<void>
}

const READY_WITHIN_MS = 180_000

/**
 * Starts one node of a real OpenSearch on 127.0.0.1, fetched from Maven Central on first use, and resolves when it
 * answers. Throws LocalClusterError when Java, Maven, or the version asked for cannot be had, or the server does not come up.
 * Not for worker threads: see startProcess.
 */
export async function startOpenSearch(options: OpenSearchOptions = {}): Promise<RunningOpenSearch> {
  const version = parseVersion(options.version ?? process.env['OPENSEARCH_VERSION'])
  const membership = options.membership ?? 'alone'
  const authorityIn = typeof membership === 'object' ? membership.credentials : undefined
  const plugin = options.secured === true ? requireSecurityPluginFor(version) : undefined
  const port = options.port ?? 0
  if (port !== 0) await requireFreePort(port)
  const nobody = nobodyWhenRoot()
  const onProgress = options.onProgress ?? (() => undefined)
  const found = await findServer(version, plugin, nobody, onProgress)
  onProgress(`Starting OpenSearch ${version}${plugin === undefined ? '' : ' with security'}`)

  const folders = await makeRunFolders(nobody)
  try {
    await linkTree(found.server, folders.home)
    if (membership !== 'alone') await allowTransportToConnect(folders.home)
    const secured =
      found.plugin === undefined ? undefined : await secure(folders, found.plugin, { jwt: options.jwt, authorityIn })
    const more = {
      ...membershipSettings(membership),
      ...(secured === undefined ? {} : securitySettings()),
      ...options.settings,
    }
    const writeSettings = (ports: Ports): Promise<void> =>
      writeFile(join(folders.config, 'opensearch.yml'), openSearchYaml(folders, ports, more))
    await writeSettings({ http: port, transport: 0 })
    await writeFile(join(folders.config, 'log4j2.properties'), LOG4J_PROPERTIES)
    await handOver(folders, nobody)
    const java = { heapMegabytes: options.heapMegabytes ?? 512, isShortLived: options.isShortLived ?? false }
    const args = javaArguments(version, folders, java)
    let server = await startProcess(found.java, args, folders, nobody)
    const url = await whenReady(server, folders, secured)
    const ports = {
      http: Number(new URL(url).port),
      // Written before the other ports, which whenReady has read.
      transport: (await listeningPort(join(folders.logs, 'transport.ports'))) ?? 0,
    }
    return {
      url,
      transport: `127.0.0.1:${String(ports.transport)}`,
      version,
      get pid() {
        return server.pid
      },
      secured,
      log: folders.log,
      async restart() {
        await server.kill()
        await writeSettings(ports)
        server = await startProcess(found.java, args, folders, nobody)
        await whenReady(server, folders, secured)
      },
      stop: () => server.stop(),
    }
  } catch (error) {
    await rm(folders.root, { recursive: true, force: true })
    throw error
  }
}

interface FoundServer {
  readonly java: string
  readonly server: string
  readonly plugin: string | undefined
}

/** The Java to run with and the folders to run, fetched when they are not in the cache. */
async function findServer(
  version: string,
  plugin: string | undefined,
  nobody: Nobody | undefined,
  onProgress: OnProgress,
): Promise<FoundServer> {
  const machine = thisMachine(process.env, homedir(), nobody !== undefined)
  // First of all, so that nobody waits for a download that is of no use.
  const java = await findJava(version, javaRangeFor(version), machine)
  const maven = () => ({ program: findMaven(machine), env: mavenEnvironment(machine, java) })
  const source = { cache: cacheFolder(process.env, homedir()), findMaven: maven, onProgress }
  return {
    java,
    server: await serverFiles(version, source),
    plugin: plugin === undefined ? undefined : await securityPluginFiles(plugin, source),
  }
}

/** Puts the plugin in, makes certificates, and writes the plugin's configuration. */
async function secure(
  folders: RunFolders,
  plugin: string,
  { jwt, authorityIn }: { readonly jwt: JwtOptions | undefined; readonly authorityIn: string | undefined },
): Promise<SecuredAccess> {
  await linkTree(plugin, join(folders.home, 'plugins/opensearch-security'))
  const configuration = join(folders.config, 'opensearch-security')
  // Copied, not linked: these files are changed, and given to another user.
  await cp(join(plugin, 'config'), configuration, { recursive: true })
  for (const [name, text] of securityFiles(jwt)) await writeFile(join(configuration, name), text)
  const { ca, node, admin, client } = await makeCertificates(folders.credentials, authorityIn)
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
    const message = `OpenSearch ${how}. The end of its log:\n${lastLines(folders.log)}`
    await server.stop()
    throw new LocalClusterError(message)
  } finally {
    clearTimeout(timer)
  }
}
