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

/** The text of opensearch.yml. JSON values are YAML values. Port 0: a free one, which `logs/http.ports` then tells. */
export function openSearchYaml(folders: RunFolders, port: number, more: Readonly<Record<string, unknown>>): string {
  const settings = {
    'cluster.name': 'memory-gateway-local',
    'node.name': 'local',
    'discovery.type': 'single-node',
    'network.host': '127.0.0.1',
    'http.port': port,
    'transport.port': 0,
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

/** The arguments of `java`. */
export function javaArguments(version: string, folders: RunFolders, heapMegabytes: number): string[] {
  const { home, config, temporary } = folders
  const confined = isBefore3(version)
    ? ['-Djava.security.manager=allow']
    : [`-javaagent:${join(home, 'agent', `opensearch-agent-${version}.jar`)}`, '--enable-native-access=ALL-UNNAMED']
  return [
    `-Xms${heapMegabytes}m`,
    `-Xmx${heapMegabytes}m`,
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
