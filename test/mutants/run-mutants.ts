import { spawnSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'

import { findChecks } from './find-checks.ts'
import type { Mutant } from './find-checks.ts'

// Switches off each check of the code in turn, runs the tests that need no cluster, and lists which of them turn red. A check whose absence no
// test notices is a failure. Usage: npm run test:mutants [-- <check>...]

const root = resolve(import.meta.dirname, '../..')
const workshop = join(root, '.mutants')

/** Which tests speak for the checks of a folder: the later ones are asked only where the earlier ones noticed nothing. */
const TESTS: Readonly<Record<string, readonly string[]>> = {
  'src/auth': ['test/unit/auth/token-attacks', 'test/unit/auth'],
  'src/cluster': ['test/unit/cluster'],
  'src/core/erasure': ['test/unit/core/erasure'],
  'src/core/asked-upgrade': ['test/unit/core/asked-upgrade'],
  'src/core/guard/upgrade': ['test/unit/core/guard/upgrade'],
  'src/core': ['test/unit/core'],
  'src/erasures': ['test/unit/erasures'],
  'src/forward': ['test/unit/forward'],
  'src/ops/audit': ['test/unit/ops/audit'],
  'src/watch-upgraded.ts': ['test/unit/watch-upgraded'],
}

interface JestResults {
  readonly numFailedTests: number
  readonly numRuntimeErrorTestSuites: number
  readonly testResults: readonly {
    readonly name: string
    readonly message: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

function runTests(suite: string): JestResults {
  const output = join(workshop, 'results.json')
  const jest = join(root, 'node_modules/jest/bin/jest.js')
  const options = ['--selectProjects=unit', '--testPathPatterns', suite, '--json', `--outputFile=${output}`, '--silent']
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning']
  spawnSync(process.execPath, [...flags, jest, ...options], {
    cwd: workshop,
    stdio: 'ignore',
  })
  return JSON.parse(readFileSync(output, 'utf8')) as JestResults
}

function redTests(results: JestResults): readonly string[] {
  return results.testResults.flatMap(({ name, message, assertionResults }) => {
    const failed = assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName)
    // A suite that does not even load is no evidence: the mutant was malformed.
    if (failed.length === 0 && assertionResults.length === 0) throw new Error(`${name} did not run: ${message}`)
    return failed
  })
}

function tryMutant(mutant: Mutant): readonly string[] {
  const copy = join(workshop, relative(root, mutant.file))
  const original = readFileSync(copy, 'utf8')
  writeFileSync(copy, mutant.source)
  try {
    const suites = Object.entries(TESTS).find(([source]) => relative(root, mutant.file).startsWith(source))?.[1]
    if (suites === undefined) throw new Error(`no tests are named for ${mutant.file}`)
    for (const suite of suites) {
      const red = redTests(runTests(suite))
      if (red.length > 0) return red
    }
    return []
  } finally {
    writeFileSync(copy, original)
  }
}

function main(wanted: readonly string[]): number {
  const mutants = globSync('src/**/*.ts', { cwd: root })
    .flatMap((file) => findChecks(join(root, file)))
    .filter(({ check }) => wanted.length === 0 || wanted.includes(check))
  rmSync(workshop, { recursive: true, force: true })
  mkdirSync(workshop)
  // Tests read the documents and settings, too: without them they are red whatever the code does.
  for (const part of [
    'src',
    'test',
    'docs',
    'config',
    'README.md',
    'package.json',
    'jest.config.js',
    'tsconfig.json',
  ]) {
    cpSync(join(root, part), join(workshop, part), { recursive: true })
  }
  let survivors = 0
  try {
    for (const mutant of mutants) {
      const red = tryMutant(mutant)
      if (red.length === 0) survivors += 1
      const attacks = red.slice(0, 3).map((name) => `\n      ${name}`)
      const more = red.length > 3 ? `\n      and ${String(red.length - 3)} more` : ''
      const where = `${relative(root, mutant.file)}:${String(mutant.line)}`
      process.stdout.write(
        `${red.length > 0 ? 'red  ' : 'GREEN'} ${mutant.check} (${where})${attacks.join('')}${more}\n`,
      )
    }
  } finally {
    rmSync(workshop, { recursive: true, force: true })
  }
  process.stdout.write(`${String(mutants.length - survivors)} passed, ${String(survivors)} failed\n`)
  return survivors === 0 && mutants.length > 0 ? 0 : 1
}

process.exitCode = main(process.argv.slice(2))
