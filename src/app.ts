import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'

import express from 'express'

import { FAILURES, GatewayError } from './core/failure.ts'
import type { Lease } from './core/in-force.ts'
import { presentationOf } from './core/parameters.ts'
import type { Principal } from './core/principal.ts'
import { dialectOf, dialectOfRawTarget } from './core/route.ts'
import { Stopwatch } from './core/stopwatch.ts'
import type { ArrivedRequest, Tracing } from './core/tracing.ts'
import type { AskedUpgrade } from './forward/engine.ts'
import { chooseFor, readRoute } from './handlers/admit.ts'
import type { AdmitParts } from './handlers/admit.ts'
import type { Exchange, Handled, HandlerParts } from './handlers/exchange.ts'
import { requireScopeFor, workOf } from './handlers/work-of.ts'
import type { Log } from './ops/log.ts'
import type { Metrics } from './ops/metrics.ts'
import { keySetOf } from './handlers/publish-keys.ts'
import { answerOf } from './wire/answer.ts'
import type { Result } from './wire/answer.ts'

/** What the stages of a request stand on. */
export interface AppParts extends HandlerParts, AdmitParts {
  /** `X-OpenSearch-Version` where no cluster is chosen yet. */
  readonly versionHeader: () => string | undefined
  /** Browser origins that may use the legacy API. */
  readonly corsOrigins: readonly string[]
  /** Requests under way at once; any more are refused before anything is done for them. */
  readonly maxInFlight: number
  readonly log: Log
  /** Where nobody collects spans, `undefined`. */
  readonly tracing: Tracing | undefined
  /** How the access line names the caller. */
  readonly subjectInLog: (principal: Principal) => string | undefined
  readonly metrics: Pick<Metrics, 'request' | 'delete' | 'failure' | 'tokenRefused' | 'guardDecision'>
}

const OURS = /^\/(?:_plugins\/_ml|api)\//

/** `upgrade`: where the request asks for it, and it was picked for it. */
type Listener = (request: IncomingMessage, response: ServerResponse, upgrade?: AskedUpgrade) => void

/**
 * The gateway's first port: the stages of a request, top to bottom, under express.
 * @param take the parts for one request, from its beginning to its end, whatever comes into force meanwhile
 */
export function createApp(take: () => Lease<AppParts>): Listener {
  let inFlight = 0
  const handle: Listener = (request, response, upgrade) => {
    const { value: parts, end } = take()
    inFlight += 1
    // A call with a key carries on without its caller, and an answer may still be on its way when all is decided.
    let left = 2
    const endLast = (): void => {
      left -= 1
      if (left === 0) end()
    }
    response.once('close', () => {
      inFlight -= 1
      endLast()
    })
    const exchange = begin(parts, request, response, upgrade)
    const isTooMany = inFlight > parts.maxInFlight
    const served = parts.tracing === undefined ? serve : serveTraced(parts.tracing)
    void served(parts, exchange, isTooMany).finally(endLast)
  }
  const app = express()
  app.disable('x-powered-by')
  app.use((request, response) => handle(request, response))
  return (request, response, upgrade) => {
    // Ours under express; it would answer targets that it cannot parse in words of its own, and knows no messages of HTTP/2. What belongs to the
    // cluster goes without: express gives each request another prototype, which was a twentieth of a forwarded request's CPU.
    if (OURS.test(request.url ?? '') && request.httpVersionMajor === 1 && upgrade === undefined) app(request, response)
    else handle(request, response, upgrade)
  }
}

async function serve(parts: AppParts, exchange: Exchange, isTooMany: boolean): Promise<void> {
  const result = await runStages(parts, exchange, isTooMany).catch((error: unknown): Result => {
    parts.log.failure(exchange.requestId, error)
    const failure = error instanceof GatewayError ? error : new GatewayError('internal', { cause: error })
    parts.metrics.failure(failure.code, FAILURES[failure.code].source)
    return { kind: 'failure', error: failure }
  })
  if (result === 'forwarded') return
  try {
    parts.audit?.ended(exchange, result)
    answer(parts, exchange, result)
  } catch (error) {
    // Not even an answer could be made: nobody must wait for one.
    parts.log.failure(exchange.requestId, error)
    exchange.response.destroy()
  }
}

