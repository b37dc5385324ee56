import { Command, InvalidArgumentError } from 'commander'

import { readErasureRequest } from '../core/erasure/record.ts'
import type { Erasure, ErasureRecord } from '../core/erasure/record.ts'
import { eraseOnce } from '../erase-once.ts'
import { createLog } from '../ops/log.ts'
import { progressPrinter } from '../progress.ts'
import { readConfig } from './read-config.ts'
import type { Env } from './read-config.ts'

interface EraseFlags {
  readonly config: string
  readonly subject: string
  readonly issuer?: string
  readonly namespace?: Readonly<Record<string, string>>
  readonly apply?: string
  readonly json?: true
}

/** `memory-gateway erase`. */
export function eraseCommand(env: Env, exit: (code: number) => void): Command {
  return new Command('erase')
    .description(
      'Delete all memories of one person in every container of every cluster. Without --apply they are only counted: nothing is deleted.',
    )
    .requiredOption('--config <file>', 'the YAML configuration')
    .requiredOption('--subject <name>', 'whose memories, as the subject of their tokens')
    .option('--issuer <iss>', 'whose subject it is; needed where the configuration has several issuers')
    .option(
      '--namespace <field=value>',
      'memories of others, too, whose namespace says so; may be repeated, and all must hold',
      addField,
    )
    .option('--apply <hash>', 'delete what a plan with this hash has counted, if it still fits')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nThe receipt, where receipts are on, is printed to stdout. Ctrl-C stops the deletes; what is gone stays gone.\n' +
        '\nExit codes: 0 planned or done, 3 the plan does not fit, or it was not done, 1 it could not be told, 2 bad command line or configuration\n' +
        '\nExample:\n  memory-gateway erase --config gateway.yaml --subject alice --namespace user_id=alice',
    )
    .exitOverride()
    .action(async (flags: EraseFlags, command: Command) => {
      const { subject, issuer, namespace, apply } = flags
      const request = readErasureRequest({ subject, issuer, namespace })
      if (typeof request === 'string') command.error(`error: whoever is erased ${request}`)
      const config = readConfig(flags.config, env)
      const log = createLog('warn', { write: (line) => void process.stderr.write(line) })
      const progress = progressPrinter(process.stderr)
      const stop = new AbortController()
      const onSignal = (): void => stop.abort()
      process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
      try {
        const onChange = (record: ErasureRecord): void => progress.show(wordProgress(record))
        const erased = await eraseOnce(config, log, { request, hash: apply, onChange, stop: stop.signal })
        progress.end()
        const { erasure, kind } = erased
        if (flags.json === true) process.stdout.write(`${JSON.stringify(erasure)}\n`)
        else if (kind === 'ended') printEnd(erasure)
        else process.stdout.write(wordPlan(erasure, kind === 'misfit'))
        exit(kind === 'planned' || erasure.state === 'done' ? 0 : 3)
      } finally {
        progress.end()
        process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
      }
    })
}

function addField(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const [, field, value] = /^([^=]+)=(.+)$/s.exec(text) ?? []
  if (field === undefined || value === undefined) {
    throw new InvalidArgumentError('write a field of the namespace and its text, as in user_id=alice')
  }
  return { ...before, [field]: value }
}

function wordProgress({ state, deleted, total }: ErasureRecord): string {
  return state === 'verifying' ? 'Looking for what is left' : `${String(deleted)} of ${String(total)} memories deleted`
}

function wordPlan({ parts, total, hash }: Erasure, isMisfit: boolean): string {
  const lines = parts.map(
    ({ cluster, container, type, index, total: count }) =>
      `${String(count).padStart(9)}  ${cluster}  ${container}  ${type}  ${index}`,
  )
  const end = isMisfit ? 'The plan does not fit: this is the new one, and nothing was deleted' : 'Nothing was deleted'
  return [...lines, `${String(total).padStart(9)}  in all`, `${end}. To delete them: --apply ${hash}`]
    .map((line) => `${printable(line)}\n`)
    .join('')
}

function printEnd({ state, deleted, total, reason, receipt }: Erasure): void {
  const why = reason === undefined ? '' : ` (${reason})`
  process.stderr.write(printable(`${state}: ${String(deleted)} of ${String(total)} memories deleted${why}`) + '\n')
  if (receipt !== undefined) process.stdout.write(`${receipt}\n`)
}

/** Names come from documents: none may steer a terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?')
}
