import { Command } from 'commander'

import { readConfig } from './read-config.ts'
import type { Env } from './read-config.ts'

/** `memory-gateway doctor`. */
export function doctorCommand(env: Env, exit: (code: number) => void): Command {
  return new Command('doctor')
    .description(
      'Ask the clusters and issuers of a configuration what is wrong, and how it is put right. Asks as the service identity, and writes nothing.',
    )
    .requiredOption('--config <file>', 'the YAML configuration')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExit codes: 0 nothing found, 3 warnings, 4 errors, 1 it could not run, 2 bad command line or configuration\n' +
        '\nExamples:\n  memory-gateway doctor --config gateway.yaml\n' +
        "  memory-gateway doctor --config gateway.yaml --json | jq '.findings[].id'",
    )
    .exitOverride()
    .action(async ({ config: path, json }: { config: string; json?: true }) => {
      const config = readConfig(path, env)
      // With a start it has nothing to do, so that it loads none of it.
      const { runDoctor } = await import('../doctor/run-doctor.ts')
      const { said, exitCode } = await runDoctor(config, json === true)
      process.stdout.write(said)
      exit(exitCode)
    })
}