function serveTraced(tracing: Tracing): typeof serve {
  return (parts, exchange, isTooMany) => {
    const { request, response, requestId, method } = exchange
    const arrived: ArrivedRequest = {
      method,
      scheme: 'encrypted' in request.socket ? 'https' : 'http',
      httpVersion: request.httpVersion,
      requestId,
      traceparents: request.headersDistinct['traceparent'] ?? [],
      tracestates: request.headersDistinct['tracestate'] ?? [],
    }
    return tracing.request(arrived, (end) => {
      response.once('close', () => {
        const { route, outcome } = exchange
        end({
          'http.response.status_code': response.statusCode,
          'memory_gateway.route': route?.kind ?? 'refused',
          ...(outcome === undefined ? {} : { 'memory_gateway.outcome': outcome.kind }),
        })
      })
      return serve(parts, exchange, isTooMany)
    })
  }
}

const TOO_MANY = 'The gateway has too many requests under way; try again later'

const now = (): number => performance.now()

/** Stage 1: the request gets its id, and its access line as soon as its response closes. */
function begin(
  parts: AppParts,
  request: IncomingMessage,
  response: ServerResponse,
  upgrade: AskedUpgrade | undefined,
): Exchange {
  const exchange: Exchange = {
    request,
    response,
    method: request.method ?? '',
    uri: request.url ?? '',
    requestId: wellFormedId(request.headers['x-request-id']) ?? randomUUID(),
    startedAt: performance.now(),
    waited: new Stopwatch(now),
    upgrade,
  }
  response.once('close', () => {
    logAccess(parts, exchange)
    countRequest(parts.metrics, exchange)
  })
  return exchange
}

async function runStages(parts: AppParts, exchange: Exchange, isTooMany: boolean): Promise<Handled> {
  // Stage 2: the route, which fixes the dialect of every answer from here on.
  const { target, route } = readRoute(exchange)
  if (isTooMany) throw new GatewayError('overloaded', { reason: TOO_MANY, retryAfterSeconds: 1 })
  if (route.kind === 'legacyOptions' && isPreflight(exchange.request)) return { kind: 'preflight', allow: route.allow }

  if (route.kind === 'receiptKeys') return keySetOf(parts)

  // Stage 3: who is calling.
  const caller = await authenticate(parts, exchange.request)
  exchange.principal = caller

  // Stages 4 to 7: may they, and then the work itself, on the cluster that the routes choose.
  const { cluster, principal } = chooseFor(parts, target, route, caller)
  const admitted = Object.assign(exchange, { target, cluster, principal })
  requireScopeFor(route, principal)
  return workOf(route).handle(parts, admitted, route)
}

async function authenticate(
  { authenticate, metrics, tracing }: AppParts,
  request: IncomingMessage,
): Promise<Principal> {
  try {
    const verify = (): Promise<Principal> => authenticate(authorizationOf(request))
    return await (tracing === undefined ? verify() : tracing.within('verify', verify))
  } catch (error) {
    metrics.tokenRefused(error instanceof GatewayError ? error.code : 'internal')
    throw error
  }
}

/** Stage 8: the one function that puts an answer on the socket. */
function answer(parts: AppParts, exchange: Exchange, result: Result): void {
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

function isPreflight(request: IncomingMessage): boolean {
  return request.headers.origin !== undefined && request.headers['access-control-request-method'] !== undefined
}

function allowedOrigin(origin: string | undefined, origins: readonly string[]): string | undefined {
  if (origin === undefined) return undefined
  if (origins.includes('*')) return '*'
  return origins.includes(origin) ? origin : undefined
}

/** Every Authorization header as it arrived: Node keeps only the first in `headers`. */
function authorizationOf(request: IncomingMessage): readonly string[] {
  return request.headersDistinct['authorization'] ?? []
}

function wellFormedId(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && /^[\w.:-]{1,128}$/.test(header) ? header : undefined
}

/** Stage 9: one line a request, on every path. */
function logAccess({ log, subjectInLog }: AppParts, exchange: Exchange): void {
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

function countRequest(metrics: AppParts['metrics'], exchange: Exchange): void {
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
