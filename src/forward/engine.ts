import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'

import type { UpgradeProtocol } from '../core/asked-upgrade.ts'
import type { ClusterNodes } from '../core/cluster-nodes.ts'
import type { RawHeaders } from './headers.ts'

/** How the pass-through reaches the nodes: on connections of its own, which the service identity's requests never share. */
export interface ForwardOptions {
  readonly nodes: readonly string[]
  /** Which of them a request goes to; shared with the gateway's own requests. */
  readonly choice: ClusterNodes
  /** PEM; the system's authorities where absent. */
  readonly ca: string | undefined
  /** PEM: what its connections show of themselves. The security plugin takes an administrator's for the super admin, whatever else a request says. */
  readonly clientCertificate: { readonly cert: string; readonly key: string } | undefined
  readonly connectTimeoutMs: number
  readonly idleTimeoutMs: number
  /** Longest silence of the node before its headers, and between parts of its body. */
  readonly silenceTimeoutMs: number
  readonly maxConnections: number
}

/** Sees an answer while it goes on to its caller, bytes untouched. What is called here must not throw. */
export interface AnswerWatch {
  readonly begun: (status: number, headers: RawHeaders) => void
  readonly take: (bytes: Uint8Array) => void
  /** It is whole; not called for one that breaks off. */
  readonly ended: () => void
}

/**
 * Sends a request on, with the headers as settled before, and streams the answer back, bytes untouched. Ends when the answer has ended, or
 * when either side has gone; the request at the node is freed then.
 * @param body what goes on as the body, where the request has one: its own bytes (openUpload), or what inspects them. Whoever made it may
 * end the whole by destroying it with a GatewayError: the request at the node is broken off before its end
 * @param watch sees the node's answer
 * @throws GatewayError upstreamUnavailable, upstreamTimeout, or that with which the body was destroyed: only while nothing was answered yet
 */
export type Forward = (
  request: IncomingMessage,
  response: ServerResponse,
  headers: RawHeaders,
  body?: Readable,
  watch?: AnswerWatch,
) => Promise<void>

/** A request that asks for its connection to be upgraded, and to which no parser listens any more. */
export interface AskedUpgrade {
  readonly protocol: UpgradeProtocol
  /** Nothing of it was read behind the request's headers. */
  readonly socket: Socket
}

/**
 * Sends a request on that is to upgrade its connection. Once the node has switched protocols, bytes go both ways as they come, with back-pressure,
 * until either side has gone; an answer of any other kind is passed on as that to any request. Of what the caller sends before, the node gets nothing.
 * @returns once there is an answer: when all of it is over
 * @throws GatewayError upstreamUnavailable, upstreamTimeout, overloaded: only while nothing was answered yet
 */
export type ForwardUpgrade = (
  request: IncomingMessage,
  response: ServerResponse,
  headers: RawHeaders,
  asked: AskedUpgrade,
) => Promise<{ readonly closed: Promise<void> }>

export interface Engine {
  readonly forward: Forward
  close(): Promise<void>
}

/** One that also knows to upgrade connections. */
export interface UpgradingEngine extends Engine {
  readonly forwardUpgrade: ForwardUpgrade
  /** Upgraded connections that stand. */
  readonly upgraded: () => number
}

/** Whether a request carries a body, by its framing (RFC 9112 section 6.3). */
export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length']
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) > 0)
}

/** Whether a body comes in chunks, of a length that is not told. */
export function isChunked({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined && headers['content-length'] === undefined
}
