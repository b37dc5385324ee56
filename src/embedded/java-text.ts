import type { Json } from './json-values.ts'
import { isJsonArray, isJsonObject } from './json-values.ts'

/** A value as Java prints maps, lists and what is in them. */
export function javaText(value: Json): string {
  if (isJsonObject(value)) return `{${[...value].map(([name, member]) => `${name}=${javaText(member)}`).join(', ')}}`
  if (isJsonArray(value)) return `[${value.map(javaText).join(', ')}]`
  return typeof value === 'object' && value !== null ? value.text : String(value)
}
