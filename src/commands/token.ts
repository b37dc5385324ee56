import { Command, InvalidArgumentError, Option } from 'commander'

import { openLocalIssuer } from '../auth/local-issuer.ts'
import { parseDuration } from '../config/scalars.ts'
import { SCOPES } from '../core/principal.ts'
import type { Env } from './read-config.ts'

interface TokenOptions {
  readonly subject: string
  readonly scope: readonly string[]
  readonly ttl: number
  readonly keys: string
  readonly issuer: string
  readonly audience: string
  readonly container?: string
}

/** `memory-gateway token`. */
export function tokenCommand(env: Env): Command {
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
