import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'

import express from 'express'

import { countRequest, logAccess } from './app/account.ts'
import { answer } from './app/answer.ts'
import type { AppParts } from './app/parts.ts'
import { FAILURES, GatewayError } from './core/failure.ts'
import type { Lease } from './core/in-force.ts'
import type { Principal } from './core/principal.ts'
import { Stopwatch } from './core/stopwatch.ts'
import type { ArrivedRequest, Tracing } from './core/tracing.ts'
import type { AskedUpgrade } from './forward/engine.ts'
import { chooseFor, readRoute } from './handlers/admit.ts'
import type { Exchange, Handled } from './handlers/exchange.ts'
import { requireScopeFor, workOf } from './handlers/work-of.ts'
import { keySetOf } from './handlers/publish-keys.ts'
import type { Result } from './wire/answer.ts'

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
  if (route.kind === 'legacyOptions' && isPreflight(exchange.request)) return { kind: 'options', allow: route.allow }

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

function isPreflight(request: IncomingMessage): boolean {
  return request.headers.origin !== undefined && request.headers['access-control-request-method'] !== undefined
}

/** Every Authorization header as it arrived: Node keeps only the first in `headers`. */
function authorizationOf(request: IncomingMessage): readonly string[] {
  return request.headersDistinct['authorization'] ?? []
}

function wellFormedId(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && /^[\w.:-]{1,128}$/.test(header) ? header : undefined
}
