import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { accessSync, constants } from 'node:fs'
import { cp, readdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { cached, cacheFolder } from '../../src/local-cluster/cache.ts'

export const LANGUAGES = ['javascript', 'python', 'go', 'java'] as const
export type Language = (typeof LANGUAGES)[number]

/** A command line that runs a client's script. */
export type Script = readonly [program: string, ...args: string[]]

/**
 * Makes a language's script ready to run, its client fetched from the language's registry on first use and kept outside of the checkout.
 * Throws where the toolchain is missing, with the place to look.
 */
export function prepareClient(language: Language): Promise<Script> {
  return PREPARE[language]()
}

const PREPARE: Readonly<Record<Language, () => Promise<Script>>> = {
  javascript: () => Promise.resolve([process.execPath, sources('javascript', 'script.ts')]),
  async python() {
    return [join(await buildPython('python'), 'bin/python'), sources('python', 'script.py')]
  },
  async go() {
    const go = findProgram('go', 'Go 1.26 or newer (https://go.dev/dl)', ['/usr/local/go/bin'])
    const folder = await build('go', [], (target) =>
      run(go, ['build', '-C', sources('go'), '-trimpath', '-o', join(target, 'script'), '.']),
    )
    return [join(folder, 'script'), sources('ids.json')]
  },
  async java() {
    const maven = findProgram('mvn', 'Maven and a JDK of 17 or newer (Debian and Ubuntu: maven, default-jdk-headless)')
    const java = findProgram('java', 'Java 17 or newer (Debian and Ubuntu: default-jdk-headless)')
    const folder = await build('java', [], async (target) => {
      await cp(sources('java'), target, { recursive: true })
      const goals = ['package', 'dependency:copy-dependencies', '-DoutputDirectory=jars', '-DincludeScope=runtime']
      await run(maven, ['--batch-mode', '--quiet', '--strict-checksums', '--file', join(target, 'pom.xml'), ...goals])
    })
    return [
      java,
      '-cp',
      [join(folder, 'target/classes'), join(folder, 'jars/*')].join(delimiter),
      'Script',
      sources('ids.json'),
    ]
  },
}

/** schemathesis, which makes requests of an API description. */
export async function prepareSchemathesis(): Promise<Script> {
  // Its program in the environment names the folder in which that was made, before it was put into the cache.
  const start = 'from schemathesis.cli import schemathesis; schemathesis()'
  return [join(await buildPython('schemathesis'), 'bin/python'), '-c', start]
}

/** A virtual environment with the requirements of a folder. */
function buildPython(name: 'python' | 'schemathesis'): Promise<string> {
  const python = findProgram('python3', 'Python 3 with its module venv (Debian and Ubuntu: python3-venv)')
  return build(name, [python], async (target) => {
    await run(python, ['-m', 'venv', target])
    const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    await run(join(target, 'bin/python'), [...install, '--requirement', sources(name, 'requirements.txt')])
  })
}

const sources = (...path: string[]): string => fileURLToPath(new URL(path.join('/'), import.meta.url))

/** A folder in the cache that is named after all that it is made of. */
async function build(
  language: Language | 'schemathesis',
  more: string[],
  fill: (folder: string) => Promise<void>,
): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(more))
  for (const entry of (await readdir(sources(language), { recursive: true, withFileTypes: true })).sort(byPath)) {
    if (entry.isFile()) hash.update(entry.name).update(await readFile(join(entry.parentPath, entry.name)))
  }
  const name = `client-${language}-${hash.digest('hex').slice(0, 16)}`
  return cached(cacheFolder(process.env, homedir()), name, fill, () => undefined)
}

function byPath(a: { parentPath: string; name: string }, b: { parentPath: string; name: string }): number {
  return join(a.parentPath, a.name) < join(b.parentPath, b.name) ? -1 : 1
}

function findProgram(name: string, what: string, more: readonly string[] = []): string {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...more].filter((folder) => folder !== '')
  const found = folders.map((folder) => join(folder, name)).find(isProgram)
  if (found !== undefined) return found
  throw new Error(
    `${name} was not found on PATH: install ${what}, or leave this client out (npm run test:clients -- --only ...)`,
  )
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function run(program: string, args: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)(program, [...args])
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    throw new Error(`${program} ${args.join(' ')} failed:\n${stdout ?? ''}${stderr ?? ''}`, { cause: error })
  }
}
