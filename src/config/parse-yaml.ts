import { parse } from 'yaml'

/** The value of a YAML text that is our own, and so known to be good. */
export function parseYaml(text: string): unknown {
  return parse(text)
}
