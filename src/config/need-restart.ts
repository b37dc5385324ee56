import { isDeepStrictEqual } from 'node:util'

import type { ConfigFile } from './schema.ts'

/** What a running gateway goes on with as it was started, and all of `audit`. The chart's template has these too. */
export const FIXED: readonly (readonly [section: keyof ConfigFile, setting: string])[] = [
  ['listen', 'host'],
  ['listen', 'port'],
  ['listen', 'tls'],
  ['ops', 'host'],
  ['ops', 'port'],
  ['limits', 'connections'],
  ['limits', 'headerBytes'],
  ['limits', 'headersTimeout'],
  ['limits', 'requestTimeout'],
  ['limits', 'drainDelay'],
  ['limits', 'drain'],
  ['reload', 'watch'],
  ['reload', 'interval'],
  ['revocation', 'file'],
  ['revocation', 'index'],
  ['revocation', 'interval'],
  ['revocation', 'accept'],
]

/** The settings of a new configuration that come into force with a restart only, as in `listen.port`. */
export function needRestart(started: ConfigFile, next: ConfigFile): readonly string[] {
  const audit = Object.keys({ ...started.audit, ...next.audit }).map((setting) => ['audit', setting] as const)
  return [...FIXED, ...audit].flatMap(([section, setting]) => {
    const [before, after] = [started, next].map(
      (config) => (config[section] as Readonly<Record<string, unknown>>)[setting],
    )
    return isDeepStrictEqual(before, after) ? [] : [`${section}.${setting}`]
  })
}
