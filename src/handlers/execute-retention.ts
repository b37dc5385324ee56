import type { Route } from '../core/route.ts'
import { audited } from './audit.ts'
import { passThrough } from './pass-through.ts'
import type { Work } from './work.ts'

/** The cluster itself deletes what is too old: of what it did, only its status is known here. */
export const executeRetention: Work<Extract<Route, { kind: 'executeRetention' }>> = {
  handle: (parts, exchange, route) =>
    audited(
      parts,
      exchange,
      { action: 'execute-retention', containerId: route.containerId === '' ? undefined : route.containerId },
      async (trail) => {
        await trail?.intend({})
        return passThrough.handle(parts, exchange, route)
      },
      () => {
        const { statusCode } = exchange.response
        return { result: statusCode < 300 ? 'success' : 'failure', outcome: `status ${String(statusCode)}` }
      },
    ),
  foresee: (parts, asked, route) => passThrough.foresee(parts, asked, route),
}
