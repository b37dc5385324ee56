import { join } from 'node:path'
import { isBefore3 } from './versions.ts'

/** The folders of one run of a server: all temporary, all its own. */
export interface RunFolders {
  readonly root: string
  /** What the server calls its home: `lib`, `modules`, `plugins`, `agent`. */
  readonly home: string
  readonly config: string
  readonly data: string
  readonly logs: string
  readonly temporary: string
  /** Certificates and keys for callers; not readable for the server. */
  readonly credentials: string
  /** The file of all that the server writes to its standard output and error. */
  readonly log: string
}

export function runFolders(root: string): RunFolders {
  const folder = (name: string) => join(root, name)
  return {
    root,
    home: folder('home'),
    config: folder('config'),
    data: folder('data'),
    logs: folder('logs'),
    temporary: folder('tmp'),
    credentials: folder('credentials'),
    log: folder('server.log'),
  }
}

/** A node alone, the first of several, or a data node that joins the first at its transport address. */
export type Membership = 'alone' | 'first' | Joining

interface Joining {
  readonly name: string
  readonly joins: string
  /** Of a secured cluster: the folder of the first node's certificates, since nodes believe those of their own authority only. */
  readonly credentials?: string
}

/** The first stays the only cluster manager: the cluster outlives any other node, and no vote is needed when one is killed. */
export function membershipSettings(membership: Membership): Record<string, unknown> {
  if (membership === 'alone') return { 'node.name': 'local', 'discovery.type': 'single-node' }
  if (membership === 'first') {
    return {
      'node.name': 'local',
      'cluster.initial_cluster_manager_nodes': ['local'],
      // By default a node looks for others on the usual ports, where there may be somebody else's.
      'discovery.seed_hosts': [],
    }
  }
  const { name, joins } = membership
  return { 'node.name': name, 'node.roles': ['data', 'ingest'], 'discovery.seed_hosts': [joins] }
}

export interface Ports {
  readonly http: number
  readonly transport: number
}

/** The text of opensearch.yml. JSON values are YAML values. Port 0: a free one, which `logs/*.ports` then tell. */
export function openSearchYaml(folders: RunFolders, ports: Ports, more: Readonly<Record<string, unknown>>): string {
  const settings = {
    'cluster.name': 'memory-gateway-local',
    'network.host': '127.0.0.1',
    'http.port': ports.http,
    'transport.port': ports.transport,
    'node.portsfile': true,
    'path.data': folders.data,
    'path.logs': folders.logs,
    // On a full disk the server would refuse to make indices: this one's are gone in a moment.
    'cluster.routing.allocation.disk.threshold_enabled': false,
    ...more,
  }
  return Object.entries(settings)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
    .join('')
}

/** All to standard output, which the run keeps as its log file. */
export const LOG4J_PROPERTIES = `status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
`

export interface JavaOptions {
  readonly heapMegabytes: number
  /** Compiled quickly rather than well. */
  readonly isShortLived: boolean
}

/** The arguments of `java`. */
export function javaArguments(
  version: string,
  folders: RunFolders,
  { heapMegabytes, isShortLived }: JavaOptions,
): string[] {
  const { home, config, temporary } = folders
  const confined = isBefore3(version)
    ? ['-Djava.security.manager=allow']
    : [`-javaagent:${join(home, 'agent', `opensearch-agent-${version}.jar`)}`, '--enable-native-access=ALL-UNNAMED']
  return [
    `-Xms${heapMegabytes}m`,
    `-Xmx${heapMegabytes}m`,
    ...(isShortLived ? ['-XX:TieredStopAtLevel=1'] : []),
    // Under G1 alone does the server collect before it answers 429 for want of memory; a small heap has no use for its threads.
    ...(isShortLived && heapMegabytes < 1_024 ? ['-XX:+UseSerialGC'] : []),
    '-XX:+ExitOnOutOfMemoryError',
    // Its file in /tmp/hsperfdata_<user> would outlive a killed server.
    '-XX:-UsePerfData',
    `-XX:ErrorFile=${join(temporary, 'hs_err.log')}`,
    `-Djava.io.tmpdir=${temporary}`,
    `-Dopensearch.path.home=${home}`,
    `-Dopensearch.path.conf=${config}`,
    '-Dopensearch.distribution.type=tar',
    '-Dlog4j2.disable.jmx=true',
    '-Dlog4j.shutdownHookEnabled=false',
    '-Dfile.encoding=UTF-8',
    ...confined,
    '-cp',
    join(home, 'lib', '*'),
    'org.opensearch.bootstrap.OpenSearch',
  ]
}
