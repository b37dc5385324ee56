import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

import { parseDocument } from 'yaml'
import type { core } from 'zod'

import { checkIdentities } from './check-identities.ts'
import { schema } from './schema.ts'
import type { ConfigFile } from './schema.ts'

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

interface Surroundings {
  /** `process.env`, handed in. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Rules that other parts of the gateway know: run on what is valid otherwise. */
  readonly check: (config: ConfigFile) => readonly ConfigProblem[]
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
    throw new ConfigError(path, [
      { path: '', message: `cannot be read (${codeOf(error)}); name a YAML file with --config` },
    ])
  }
  return parseConfig(text, path, surroundings)
}

/** Like {@link loadConfig}, for a text whose relative paths start at the folder of `path`. */
export function parseConfig(text: string, path: string, { env, check }: Surroundings): ConfigFile {
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
  const problems: ConfigProblem[] = []
  const filled = fillIn(toPlain(document, path), '', env, problems)
  const parsed = schema.safeParse(filled ?? {})
  if (!parsed.success) problems.push(...parsed.error.issues.flatMap(problemsOf))
  if (!parsed.success || problems.length > 0) throw new ConfigError(path, problems)

  const config = resolveFiles(parsed.data, dirname(resolve(path)), problems)
  problems.push(...(problems.length === 0 ? [...checkIdentities(config), ...check(config)] : []))
  if (problems.length > 0) throw new ConfigError(path, problems)
  return config
}

/** The library's own message about an alias quotes it, and what looks like an alias may be a password that wants quotes. */
function toPlain(document: { toJS(): unknown }, path: string): unknown {
  try {
    return document.toJS()
  } catch {
    const message = 'holds an alias (*name) that has no anchor; put texts that begin with * in quotes'
    throw new ConfigError(path, [{ path: '', message }])
  }
}

/** Puts environment variables in place of `${NAME}`, in every text of the file. */
function fillIn(value: unknown, path: string, env: Surroundings['env'], problems: ConfigProblem[]): unknown {
  if (typeof value === 'string') {
    return value.replaceAll(/\$\{([^}]*)\}/g, (text, name: string) => {
      const found = env[name]
      if (found !== undefined) return found
      problems.push({ path, message: `the environment variable ${name} is not set; set it, or write the value here` })
      return text
    })
  }
  if (Array.isArray(value))
    return value.map((item, position) => fillIn(item, `${path}[${String(position)}]`, env, problems))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      fillIn(item, path === '' ? key : `${path}.${key}`, env, problems),
    ]),
  )
}

function problemsOf(issue: core.$ZodIssue): ConfigProblem[] {
  const path = pathOf(issue.path)
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: path === '' ? key : `${path}.${key}`,
        message: 'is not a setting; correct its spelling or remove it',
      }))
    case 'invalid_type':
      return [{ path, message: `must be ${article(issue.expected)}` }]
    case 'invalid_value':
      return [{ path, message: `must be one of ${issue.values.map(String).join(', ')}` }]
    case 'invalid_union': {
      const expected =
        issue.discriminator !== undefined ? 'has no known kind; see config/gateway.yaml for the kinds' : issue.message
      return [
        {
          path,
          message: expected === 'Invalid input' ? 'has none of the accepted forms; see config/gateway.yaml' : expected,
        },
      ]
    }
    default:
      return [{ path, message: issue.message }]
  }
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unreadable'
}

