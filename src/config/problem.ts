import type { core } from 'zod'

import { isSecret } from './file-settings.ts'
import { at } from './walk.ts'

/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  /** Where in the file, as in `auth.issuers[0].jwks`. */
  readonly path: string
  /** What is wrong, and what to do; never the value of a secret. */
  readonly message: string
}

/** All problems of a configuration at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly ConfigProblem[]

  constructor(source: string, problems: readonly ConfigProblem[]) {
    const lines = problems.map(({ path, message }) => `  ${path === '' ? '(file)' : path}: ${message}`)
    super(`${source} has ${String(problems.length)} problem${problems.length === 1 ? '' : 's'}:\n${lines.join('\n')}`)
    this.problems = problems
  }
}

/** What zod found, in the words of the file. @param written the file as it was written, before variables and files were put in */
export function problemsOf(issue: core.$ZodIssue, written: unknown): readonly ConfigProblem[] {
  const { value, place } = at(written, issue.path)
  const { path } = place
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: path === '' ? key : `${path}.${key}`,
        message: 'is not a setting; correct its spelling or remove it',
      }))
    case 'invalid_type': {
      const must = `must be ${article(issue.expected)}`
      if (value === undefined) return [{ path, message: `is missing; it ${must}` }]
      const isScalar = ['string', 'number', 'int', 'boolean'].includes(issue.expected)
      return [{ path, message: isScalar ? `${must}${shown(value, place.setting)}` : must }]
    }
    case 'invalid_value':
      return [{ path, message: `must be one of ${issue.values.map(String).join(', ')}${shown(value, place.setting)}` }]
    case 'invalid_union': {
      const expected =
        issue.discriminator !== undefined ? 'has no known kind; see config/gateway.yaml for the kinds' : issue.message
      const message =
        expected === 'Invalid input' ? 'has none of the accepted forms; see config/gateway.yaml' : expected
      return [{ path, message }]
    }
    default:
      return [{ path, message: `${issue.message}${shown(value, place.setting)}` }]
  }
}

const MAX_SHOWN = 60

/** The value as it was written, unless it may be a secret: of an address what stands before the @ is. */
function shown(value: unknown, setting: string): string {
  if (isSecret(setting) || !['string', 'number', 'boolean'].includes(typeof value)) return ''
  const text = JSON.stringify(value).replace(/\/\/.*@/, '//***@')
  return ` (is ${text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text})`
}

function article(type: string): string {
  if (type === 'int') return 'a whole number'
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`
}
