import { Command, InvalidArgumentError } from 'commander'

import { exitCodeOf, wordExplanation } from '../core/explain.ts'
import { createLog } from '../ops/log.ts'
import { explainOnce } from '../server.ts'
import { readConfig } from './read-config.ts'
import type { Env } from './read-config.ts'
import { readStdin } from './read-stdin.ts'

interface ExplainOptions {
  readonly config: string
  readonly json?: true
  readonly idempotencyKey?: string
  readonly upgrade?: string
}

/** `memory-gateway explain`. */
export function explainCommand(env: Env, exit: (code: number) => void): Command {
  return new Command('explain')
    .description(
      'Say what the gateway would make of a request, and why. The bearer token is read from stdin. Nothing is removed or forwarded.',
    )
    .argument('<method>', 'as in DELETE', parseMethod)
    .argument('<path>', 'path and query, as in /_plugins/_ml/memory_containers/c1/memories/working/m1', parsePath)
    .requiredOption('--config <file>', 'the YAML configuration')
    .option('--idempotency-key <key>', 'as the header Idempotency-Key of the request')
    .option('--upgrade <protocol>', 'as the header Upgrade of the request, as in websocket', parseProtocol)
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExit codes: 0 allowed, 3 refused, 1 it could not be told, 2 bad command line or configuration\n' +
        '\nExample:\n  memory-gateway explain --config gateway.yaml DELETE /api/memories/m1 < token',
    )
    .exitOverride()
    .action(async (method: string, path: string, options: ExplainOptions) => {
      const { config: file, json, idempotencyKey, upgrade } = options
      const config = readConfig(file, env)
      const token = (await readStdin()).trim().replace(/^Bearer +/i, '')
      const log = createLog(config.log.level, { write: (line) => void process.stderr.write(line) })
      const question = { method, path, token: token === '' ? undefined : token, idempotencyKey, upgrade }
      const explanation = await explainOnce(config, log, question)
      process.stdout.write(json === true ? `${JSON.stringify(explanation)}\n` : wordExplanation(explanation))
      exit(exitCodeOf(explanation))
    })
}

function parseMethod(text: string): string {
  if (/^[A-Z-]{1,20}$/.test(text)) return text
  throw new InvalidArgumentError('write a method in capitals, as in DELETE')
}

function parsePath(text: string): string {
  if (/^\/[\x21-\x7e]*$/.test(text)) return text
  throw new InvalidArgumentError('write a path that begins with / and is percent-encoded, as in a request line')
}

function parseProtocol(text: string): string {
  if (/^[!-~]{1,64}$/.test(text)) return text
  throw new InvalidArgumentError('write a protocol, as in websocket')
}
