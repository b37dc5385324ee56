import { Command } from 'commander'

import { readConfig } from './read-config.ts'
import type { Env } from './read-config.ts'

/** `memory-gateway check`. */
export function checkCommand(env: Env): Command {
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
