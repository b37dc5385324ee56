import { Command } from 'commander'

import { configJsonSchema } from '../config/json-schema.ts'

/** `memory-gateway schema`. */
export function schemaCommand(): Command {
  return new Command('schema')
    .description('Print the JSON Schema of the configuration, for editors; config/gateway.schema.json is this.')
    .addHelpText('after', '\nExample:\n  memory-gateway schema > gateway.schema.json')
    .exitOverride()
    .action(() => {
      process.stdout.write(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`)
    })
}
