import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

import { parseDocument } from 'yaml'
import type { core } from 'zod'

import { checkIdentities } from './check-identities.ts'
import { hasVariable, putInVariables } from './environment.ts'
import type { Env } from './environment.ts'
import { codeOf, readNamedFiles } from './named-files.ts'
import type { OnFile } from './named-files.ts'
import { ConfigError, problemsOf } from './problem.ts'
import type { ConfigProblem } from './problem.ts'
import { schema } from './schema.ts'
import type { ConfigFile } from './schema.ts'
import { at } from './walk.ts'

export interface Surroundings {
  /** `process.env`, handed in. */
  readonly env: Env
  /** Rules that other parts of the gateway know: run on what is valid otherwise. */
  readonly check: (config: ConfigFile) => readonly ConfigProblem[]
  /** Told of each file whose content is part of the configuration, by its absolute path; the content where it could be read. */
  readonly onFile?: OnFile
}

/**
 * Reads and checks a configuration file; nothing is used before all of it is valid.
 * @throws ConfigError with every problem
 */
export function loadConfig(path: string, surroundings: Surroundings): ConfigFile {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    surroundings.onFile?.(resolve(path), undefined)
    throw new ConfigError(path, [
      { path: '', message: `cannot be read (${codeOf(error)}); name a YAML file with --config` },
    ])
  }
  surroundings.onFile?.(resolve(path), text)
  return parseConfig(text, path, surroundings)
}

/** Like {@link loadConfig}, for a text whose relative paths start at the folder of `path`. */
export function parseConfig(text: string, path: string, { env, check, onFile }: Surroundings): ConfigFile {
  const written = parseYaml(text, path)
  const problems: ConfigProblem[] = []
  const folder = dirname(resolve(path))
  const parse = (typed: ReadonlySet<string>) =>
    schema.safeParse(
      readNamedFiles(putInVariables(written, env, problems, typed), folder, problems, onFile ?? (() => undefined)),
    )

  const first = parse(new Set())
  const typed = first.success ? [] : first.error.issues.flatMap((issue) => variableAt(issue, written))
  // What a variable holds is text: where that is refused it is read once more as a number, true or false.
  const parsed = typed.length === 0 ? first : parse(new Set(typed))
  if (!parsed.success) problems.push(...parsed.error.issues.flatMap((issue) => problemsOf(issue, written)))
  if (!parsed.success || problems.length > 0) throw new ConfigError(path, unique(problems))

  const late = [...checkIdentities(parsed.data), ...check(parsed.data)]
  if (late.length > 0) throw new ConfigError(path, late)
  return parsed.data
}

function parseYaml(text: string, path: string): unknown {
  const document = parseDocument(text)
  if (document.errors.length > 0) {
    throw new ConfigError(
      path,
      document.errors.map(({ message }) => ({
        path: '',
        message: `is not valid YAML: ${message.split('\n')[0] ?? ''}`,
      })),
    )
  }
  try {
    return document.toJS() ?? {}
  } catch {
    // The library's own message quotes the alias, and what looks like an alias may be a password that wants quotes.
    const message = 'holds an alias (*name) that has no anchor; put texts that begin with * in quotes'
    throw new ConfigError(path, [{ path: '', message }])
  }
}

/** The path of an issue where a variable stands. */
function variableAt(issue: core.$ZodIssue, written: unknown): readonly string[] {
  const { value, place } = at(written, issue.path)
  return hasVariable(value) ? [place.path] : []
}

/** What was read twice was found twice. */
function unique(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  const known = new Set<string>()
  return problems.filter(({ path, message }) => {
    const name = `${path}: ${message}`
    return !known.has(name) && known.add(name)
  })
}
