import { presentationOf } from '../core/parameters.ts'
import { dialectOf, dialectOfRawTarget } from '../core/route.ts'
import type { Exchange } from '../handlers/exchange.ts'
import { answerOf } from '../wire/answer.ts'
import type { Result } from '../wire/answer.ts'
import type { AppParts } from './parts.ts'

/** Stage 8: the one function that puts an answer on the socket. */
export function answer(parts: AppParts, exchange: Exchange, result: Result): void {
  const { request, response, route, target, method, uri, requestId } = exchange
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const origin = request.headers.origin
  const { status, headers, body } = answerOf(result, {
    dialect: route === undefined ? dialectOfRawTarget(uri) : dialectOf(route),
    method,
    uri,
    decodedPath: target?.decodedPath ?? uri,
    presentation: presentationOf(target, request.headers.accept),
    requestId,
    opaqueId: [request.headers['x-opaque-id']].flat()[0],
    versionHeader: (exchange.cluster ?? parts).versionHeader(),
    legacyMissing: parts.legacy.missing,
    isReplayed: exchange.isReplayed === true,
    corsOrigin: allowedOrigin(origin, parts.corsOrigins),
  })
  response.writeHead(status, headers.flat())
  response.end(method === 'HEAD' ? undefined : body)
}

function allowedOrigin(origin: string | undefined, origins: readonly string[]): string | undefined {
  if (origin === undefined) return undefined
  if (origins.includes('*')) return '*'
  return origins.includes(origin) ? origin : undefined
}
