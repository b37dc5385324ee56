import type { ConfigProblem } from './problem.ts'
import { mapValues } from './walk.ts'

/** `process.env`, handed in. */
export type Env = Readonly<Record<string, string | undefined>>

const VARIABLE = /\$\{([^}]*?)(?::-([^}]*))?\}/g

/**
 * Puts environment variables in place of `${NAME}`, in every text of the tree; of `${NAME:-default}` the default where the variable is not set, or empty, as shells do.
 * @param typed paths where a number, `true` or `false` is wanted: a variable is always a text
 */
export function putInVariables(
  tree: unknown,
  env: Env,
  problems: ConfigProblem[],
  typed: ReadonlySet<string> = new Set(),
): unknown {
  return mapValues(tree, (value, { path }) => {
    if (!hasVariable(value)) return value
    const text = value.replaceAll(VARIABLE, (written, name: string, byDefault: string | undefined) => {
      const found = env[name]
      if (byDefault !== undefined) return found === undefined || found === '' ? byDefault : found
      if (found !== undefined) return found
      const message = `the environment variable ${name} is not set; set it, or write the value here`
      problems.push({ path, message })
      return written
    })
    return typed.has(path) ? typedValue(text) : text
  })
}

export function hasVariable(value: unknown): value is string {
  return typeof value === 'string' && value.search(VARIABLE) !== -1
}

function typedValue(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true'
  return /^-?\d{1,15}(?:\.\d{1,15})?$/.test(text) ? Number(text) : text
}
