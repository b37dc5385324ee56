import { readFileSync } from 'node:fs'

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import closeWithGrace from 'close-with-grace'

import { auditCommand } from './audit-commands.ts'
import { openLocalIssuer } from './auth/local-issuer.ts'
import { configJsonSchema } from './config/json-schema.ts'
import { loadConfig } from './config/load.ts'
import { ConfigError } from './config/problem.ts'
import { parseDuration } from './config/scalars.ts'
import type { ConfigFile } from './config/schema.ts'
import { openConfigSource } from './config/source.ts'
import { exitCodeOf, wordExplanation } from './core/explain.ts'
import { SCOPES } from './core/principal.ts'
import { doctorCommand } from './doctor/command.ts'
import { createLog } from './ops/log.ts'
import { receiptCommand } from './receipt-commands.ts'
import { checkConfig } from './check-config.ts'
import { explainOnce, startGateway } from './server.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Runs one command line. @returns the exit code: 0 done, 1 it failed, 2 the command line or the configuration is wrong, 3 explained as refused; doctor has its own */
export async function runCommand(argv: readonly string[], env: Env): Promise<number> {
  try {
    let exitCode = 0
    await createProgram(env, (code) => (exitCode = code)).parseAsync([...argv])
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return error instanceof ConfigError ? 2 : 1
  }
}

function createProgram(env: Env, exit: (code: number) => void): Command {
  const program = new Command('memory-gateway')
    .description(
      'Checks the caller before a memory is deleted from OpenSearch, and answers OpenSearch and MemoryPlugin callers alike.',
    )
    .version(readVersion(), '--version', 'print the version')
    .exitOverride()
  program.addHelpText(
    'after',
    '\nExit codes: 0 done, 1 it failed, 2 bad command line or configuration; explain and doctor have more, see their --help\n' +
      '\nExample:\n  memory-gateway demo --once',
  )
  program.addCommand(startCommand(env))
  program.addCommand(checkCommand(env))
  program.addCommand(explainCommand(env, exit))
  program.addCommand(doctorCommand((path) => readConfig(path, env), exit))
  program.addCommand(auditCommand(exit))
  program.addCommand(receiptCommand(readStdin, exit))
  program.addCommand(schemaCommand())
  program.addCommand(tokenCommand(env))
  program.addCommand(demoCommand())
  return program
}

/** Of package.json, which lies beside dist/ as it does beside src/. */
function readVersion(): string {
  return (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version
}

function startCommand(env: Env): Command {
  return new Command('start')
    .description('Start the gateway in front of a cluster.')
    .requiredOption('--config <file>', 'the YAML configuration; config/gateway.yaml is one with comments')
    .addHelpText('after', '\nExample:\n  memory-gateway start --config gateway.yaml')
    .exitOverride()
    .action(async ({ config: path }: { config: string }) => {
      const source = openConfigSource(path, { env, check: checkConfig })
      const config = source.read()
      const log = createLog(config.log.level)
      const gateway = await startGateway(config, log, source)
      // Of a rotation of logs too: its files are opened anew.
      process.on('SIGHUP', () => {
        gateway.reopen()
        void gateway.reload('signal')
      })
      // The first line says that the gateway is ready, and where; port 0 takes a free one.
      process.stdout.write(`${JSON.stringify({ msg: 'listening', url: gateway.url, opsUrl: gateway.opsUrl })}\n`)
      const delay = config.limits.drainDelay + config.limits.drain + 5_000
      closeWithGrace({ delay, logger: false, skip: ['SIGHUP'] }, async ({ err }) => {
        if (err !== undefined) log.failure('process', err)
        await gateway.close()
      })
    })
}

function checkCommand(env: Env): Command {
  return new Command('check')
    .description('Check a configuration: exit code 0 when it is good, 2 with every problem listed when it is not.')
    .requiredOption('--config <file>', 'the YAML configuration')
    .addHelpText(
      'after',
      '\nFiles and environment variables that it names are looked at too; nothing is connected to (see doctor).\n' +
        '\nExit codes: 0 it is good, 2 it is not, or cannot be read\n' +
        '\nExample:\n  memory-gateway check --config gateway.yaml',
    )
    .exitOverride()
    .action(({ config: path }: { config: string }) => {
      readConfig(path, env)
      process.stdout.write(`${path} is good\n`)
    })
}

interface ExplainOptions {
  readonly config: string
  readonly json?: true
  readonly idempotencyKey?: string
}

function explainCommand(env: Env, exit: (code: number) => void): Command {
  return new Command('explain')
    .description(
      'Say what the gateway would make of a request, and why. The bearer token is read from stdin. Nothing is removed or forwarded.',
    )
    .argument('<method>', 'as in DELETE', parseMethod)
    .argument('<path>', 'path and query, as in /_plugins/_ml/memory_containers/c1/memories/working/m1', parsePath)
    .requiredOption('--config <file>', 'the YAML configuration')
    .option('--idempotency-key <key>', 'as the header Idempotency-Key of the request')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExit codes: 0 allowed, 3 refused, 1 it could not be told, 2 bad command line or configuration\n' +
        '\nExample:\n  memory-gateway explain --config gateway.yaml DELETE /api/memories/m1 < token',
    )
    .exitOverride()
    .action(async (method: string, path: string, options: ExplainOptions) => {
      const { config: file, json, idempotencyKey } = options
      const config = readConfig(file, env)
      const token = (await readStdin()).trim().replace(/^Bearer +/i, '')
      const log = createLog(config.log.level, { write: (line) => void process.stderr.write(line) })
      const question = { method, path, token: token === '' ? undefined : token, idempotencyKey }
      const explanation = await explainOnce(config, log, question)
      process.stdout.write(json === true ? `${JSON.stringify(explanation)}\n` : wordExplanation(explanation))
      exit(exitCodeOf(explanation))
    })
}

