import { Command, CommanderError } from 'commander'

import { auditCommand } from './commands/audit.ts'
import { checkCommand } from './commands/check.ts'
import { demoCommand } from './commands/demo.ts'
import { doctorCommand } from './commands/doctor.ts'
import { eraseCommand } from './commands/erase.ts'
import { explainCommand } from './commands/explain.ts'
import type { Env } from './commands/read-config.ts'
import { receiptCommand } from './commands/receipt.ts'
import { schemaCommand } from './commands/schema.ts'
import { startCommand } from './commands/start.ts'
import { tokenCommand } from './commands/token.ts'
import { ConfigError } from './config/problem.ts'
import { readVersion } from './version.ts'

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
    '\nExit codes: 0 done, 1 it failed, 2 bad command line or configuration; explain, erase and doctor have more, see their --help\n' +
      '\nExample:\n  memory-gateway demo --once',
  )
  program.addCommand(startCommand(env))
  program.addCommand(checkCommand(env))
  program.addCommand(explainCommand(env, exit))
  program.addCommand(doctorCommand(env, exit))
  program.addCommand(eraseCommand(env, exit))
  program.addCommand(auditCommand(exit))
  program.addCommand(receiptCommand(exit))
  program.addCommand(schemaCommand())
  program.addCommand(tokenCommand(env))
  program.addCommand(demoCommand())
  return program
}
