import { createHash } from 'node:crypto'

import { loadConfig } from './load.ts'
import type { Surroundings } from './load.ts'
import { contentOf } from './named-files.ts'
import type { ConfigFile } from './schema.ts'

/** A configuration file with the files that it names: one thing that changes as a whole. */
export interface ConfigSource {
  readonly path: string
  /**
   * Reads all of it anew.
   * @throws ConfigError with every problem
   */
  read(): ConfigFile
  /** Of the contents that `read` saw last, whether it took them or not. */
  lastRead(): string
  /** Of what these files hold now, however they were replaced. */
  fingerprint(): string
}

type Contents = ReadonlyMap<string, string | undefined>

export function openConfigSource(path: string, surroundings: Omit<Surroundings, 'onFile'>): ConfigSource {
  let seen: Contents = new Map()
  return {
    path,
    read() {
      const reading = new Map<string, string | undefined>()
      seen = reading
      return loadConfig(path, { ...surroundings, onFile: (file, content) => void reading.set(file, content) })
    },
    lastRead: () => fingerprintOf(seen),
    fingerprint: () => fingerprintOf(new Map([...seen.keys()].map((file) => [file, contentOf(file)]))),
  }
}

function fingerprintOf(contents: Contents): string {
  return createHash('sha256')
    .update(JSON.stringify([...contents]))
    .digest('base64url')
}
