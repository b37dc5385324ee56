import { readiness } from './health.ts'
import type { ReadChecks } from './health.ts'
import type { Metrics } from './metrics.ts'
import type { OpsRoute } from './route.ts'

/** What anybody who reaches the port may ask: `/livez`, `/readyz` and `/metrics`. */
export function probeRoutes(checks: ReadChecks, metrics: Pick<Metrics, 'expose'>): readonly OpsRoute[] {
  return [
    { method: 'GET', path: '/livez', isOpen: true, answer: () => ({ status: 200, body: { status: 'live' } }) },
    { method: 'GET', path: '/readyz', isOpen: true, answer: () => readiness(checks) },
    {
      method: 'GET',
      path: '/metrics',
      isOpen: true,
      async answer() {
        const { contentType, text } = await metrics.expose()
        return { status: 200, body: text, contentType }
      },
    },
  ]
}
