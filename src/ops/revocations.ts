import { readRevocation } from '../core/revocation.ts'
import type { Revocation } from '../core/revocation.ts'
import { failed } from './route.ts'
import type { OpsRoute } from './route.ts'

/** `POST /revocations`: adds an entry to the deny list. */
export function revocationRoute(add: (entry: Revocation) => Promise<void>): OpsRoute {
  return {
    method: 'POST',
    path: '/revocations',
    async answer({ json }) {
      const entry = readRevocation(json)
      if (typeof entry === 'string') return failed(400, `The body ${entry}`)
      await add(entry)
      return { status: 201, body: entry }
    },
  }
}
