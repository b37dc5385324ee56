import { METHODS } from 'node:http'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { constants, createServer } from 'node:http2'
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Session } from 'node:http2'
import type { TLSSocket } from 'node:tls'

import { continueWhenRead } from './continue-when-read.ts'
import { readAsHttp1 } from './read-as-http1.ts'

interface Limits {
  readonly headerBytes: number
  /** For a request to arrive whole, in milliseconds. */
  readonly requestTimeout: number
}

/** The connections that speak HTTP/2. */
export interface Http2Connections {
  take(socket: TLSSocket): void
  /** Asks every client to open no more streams; those that come all the same are served. */
  announceEnd(): void
  /** Tells every client to open no more streams, and closes each connection with its last one. */
  drain(): void
  /** Breaks what is left. */
  destroy(): void
}

/** RFC 9113 section 6.5.2 recommends no less. */
const MAX_STREAMS = 100
/** In a GOAWAY it takes back none (RFC 9113 section 6.8: the notice before a graceful end). */
const MAX_STREAM_ID = 2 ** 31 - 1
/** A header counts 32 bytes more than it has (RFC 9113 section 6.5.2), so that the bytes bound the number; this is only above that bound. */
const MAX_HEADERS = 512
/** A connection without a stream, whatever else it sends: pings and settings are no work. */
const IDLE_MS = 60_000

/**
 * Serves HTTP/2 on connections that chose it in their TLS handshake, as the HTTP/1.1 requests that they would be. What bounds a hostile client
 * is Node's: resets of streams (CVE-2023-44487) by `streamResetBurst` and `streamResetRate` (1,000 at once, 33 a second), pings and settings
 * that wait for an answer (10 and 32), invalid frames (1,000), streams refused (100), CONTINUATION frames (CVE-2024-27983), memory (10 MB a
 * connection): then the connection ends.
 */
export function acceptHttp2(listener: RequestListener, limits: Limits): Http2Connections {
  const sessions = new Set<ServerHttp2Session>()
  const server = createServer({
    settings: { maxConcurrentStreams: MAX_STREAMS, maxHeaderListSize: limits.headerBytes },
    maxHeaderListPairs: MAX_HEADERS,
    streamResetBurst: 1_000,
    streamResetRate: 33,
  })
  const serve = (request: Http2ServerRequest, response: Http2ServerResponse): void => {
    endWhenLate(request, limits.requestTimeout)
    const refusal = refusalOf(request)
    const [asRequest, asResponse] = readAsHttp1(request, response)
    if (refusal === undefined) listener(asRequest, asResponse)
    else refuse(asResponse, refusal)
  }
  server.on('request', serve)
  server.on('checkContinue', (request, response) => {
    continueWhenRead(request as unknown as IncomingMessage, response as unknown as ServerResponse)
    serve(request, response)
  })
  server.on('session', (session) => {
    sessions.add(session)
    closeWhenIdle(session)
    session.once('close', () => sessions.delete(session))
    // A connection that breaks, or breaks the rules: Node has closed it.
    session.on('error', () => undefined)
  })
  server.on('sessionError', () => undefined)
  return {
    take: (socket) => void server.emit('connection', socket),
    announceEnd: () => sessions.forEach((session) => session.goaway(constants.NGHTTP2_NO_ERROR, MAX_STREAM_ID)),
    drain: () => sessions.forEach((session) => session.close()),
    destroy: () => sessions.forEach((session) => session.destroy()),
  }
}

/** What the parser of HTTP/1.1 refuses and that of HTTP/2 does not; and a Host that contradicts the authority (RFC 9113 section 8.3.1). */
function refusalOf({ method, authority, headers }: Http2ServerRequest): string | undefined {
  if (!METHODS.includes(method)) return 'The request has a method that there is not'
  if (headers.host !== undefined && headers.host !== authority) return 'Host and :authority differ'
  return undefined
}

function refuse(response: ServerResponse, error: string): void {
  const body = JSON.stringify({ error })
  response.writeHead(400, ['content-type', 'application/json; charset=UTF-8', 'content-length', String(body.length)])
  response.end(body)
}

/** Node has no such limit for HTTP/2. */
function endWhenLate(request: Http2ServerRequest, timeoutMs: number): void {
  const timer = setTimeout(() => request.stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM), timeoutMs)
  for (const event of ['end', 'close']) request.once(event, () => clearTimeout(timer))
}

function closeWhenIdle(session: ServerHttp2Session): void {
  let open = 0
  let timer = setTimeout(() => session.close(), IDLE_MS)
  session.on('stream', (stream) => {
    open += 1
    clearTimeout(timer)
    stream.once('close', () => {
      open -= 1
      if (open === 0 && !session.destroyed) timer = setTimeout(() => session.close(), IDLE_MS)
    })
  })
  session.once('close', () => clearTimeout(timer))
}
