// `npm run test:clients -- [--only js,python,go,java]`: the official clients, directly and through the gateway; all four by default.
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

import { LANGUAGES } from './prepare-client.ts'
import type { Language } from './prepare-client.ts'

const { values } = parseArgs({ options: { only: { type: 'string' } } })
const languages = values.only === undefined ? LANGUAGES : values.only.split(',').map(language)

function language(name: string): Language {
  const found = LANGUAGES.find((known) => known === (name === 'js' ? 'javascript' : name))
  if (found === undefined) throw new Error(`--only takes a list of js, python, go and java; "${name}" is none of them`)
  return found
}

const jest = ['run', 'jest', '--', '--selectProjects=cluster', '--testPathPatterns=cluster/official-clients']
const { status } = spawnSync('npm', jest, {
  stdio: 'inherit',
  env: { ...process.env, TEST_CLIENTS: languages.join(',') },
})
process.exitCode = status ?? 1
