import { z } from 'zod'

import { schema } from './schema.ts'

/** The JSON Schema (2020-12) of the configuration file, for editors: made from the schema that the gateway itself checks with. */
export function configJsonSchema(): Readonly<Record<string, unknown>> {
  return {
    title: 'opensearch-memory-gateway',
    description: 'Any value may be written as ${NAME}, an environment variable; secrets may be written as file:PATH.',
    ...(allowVariables(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })) as Record<string, unknown>),
  }
}

const VARIABLE = { type: 'string', pattern: String.raw`\$\{[^}]+\}` }

/** A variable may stand for a number, true or false, and one of several words too, where it would be no such thing for an editor. */
function allowVariables(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(allowVariables)
  if (typeof node !== 'object' || node === null) return node
  const entries = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, allowVariables(value)]))
  const { type, enum: words, default: byDefault, ...rest } = entries
  const isTyped = ['integer', 'number', 'boolean'].includes(type as string) || Array.isArray(words)
  if (!isTyped) return entries
  const strict = { type, ...(words === undefined ? {} : { enum: words }), ...rest }
  return { anyOf: [strict, VARIABLE], ...(byDefault === undefined ? {} : { default: byDefault }) }
}
