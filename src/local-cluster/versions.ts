import { LocalClusterError } from './local-cluster-error.ts'

export const DEFAULT_VERSION = '3.4.0'

/** Releases of the security plugin on Maven Central, by the server's version. Source: its maven-metadata.xml, November 2026. */
const SECURITY_PLUGINS: ReadonlyMap<string, string> = new Map([
  ['3.4.0', '3.4.0.0'],
  ['2.19.4', '2.19.4.0'],
  ['2.19.3', '2.19.3.0'],
])

/** The Java releases that a server runs on; `below` is the first that it does not run on. */
export interface JavaRange {
  readonly from: number
  readonly below: number | undefined
}

/**
 * The server's version to start: what was asked for, else the default. Throws LocalClusterError for anything that is
 * not a plain release number of 2.19 or later: the string becomes part of a folder's name and of a Maven project.
 */
export function parseVersion(text: string | undefined): string {
  const version = text === undefined || text === '' ? DEFAULT_VERSION : text
  const parts = /^(\d{1,3})\.(\d{1,3})\.\d{1,3}$/.exec(version)
  const [major, minor] = [Number(parts?.[1]), Number(parts?.[2])]
  if (parts !== null && (major > 2 || (major === 2 && minor >= 19))) return version
  throw new LocalClusterError(
    `"${version}" is not a version of OpenSearch that can be started here: give a release from 2.19.0 on, such as ${DEFAULT_VERSION}`,
  )
}

/** The version of the security plugin for a server; `undefined` where Maven Central has none. */
export function securityPluginFor(version: string): string | undefined {
  return SECURITY_PLUGINS.get(version)
}

/** As securityPluginFor, but throws LocalClusterError with the versions that there are. */
export function requireSecurityPluginFor(version: string): string {
  const plugin = securityPluginFor(version)
  if (plugin !== undefined) return plugin
  throw new LocalClusterError(
    `OpenSearch ${version} can only be started without security: Maven Central has no security plugin for it. ` +
      `Versions with one: ${[...SECURITY_PLUGINS.keys()].join(', ')}`,
  )
}

/** 3.x needs Java 21. 2.x needs Java 11 and leans on the security manager, which Java 24 removed (JEP 486). */
export function javaRangeFor(version: string): JavaRange {
  return isBefore3(version) ? { from: 11, below: 24 } : { from: 21, below: undefined }
}

/** 2.x confines its plugins with Java's security manager, later versions with an agent of their own. */
export function isBefore3(version: string): boolean {
  return version.startsWith('2.')
}
