import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { findJava, findMaven, type Machine, mavenEnvironment } from '../../../src/local-cluster/find-program.ts'
import { LocalClusterError } from '../../../src/local-cluster/local-cluster-error.ts'
import { javaRangeFor } from '../../../src/local-cluster/versions.ts'

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'find-program-'))
  await chmod(root, 0o755)
})
afterEach(() => rm(root, { recursive: true }))

/** Makes `<root>/<home>/bin/java`, which says that it is of this version as the real one does: on standard error. */
async function fakeJava(home: string, version: string): Promise<string> {
  return fakeProgram(`${home}/bin/java`, `echo 'openjdk version "${version}" 2026-01-01' >&2`)
}

async function fakeProgram(path: string, script: string): Promise<string> {
  const program = join(root, path)
  await mkdir(join(program, '..'), { recursive: true })
  await writeFile(program, `#!/bin/sh\n${script}\n`)
  await chmod(program, 0o755)
  return program
}

const machine = (changes: Partial<Machine> = {}): Machine => ({
  env: {},
  javaFolders: [join(root, 'jvm/*')],
  mavenFolders: [],
  forNobody: false,
  ...changes,
})

const find = (version: string, on: Machine) => findJava(version, javaRangeFor(version), on)

async function messageOf(action: () => unknown): Promise<string> {
  try {
    await action()
  } catch (error) {
    expect(error).toBeInstanceOf(LocalClusterError)
    return (error as Error).message
  }
  throw new Error('It did not throw')
}

describe('findJava', () => {
  test('looks in JAVA_HOME, then on PATH, then in the JVM folders, and passes by what is too old', async () => {
    const home = await fakeJava('home', '21.0.4')
    const onPath = await fakeJava('path', '25')
    const inFolder = await fakeJava('jvm/temurin-22', '22.0.1')
    const old = await fakeJava('old', '17.0.15')
    const path = join(onPath, '..')
    const everything = machine({ env: { JAVA_HOME: join(home, '../..'), PATH: path } })
    expect(await find('3.4.0', everything)).toBe(home)
    expect(await find('3.4.0', machine({ env: { JAVA_HOME: join(old, '../..'), PATH: path } }))).toBe(onPath)
    expect(await find('3.4.0', machine({ env: { PATH: join(old, '..') } }))).toBe(inFolder)
  })

  test('takes the newest of a JVM folder that fits: by number, not by letter', async () => {
    await fakeJava('jvm/java-9', '9.0.4')
    const java21 = await fakeJava('jvm/java-21', '21')
    const java100 = await fakeJava('jvm/java-100', '100.0.1')
    expect(await find('3.4.0', machine())).toBe(java100)
    expect(await find('2.19.4', machine())).toBe(java21)
  })

  test('takes one that a build machine names', async () => {
    const java = await fakeJava('tools/21', '21.0.9')
    expect(await find('3.4.0', machine({ env: { JAVA_HOME_21_X64: join(root, 'tools/21') } }))).toBe(java)
  })

  test('says every place that it looked at, and what it found there', async () => {
    const old = await fakeJava('usr', '17.0.15')
    const ancient = await fakeJava('jvm/java-8', '1.8.0_492')
    const stub = await fakeProgram('jvm/java-0/bin/java', 'echo "Unable to locate a Java Runtime." >&2; exit 1')
    const message = await messageOf(() =>
      find('3.4.0', machine({ env: { JAVA_HOME: join(root, 'gone'), PATH: join(old, '..') } })),
    )
    expect(message.split('\n').slice(0, -1)).toEqual([
      'OpenSearch 3.4.0 needs Java 21 or newer, and none was found. Looked at:',
      `  JAVA_HOME=${join(root, 'gone')}: none`,
      `  PATH: java 17 at ${old} (too old)`,
      `  ${join(root, 'jvm/*')}: java 8 at ${ancient} (too old), no working java at ${stub}`,
    ])
    expect(message).toMatch(/Install one .* or set JAVA_HOME\.$/)
  })

  test('says when all there is is too new for the version', async () => {
    const java = await fakeJava('jvm/java-25', '25.0.1')
    const message = await messageOf(() => find('2.19.4', machine()))
    expect(message).toContain('OpenSearch 2.19.4 needs Java 11 to 23')
    expect(message).toContain(`java 25 at ${java} (too new)`)
  })

  test('passes by one that the user nobody cannot reach, when the server is to run as nobody', async () => {
    const java = await fakeJava('jvm/closed', '25')
    await chmod(join(root, 'jvm'), 0o700)
    expect(await find('3.4.0', machine({ forNobody: false }))).toBe(java)
    const message = await messageOf(() => find('3.4.0', machine({ forNobody: true })))
    expect(message).toContain(`java 25 at ${java} (closed to the user nobody, as whom it would run)`)
  })
})

describe('Maven', () => {
  test('is found by MAVEN_HOME before PATH, and else in the usual folders', async () => {
    const [home, path, usual] = [
      await fakeProgram('home/bin/mvn', ''),
      await fakeProgram('path/mvn', ''),
      await fakeProgram('usual/mvn', ''),
    ]
    const mavenFolders = [join(usual, '..')]
    const PATH = join(path, '..')
    expect(findMaven(machine({ env: { MAVEN_HOME: join(root, 'home'), PATH }, mavenFolders }))).toBe(home)
    expect(findMaven(machine({ env: { PATH }, mavenFolders }))).toBe(path)
    expect(findMaven(machine({ mavenFolders }))).toBe(usual)
  })

  test('is missed with every place that was looked at', async () => {
    const message = await messageOf(() => findMaven(machine({ env: { M2_HOME: '/gone' }, mavenFolders: ['/usual'] })))
    expect(message.split('\n').slice(0, -1)).toEqual([
      'Maven (mvn) is needed to fetch OpenSearch, and was not found. Looked at:',
      '  MAVEN_HOME (not set): none',
      '  M2_HOME=/gone: none',
      '  PATH: none',
      '  /usual: none',
    ])
  })

  test('runs with the Java that was found, but only where it would find none itself', async () => {
    const java = await fakeJava('jvm/java-25', '25')
    const home = join(root, 'jvm/java-25')
    expect(mavenEnvironment(machine({ env: { A: '1' } }), java)).toEqual({ A: '1', JAVA_HOME: home })
    const own = { JAVA_HOME: '/own' }
    expect(mavenEnvironment(machine({ env: own }), java)).toEqual(own)
    const onPath = { PATH: join(java, '..') }
    expect(mavenEnvironment(machine({ env: onPath }), java)).toEqual(onPath)
  })
})
