import { watchRevocations } from './auth/revocation-file.ts'
import type { RevocationHealth, Revocations } from './auth/revocation-file.ts'
import type { ConfigFile } from './config/schema.ts'
import type { HealthCheck } from './ops/health.ts'
import type { Log } from './ops/log.ts'

/** The deny list of a configuration; `undefined` where there is none. */
export async function openRevocations(
  { file, interval }: ConfigFile['revocation'],
  log: Log,
): Promise<Revocations | undefined> {
  if (file === undefined) return undefined
  return watchRevocations({
    path: file,
    intervalMs: interval,
    onEvent(event) {
      if (event.kind === 'readable') log.info('the deny list of tokens can be read again')
      else log.warn('the deny list of tokens cannot be read; the last one stays in force', { why: event.why })
    },
  })
}

/** A list that was never read refuses nobody: such a gateway is not ready. */
export function checkOf({ loaded, ...health }: RevocationHealth): HealthCheck {
  return { ok: loaded, ...health }
}
