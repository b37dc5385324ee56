import { readFileSync } from 'node:fs'

/** The version of this package: `package.json` lies beside dist/ as it does beside src/. */
export function readVersion(): string {
  return (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version
}
