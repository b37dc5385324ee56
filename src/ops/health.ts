/** One cause of not being ready, told apart from the others. */
export interface HealthCheck {
  readonly ok: boolean
  readonly [detail: string]: unknown
}

/** Every check by name; read anew for each request. */
export type ReadChecks = () => Readonly<Record<string, HealthCheck>>

/** What `/readyz` answers: 503 as soon as one check is not good. */
export function readiness(checks: ReadChecks): { readonly status: 200 | 503; readonly body: unknown } {
  const now = checks()
  const isReady = Object.values(now).every(({ ok }) => ok)
  return { status: isReady ? 200 : 503, body: { status: isReady ? 'ready' : 'not ready', checks: now } }
}
