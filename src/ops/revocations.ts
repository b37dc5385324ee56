import { readRevocation } from '../core/revocation.ts'
import type { Revocation } from '../core/revocation.ts'
import type { Log } from './log.ts'
import { failed } from './route.ts'
import type { OpsRoute } from './route.ts'

/** Adds an entry to the deny list, for good. */
export type Revoke = (entry: Revocation) => Promise<void>

/** `POST /revocations`. @param revoke absent where `revocation.accept` is off */
export function revocationRoute(revoke: Revoke | undefined, log: Pick<Log, 'failure'>): OpsRoute {
  return {
    method: 'POST',
    path: '/revocations',
    async answer({ json }) {
      if (revoke === undefined) return failed(404, 'Not found: revocation.accept is off')
      const entry = readRevocation(json)
      if (typeof entry === 'string') return failed(400, `The body ${entry}`)
      try {
        await revoke(entry)
      } catch (error) {
        log.failure('ops', error)
        return failed(503, 'The deny list cannot be written at the moment; send it again: twice is as once')
      }
      return { status: 201, body: entry }
    },
  }
}
