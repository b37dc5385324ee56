import { Command } from 'commander'

import type { ConfigFile } from '../config/schema.ts'
import { diagnose, exitCodeOfFindings } from '../core/doctor/diagnose.ts'
import { reportOf, wordReport } from '../core/doctor/report.ts'
import { progressPrinter } from '../progress.ts'
import { doctorSettings, inspectDeployment } from './inspect.ts'

/** `memory-gateway doctor`. */
export function doctorCommand(read: (path: string) => ConfigFile, exit: (code: number) => void): Command {
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
      const config = read(path)
      const progress = progressPrinter(process.stderr)
      const facts = await inspectDeployment(config, progress.show).finally(progress.end)
      const findings = diagnose(facts, doctorSettings(config))
      process.stdout.write(json === true ? `${toJson(reportOf(facts, findings))}\n` : wordReport(facts, findings))
      exit(exitCodeOfFindings(findings))
    })
}

/** The cluster's long numbers may be bigints. */
function toJson(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? Number(item) : item), 2)
}
