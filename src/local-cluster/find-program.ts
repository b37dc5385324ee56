import { execFile } from 'node:child_process'
import { accessSync, constants, globSync, realpathSync, statSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { LocalClusterError } from './local-cluster-error.ts'
import type { JavaRange } from './versions.ts'
import { isClosedToOthers } from './unprivileged.ts'

/** What of the machine the search sees; tests hand in folders of their own. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Glob patterns of Java homes, as JAVA_HOME would name them. */
  readonly javaFolders: readonly string[]
  /** Folders that may hold `mvn`. */
  readonly mavenFolders: readonly string[]
  /** The server will run as the user nobody, who must be able to reach its Java. */
  readonly forNobody: boolean
}

/** Where Java and Maven usually are on Linux and macOS, beside what the environment says. */
export function thisMachine(env: Machine['env'], home: string, forNobody: boolean): Machine {
  return {
    env,
    forNobody,
    javaFolders: [
      '/usr/lib/jvm/*',
      '/usr/java/*',
      '/opt/java/*',
      '/Library/Java/JavaVirtualMachines/*/Contents/Home',
      '/opt/homebrew/opt/openjdk*',
      '/usr/local/opt/openjdk*',
      `${home}/.sdkman/candidates/java/*`,
      `${home}/.jdks/*`,
      `${home}/.asdf/installs/java/*`,
      `${home}/.local/share/mise/installs/java/*`,
    ],
    mavenFolders: [
      '/usr/share/maven/bin',
      '/opt/maven/bin',
      '/opt/homebrew/bin',
      '/usr/local/bin',
      `${home}/.sdkman/candidates/maven/current/bin`,
    ],
  }
}

/** One place that was looked at, and the programs found there. */
interface Place {
  readonly name: string
  readonly programs: readonly string[]
}

/**
 * The path of a `java` in the given range: JAVA_HOME, then PATH, then the JVM folders, newest name first.
 * Throws LocalClusterError with every place looked at and the version of what was found there.
 */
export async function findJava(version: string, range: JavaRange, machine: Machine): Promise<string> {
  const report: string[] = []
  for (const { name, programs } of javaPlaces(machine)) {
    const found: string[] = []
    for (const program of programs) {
      const release = await javaRelease(program)
      const reason = release === undefined ? undefined : whyNot(program, release, range, machine)
      if (release !== undefined && reason === undefined) return program
      found.push(`${release === undefined ? 'no working java' : `java ${release}`} at ${program}${reason ?? ''}`)
    }
    report.push(`  ${name}: ${found.join(', ') || 'none'}`)
  }
  const wanted = range.below === undefined ? `${range.from} or newer` : `${range.from} to ${range.below - 1}`
  throw new LocalClusterError(
    `OpenSearch ${version} needs Java ${wanted}, and none was found. Looked at:\n${report.join('\n')}\n` +
      `Install one (Debian and Ubuntu: openjdk-21-jre-headless, macOS: brew install openjdk@21, others: https://adoptium.net), or set JAVA_HOME.`,
  )
}

/** The path of `mvn`. Throws LocalClusterError with every place looked at. */
export function findMaven({ env, mavenFolders }: Machine): string {
  const places: Place[] = [
    ...['MAVEN_HOME', 'M2_HOME'].map((name) => variable(name, env[name], 'bin/mvn')),
    onPath('mvn', env['PATH']),
    ...mavenFolders.map((folder) => ({ name: folder, programs: [join(folder, 'mvn')].filter(isProgram) })),
  ]
  const found = places.flatMap(({ programs }) => programs)[0]
  if (found !== undefined) return found
  throw new LocalClusterError(
    `Maven (mvn) is needed to fetch OpenSearch, and was not found. Looked at:\n` +
      `${places.map(({ name }) => `  ${name}: none`).join('\n')}\n` +
      `Install it (Debian and Ubuntu: maven, macOS: brew install maven, others: https://maven.apache.org/install.html), or set MAVEN_HOME.`,
  )
}

/** The environment to run Maven in: Maven is content with any Java, but looks for none outside of JAVA_HOME and PATH. */
export function mavenEnvironment({ env }: Machine, java: string): Machine['env'] {
  if (env['JAVA_HOME'] !== undefined || onPath('java', env['PATH']).programs.length > 0) return env
  return { ...env, JAVA_HOME: dirname(dirname(realpathSync(java))) }
}

function javaPlaces({ env, javaFolders }: Machine): Place[] {
  // Build machines list their JDKs as JAVA_HOME_21_X64 and the like.
  const numbered = Object.keys(env).filter((name) => /^JAVA_HOME_\d+_\w+$/.test(name))
  return [
    variable('JAVA_HOME', env['JAVA_HOME'], 'bin/java'),
    onPath('java', env['PATH']),
    ...numbered.map((name) => variable(name, env[name], 'bin/java')),
    ...javaFolders.map((pattern) => ({
      name: pattern,
      programs: globSync(`${pattern}/bin/java`)
        .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
        .filter(isProgram),
    })),
  ]
}

function variable(name: string, value: string | undefined, program: string): Place {
  if (value === undefined || value === '') return { name: `${name} (not set)`, programs: [] }
  return { name: `${name}=${value}`, programs: [join(value, program)].filter(isProgram) }
}

function onPath(program: string, path = ''): Place {
  const folders = path.split(delimiter).filter((folder) => folder !== '')
  return { name: 'PATH', programs: folders.map((folder) => join(folder, program)).filter(isProgram) }
}

function whyNot(program: string, release: number, range: JavaRange, machine: Machine): string | undefined {
  if (release < range.from) return ' (too old)'
  if (range.below !== undefined && release >= range.below) return ' (too new)'
  return machine.forNobody && isClosedToOthers(program)
    ? ' (closed to the user nobody, as whom it would run)'
    : undefined
}

/** The feature release that a `java` says it is (8, 17, 25); `undefined` when it does not run or says none, as the macOS stub does. */
async function javaRelease(program: string): Promise<number | undefined> {
  const { stderr } = await promisify(execFile)(program, ['-version'], { timeout: 30_000 }).catch(() => ({ stderr: '' }))
  const match = /version "(?:1\.)?(\d+)/.exec(stderr)
  return match === null ? undefined : Number(match[1])
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
