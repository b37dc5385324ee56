import { z } from 'zod'

import { schema } from './schema.ts'

/** The JSON Schema (2020-12) of the configuration file, for editors: made from the schema that the gateway itself checks with. */
export function configJsonSchema(): Readonly<Record<string, unknown>> {
  return {
    title: 'opensearch-memory-gateway',
    description: 'Strings may hold ${NAME} for environment variables; secrets may be written as file:PATH.',
    ...z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }),
  }
}
