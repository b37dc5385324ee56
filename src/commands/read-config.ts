import { checkConfig } from '../check-config.ts'
import { loadConfig } from '../config/load.ts'
import type { ConfigFile } from '../config/schema.ts'

export type Env = Readonly<Record<string, string | undefined>>

/** @throws ConfigError with every problem of the file */
export function readConfig(path: string, env: Env): ConfigFile {
  return loadConfig(path, { env, check: checkConfig })
}
