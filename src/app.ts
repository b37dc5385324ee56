import { randomUUID } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'

import express from 'express'

import { requireScope } from './core/access.ts'
import type { AccessPolicy } from './core/access.ts'
import { deleteMemories, parseMemoryIds } from './core/delete-memories.ts'
import type { BulkOutcome } from './core/delete-memories.ts'
import { deleteMemory } from './core/delete-memory.ts'
import type { DeleteOutcome, MemoryStore } from './core/delete-memory.ts'
import { GatewayError } from './core/failure.ts'
import { idBytes, MAX_ID_BYTES, MEMORY_TYPES, parseMemoryType } from './core/memory.ts'
import type { MemoryType } from './core/memory.ts'
import { parseDeleteParameters, presentationOf } from './core/parameters.ts'
import type { Principal } from './core/principal.ts'
import { dialectOf, dialectOfRawTarget, routeOf } from './core/route.ts'
import type { Route } from './core/route.ts'
import { parseTarget } from './core/target.ts'
import type { Target } from './core/target.ts'
import type { Forward } from './forward/engine.ts'
import { requestHeaders } from './forward/headers.ts'
import type { Log } from './ops/log.ts'
import { readBody } from './read-body.ts'
import { answerOf } from './wire/answer.ts'
import type { Result } from './wire/answer.ts'

/** What the stages of a request stand on. */
export interface AppParts {
  readonly authenticate: (authorization: readonly string[]) => Promise<Principal>
  readonly storeFor: (signal: AbortSignal) => MemoryStore
  readonly forward: Forward
  readonly versionHeader: () => string | undefined
  readonly policy: AccessPolicy
  readonly legacy: {
    readonly container: string | undefined
    readonly types: readonly MemoryType[]
    readonly missing: 200 | 404
    readonly origins: readonly string[]
    readonly bulk: { readonly maxIds: number; readonly maxBytes: number }
  }
  /** For a memory request as a whole, in milliseconds. */
  readonly deadlineMs: number
  readonly log: Log
}

/** One request on its way through the stages: what is known of it so far. */
interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly method: string
  readonly uri: string
  readonly requestId: string
  readonly startedAt: number
  target?: Target
  route?: Route
  principal?: Principal
  outcome?: DeleteOutcome
}

/** The gateway's first port: the stages of a request, top to bottom, under express. */
export function createApp(parts: AppParts): RequestListener {
  const handle: RequestListener = (request, response) => {
    void serve(parts, begin(parts, request, response))
  }
  const app = express()
  app.disable('x-powered-by')
  app.use(handle)
  return (request, response) => {
    // express answers targets that it cannot parse in words of its own; they are refused in ours.
    if (request.url?.startsWith('/') === true) app(request, response)
    else handle(request, response)
  }
}

async function serve(parts: AppParts, exchange: Exchange): Promise<void> {
  const result = await runStages(parts, exchange).catch((error: unknown): Result => {
    parts.log.failure(exchange.requestId, error)
    const failure = error instanceof GatewayError ? error : new GatewayError('internal', { cause: error })
    return { kind: 'failure', error: failure }
  })
  if (result === 'forwarded') return
  try {
    answer(parts, exchange, result)
  } catch (error) {
    // Not even an answer could be made: nobody must wait for one.
    parts.log.failure(exchange.requestId, error)
    exchange.response.destroy()
  }
}

/** Stage 1: the request gets its id, and its access line as soon as its response closes. */
function begin(parts: AppParts, request: IncomingMessage, response: ServerResponse): Exchange {
  const exchange: Exchange = {
    request,
    response,
    method: request.method ?? '',
    uri: request.url ?? '',
    requestId: wellFormedId(request.headers['x-request-id']) ?? randomUUID(),
    startedAt: performance.now(),
  }
  response.once('close', () => logAccess(parts.log, exchange))
  return exchange
}

async function runStages(parts: AppParts, exchange: Exchange): Promise<Result | 'forwarded'> {
  // Stage 2: the route, which fixes the dialect of every answer from here on.
  exchange.target = parseTarget(exchange.uri)
  const route = routeOf(exchange.method, exchange.target)
  exchange.route = route
  if (route.kind === 'legacyOptions' && isPreflight(exchange.request)) return { kind: 'preflight', allow: route.allow }

  // Stage 3: who is calling.
  const principal = await parts.authenticate(authorizationOf(exchange.request))
  exchange.principal = principal

  // Stages 4 to 7: may they, and then the work itself.
  switch (route.kind) {
    case 'deleteMemory':
    case 'deleteLegacyMemory':
      requireScope(principal, 'memory:delete', 'memory:delete:any')
      return { kind: 'outcome', outcome: await runDelete(parts, exchange, route, principal, exchange.target) }
    case 'deleteLegacyMemories':
      requireScope(principal, 'memory:delete', 'memory:delete:any')
      return { kind: 'bulkOutcome', outcome: await runBulkDelete(parts, exchange, principal) }
    case 'passThrough':
      requireScope(principal, 'opensearch:admin')
      await parts.forward(exchange.request, exchange.response, forwardedHeaders(exchange))
      return 'forwarded'
    case 'legacyOptions':
      return { kind: 'wrongMethod', allow: route.allow }
    case 'wrongMethod':
      return { kind: 'wrongMethod', allow: route.allow }
    case 'noHandler':
    case 'unknownLegacyPath':
      return { kind: route.kind }
  }
}

