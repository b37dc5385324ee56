import type { IncomingMessage, ServerResponse } from 'node:http'

import type { RawHeaders } from './headers.ts'

/** How the pass-through reaches the nodes. Never holds the service identity's credentials or certificate. */
export interface ForwardOptions {
  readonly nodes: readonly string[]
  /** PEM; the system's authorities where absent. */
  readonly ca: string | undefined
  readonly connectTimeoutMs: number
  readonly idleTimeoutMs: number
  /** Longest silence of the node before its headers, and between parts of its body. */
  readonly silenceTimeoutMs: number
  readonly maxConnections: number
}

/**
 * Sends a request on, with the headers as settled before, and streams the answer back, bytes untouched. Ends when the answer has ended, or
 * when either side has gone; the upstream request is freed then.
 * @throws GatewayError upstreamUnavailable, upstreamTimeout: only while nothing was answered yet
 */
export type Forward = (request: IncomingMessage, response: ServerResponse, headers: RawHeaders) => Promise<void>

export interface Engine {
  readonly forward: Forward
  close(): Promise<void>
}

/** Whether a request carries a body, by its framing (RFC 9112 section 6.3). */
export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length']
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) > 0)
}