function article(type: string): string {
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`
}

function pathOf(parts: readonly PropertyKey[]): string {
  return parts.reduce<string>((path, part) => {
    if (typeof part === 'number') return `${path}[${String(part)}]`
    return path === '' ? String(part) : `${path}.${String(part)}`
  }, '')
}

/** Puts the contents of files in place of their names: PEM files, and secrets written as `file:PATH`. Other paths become absolute. */
function resolveFiles(config: ConfigFile, folder: string, problems: ConfigProblem[]): ConfigFile {
  const contents = (name: string, path: string): string => {
    try {
      return readFileSync(resolve(folder, name), 'utf8')
    } catch (error) {
      problems.push({
        path,
        message: `the file ${resolve(folder, name)} cannot be read (${codeOf(error)}); give its path relative to this file`,
      })
      return ''
    }
  }
  const secret = (value: string, path: string): string =>
    value.startsWith('file:') ? contents(value.slice('file:'.length), path).trimEnd() : value

  const clusters = Object.entries(config.clusters).map(([name, cluster]) => {
    const at = `clusters.${name}`
    const { ca } = cluster.tls
    const tls = ca === undefined ? {} : { ca: contents(ca, `${at}.tls.ca`) }
    return [
      name,
      {
        ...cluster,
        tls,
        service: resolveService(cluster.service, `${at}.service`, folder, contents, secret),
        passThrough: resolvePair(cluster.passThrough, `${at}.passThrough`, contents),
      },
    ] as const
  })
  const issuers = config.auth.issuers.map((issuer, position) => {
    const at = `auth.issuers[${String(position)}]`
    const { ca, diskPath } = issuer.keySet
    return {
      ...issuer,
      ...(issuer.jwks !== undefined && 'file' in issuer.jwks
        ? { jwks: { file: resolve(folder, issuer.jwks.file) } }
        : {}),
      ...(issuer.secret === undefined ? {} : { secret: secret(issuer.secret, `${at}.secret`) }),
      keySet: {
        ...issuer.keySet,
        ...(ca === undefined ? {} : { ca: contents(ca, `${at}.keySet.ca`) }),
        ...(diskPath === undefined ? {} : { diskPath: resolve(folder, diskPath) }),
      },
    }
  })
  const sharedState = resolveSharedState(config.sharedState, contents, secret)
  const { token } = config.ops
  const opsToken = token === undefined ? undefined : secret(token, 'ops.token')
  if (opsToken !== undefined && !/^[\x21-\x7e]{16,}$/.test(opsToken)) {
    problems.push({ path: 'ops.token', message: 'must be 16 or more visible ASCII characters, without spaces' })
  }
  const ops = { ...config.ops, ...(opsToken === undefined ? {} : { token: opsToken }) }
  return {
    ...config,
    ops,
    sharedState,
    listen: resolveListen(config.listen, folder),
    auth: { ...config.auth, issuers },
    clusters: Object.fromEntries(clusters),
  }
}

/** The pair stays two paths: the server reads it anew when it is renewed. */
function resolveListen(listen: ConfigFile['listen'], folder: string): ConfigFile['listen'] {
  const { tls } = listen
  if (tls === undefined) return listen
  return { ...listen, tls: { ...tls, cert: resolve(folder, tls.cert), key: resolve(folder, tls.key) } }
}

type Service = ConfigFile['clusters'][string]['service']
type Read = (value: string, path: string) => string

function resolveSharedState(sharedState: SharedState, contents: Read, secret: Read): SharedState {
  const { password, tls } = sharedState
  const files = Object.entries(tls ?? {}).flatMap(([name, file]) =>
    file === undefined ? [] : [[name, contents(file, `sharedState.tls.${name}`)] as const],
  )
  return {
    ...sharedState,
    ...(password === undefined ? {} : { password: secret(password, 'sharedState.password') }),
    ...(tls === undefined ? {} : { tls: Object.fromEntries(files) }),
  }
}

type SharedState = ConfigFile['sharedState']
type PassThrough = ConfigFile['clusters'][string]['passThrough']

function resolvePair(passThrough: PassThrough, at: string, contents: Read): PassThrough {
  const { cert, key } = passThrough
  return {
    ...passThrough,
    ...(cert === undefined ? {} : { cert: contents(cert, `${at}.cert`) }),
    ...(key === undefined ? {} : { key: contents(key, `${at}.key`) }),
  }
}

function resolveService(service: Service, at: string, folder: string, contents: Read, secret: Read): Service {
  switch (service.kind) {
    case 'none':
      return service
    case 'basic':
      return { ...service, password: secret(service.password, `${at}.password`) }
    case 'bearer':
      if (!service.token.startsWith('file:')) return service
      // Stays a file: its token is renewed while the gateway runs.
      contents(service.token.slice('file:'.length), `${at}.token`)
      return { ...service, token: `file:${resolve(folder, service.token.slice('file:'.length))}` }
    case 'clientCertificate':
      return { ...service, cert: contents(service.cert, `${at}.cert`), key: contents(service.key, `${at}.key`) }
  }
}