/** Empty from a terminal, where nobody types a token. */
async function readStdin(): Promise<string> {
  if (process.stdin.isTTY) return ''
  let text = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) text += String(chunk)
  return text
}

function parseMethod(text: string): string {
  if (/^[A-Z-]{1,20}$/.test(text)) return text
  throw new InvalidArgumentError('write a method in capitals, as in DELETE')
}

function parsePath(text: string): string {
  if (/^\/[\x21-\x7e]*$/.test(text)) return text
  throw new InvalidArgumentError('write a path that begins with / and is percent-encoded, as in a request line')
}

function schemaCommand(): Command {
  return new Command('schema')
    .description('Print the JSON Schema of the configuration, for editors; config/gateway.schema.json is this.')
    .addHelpText('after', '\nExample:\n  memory-gateway schema > gateway.schema.json')
    .exitOverride()
    .action(() => {
      process.stdout.write(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`)
    })
}

function readConfig(path: string, env: Env): ConfigFile {
  return loadConfig(path, { env, check: checkConfig })
}

interface TokenOptions {
  readonly subject: string
  readonly scope: readonly string[]
  readonly ttl: number
  readonly keys: string
  readonly issuer: string
  readonly audience: string
  readonly container?: string
}

function tokenCommand(env: Env): Command {
  return new Command('token')
    .description('Sign a token with a local issuer, whose key files are made on first use.')
    .requiredOption('--subject <name>', 'whose token it is')
    .addOption(
      new Option('--scope <scopes...>', `any of ${SCOPES.join(', ')}`).makeOptionMandatory().argParser(parseScopes),
    )
    .option('--ttl <duration>', 'how long it is good for, as in 1h or 90d', parseTtl, 3_600_000)
    .option(
      '--keys <folder>',
      'where the issuer keeps its key files',
      env['MEMORY_GATEWAY_KEYS'] ?? 'memory-gateway-keys',
    )
    .option('--issuer <iss>', 'the name of the issuer, as under auth.issuers[].issuer', 'https://memory-gateway.local')
    .option('--audience <aud>', 'as under auth.issuers[].audience', 'memory-gateway')
    .option('--container <id>', 'the memory container that legacy calls of this token mean')
    .addHelpText(
      'after',
      '\nExample:\n  memory-gateway token --subject alice --scope memory:delete --ttl 90d\n\n' +
        'The gateway accepts these tokens with, in its configuration:\n' +
        '  auth: { issuers: [{ issuer: https://memory-gateway.local, audience: memory-gateway, jwks: { file: memory-gateway-keys/jwks.json } }] }',
    )
    .exitOverride()
    .action(async (options: TokenOptions) => {
      const issuer = await openLocalIssuer(options.keys, { issuer: options.issuer, create: true })
      if (issuer.created) process.stderr.write(`Made a new signing key; its public half is ${issuer.jwksPath}\n`)
      const token = await issuer.sign({
        subject: options.subject,
        scopes: options.scope,
        audience: options.audience,
        ttlMs: options.ttl,
        ...(options.container === undefined ? {} : { extraClaims: { memory_container: options.container } }),
      })
      process.stdout.write(`${token}\n`)
    })
}

function parseScopes(text: string, before: readonly string[] = []): readonly string[] {
  const scopes = text.split(/[\s,]+/).filter((scope) => scope !== '')
  const unknown = scopes.find((scope) => !SCOPES.some((known) => known === scope))
  if (unknown !== undefined) throw new InvalidArgumentError(`${unknown} is not one of ${SCOPES.join(', ')}`)
  return [...before, ...scopes]
}

function parseTtl(text: string): number {
  const milliseconds = parseDuration(text)
  if (milliseconds === undefined || milliseconds === 0) {
    throw new InvalidArgumentError('write a whole number and ms, s, m, h or d, as in 90d')
  }
  return milliseconds
}

function demoCommand(): Command {
  return new Command('demo')
    .description('Try the gateway in front of an embedded store, a real OpenSearch, or your own cluster.')
    .option('--once', 'end after the two deletes')
    .option('--real', 'in front of a real OpenSearch, assembled from Maven Central (needs Java 21+ and Maven)')
    .option('--cluster <url>', 'in front of your own cluster, in indices named memory-gateway-demo-*')
    .option('--port <port>', 'the port of the gateway; 0 takes a free one', (text) => Number(text), 0)
    .addHelpText(
      'after',
      '\nExamples:\n  memory-gateway demo\n  memory-gateway demo --once --cluster http://127.0.0.1:9200',
    )
    .exitOverride()
    .action(async (options: { once?: true; real?: true; cluster?: string; port: number }) => {
      const { runDemo } = await import('./demo/run-demo.ts')
      await runDemo({ ...options, once: options.once === true, real: options.real === true })
    })
}
