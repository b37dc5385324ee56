import { dialectOf, dialectOfRawTarget } from '../core/route.ts'
import type { Exchange } from '../handlers/exchange.ts'
import type { AppParts } from './parts.ts'

/** Stage 9: one line a request, on every path. */
export function logAccess({ log, subjectInLog }: AppParts, exchange: Exchange): void {
  const { response, principal, outcome, route } = exchange
  log.access({
    requestId: exchange.requestId,
    method: exchange.method,
    path: exchange.target === undefined ? '' : (/^[^?#;]*/.exec(exchange.uri)?.[0] ?? '').slice(0, 512),
    route: route?.kind ?? 'refused',
    status: response.statusCode,
    durationMs: Math.round((performance.now() - exchange.startedAt) * 1000) / 1000,
    ...(principal === undefined ? {} : { issuer: principal.issuer, subject: subjectInLog(principal) }),
    ...(outcome === undefined ? {} : { outcome: outcome.kind }),
    ...(response.writableFinished ? {} : { aborted: true }),
  })
}

/** And what is counted of it. */
export function countRequest(metrics: AppParts['metrics'], exchange: Exchange): void {
  const { response, route, uri, startedAt, waited, deletes = [], guarded } = exchange
  const took = performance.now() - startedAt
  metrics.request({
    route: route?.kind ?? 'refused',
    dialect: route === undefined ? dialectOfRawTarget(uri) : dialectOf(route),
    status: response.statusCode,
    seconds: took / 1000,
    ownSeconds: (took - waited.total) / 1000,
  })
  for (const { outcome, type, memories } of deletes) metrics.delete(outcome, type, memories)
  if (guarded?.isClean === true) metrics.guardDecision('allowed', '', guarded.class)
}