type DeleteRoute = Extract<Route, { kind: 'deleteMemory' | 'deleteLegacyMemory' }>

async function runDelete(
  parts: AppParts,
  exchange: Exchange,
  route: DeleteRoute,
  principal: Principal,
  target: Target,
): Promise<DeleteOutcome> {
  const { legacy, policy } = parts
  const question =
    route.kind === 'deleteMemory'
      ? { containerId: route.containerId, types: [memoryTypeOf(route.typeText)], memoryId: checkedId(route.memoryId) }
      : {
          containerId: legacyContainer(principal, legacy),
          types: legacy.types,
          memoryId: checkedLegacyId(route.memoryId),
        }
  const refresh = route.kind === 'deleteMemory' ? parseDeleteParameters(target).refresh : 'false'

  exchange.outcome = await deleteMemory(storeOf(parts, exchange), policy, principal, { ...question, refresh })
  return exchange.outcome
}

async function runBulkDelete(parts: AppParts, exchange: Exchange, principal: Principal): Promise<BulkOutcome> {
  const { legacy, policy } = parts
  const containerId = legacyContainer(principal, legacy)
  const memoryIds = parseMemoryIds(await readBody(exchange.request, legacy.bulk.maxBytes), legacy.bulk.maxIds)
  const question = { containerId, types: legacy.types, memoryIds }
  return deleteMemories(storeOf(parts, exchange), policy, principal, question, legacy.missing)
}

/** The cluster's memories for one request: until its deadline, and for as long as its caller is there. */
function storeOf(parts: AppParts, { response }: Exchange): MemoryStore {
  const gone = new AbortController()
  const leave = (): void => gone.abort(new Error('The caller has gone'))
  if (response.destroyed) leave()
  response.once('close', leave)
  return parts.storeFor(AbortSignal.any([gone.signal, AbortSignal.timeout(parts.deadlineMs)]))
}

/** The server checks the type before anything else, and quotes it as it was sent. */
function memoryTypeOf(text: string): MemoryType {
  const type = parseMemoryType(text)
  if (type !== undefined) return type
  throw new GatewayError('invalidMemoryType', {
    reason: `Invalid memory type: ${text}. Must be one of: ${MEMORY_TYPES.join(', ')}`,
  })
}

function checkedId(memoryId: string): string {
  const bytes = idBytes(memoryId)
  if (bytes <= MAX_ID_BYTES) return memoryId
  throw new GatewayError('invalidMemoryId', {
    reason: `id is too long, must be no longer than ${String(MAX_ID_BYTES)} bytes but was: ${String(bytes)}`,
  })
}

function checkedLegacyId(memoryId: string): string {
  if (memoryId.trim() === '') throw new GatewayError('invalidMemoryId', { reason: 'Memory ID is required' })
  if (idBytes(memoryId) > MAX_ID_BYTES) throw new GatewayError('invalidMemoryId', { reason: 'Memory ID is too long' })
  return memoryId
}

function legacyContainer(principal: Principal, legacy: AppParts['legacy']): string {
  const containerId = principal.container ?? legacy.container
  if (containerId === undefined) throw new GatewayError('noLegacyContainer')
  return containerId
}

/** Stage 5, for what goes on to the cluster: the caller's headers, cleaned, and then ours. */
function forwardedHeaders({ request, requestId }: Exchange): string[] {
  return requestHeaders(request.rawHeaders, { 'x-request-id': requestId })
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
    versionHeader: parts.versionHeader(),
    legacyMissing: parts.legacy.missing,
    corsOrigin: allowedOrigin(origin, parts.legacy.origins),
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
function logAccess(log: Log, exchange: Exchange): void {
  const { response, principal, outcome, route } = exchange
  log.access({
    requestId: exchange.requestId,
    method: exchange.method,
    path: exchange.target === undefined ? '' : (/^[^?#;]*/.exec(exchange.uri)?.[0] ?? '').slice(0, 512),
    route: route?.kind ?? 'refused',
    status: response.statusCode,
    durationMs: Math.round((performance.now() - exchange.startedAt) * 1000) / 1000,
    ...(principal === undefined ? {} : { issuer: principal.issuer, subject: principal.subject }),
    ...(outcome === undefined ? {} : { outcome: outcome.kind }),
    ...(response.writableFinished ? {} : { aborted: true }),
  })
}
