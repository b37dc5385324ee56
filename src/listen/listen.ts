import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, Server, ServerOptions, ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Server as TlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

import type { ConfigFile } from '../config/schema.ts'
import { InFlight } from '../core/in-flight.ts'
import { continueWhenRead } from './continue-when-read.ts'
import { refuseUnparsable } from './refuse-unparsable.ts'
import type { UnderWay } from './refuse-unparsable.ts'
import { acceptHttp2 } from './serve-http2.ts'
import type { Http2Connections } from './serve-http2.ts'
import { canUpgrade, serveUpgrades, upgradeOptions } from './serve-upgrades.ts'
import type { Upgrades } from './serve-upgrades.ts'
import { readTlsFiles, watchTlsFiles } from './tls-files.ts'
import type { TlsFiles } from './tls-files.ts'

type Limits = ConfigFile['limits']

interface Address {
  readonly host: string
  readonly port: number
  /** Without it: plain HTTP/1.1. */
  readonly tls?: TlsFiles | undefined
}

/** For the log. */
export type ListenEvent =
  { readonly kind: 'certificateRenewed' } | { readonly kind: 'certificateRefused'; readonly error: unknown }

interface Hooks {
  readonly onEvent?: (event: ListenEvent) => void
  /** Without it no connection is upgraded. */
  readonly upgrades?: Upgrades | undefined
}

const http2Of = new WeakMap<Server, Http2Connections>()
/** Answers under way on HTTP/1.1, until their server has announced its end. */
const answersOf = new WeakMap<Server, InFlight<ServerResponse>>()
const breakUpgradedOf = new WeakMap<Server, () => void>()

/** Node's own limits of a request (stage 0), and a server that listens. Rejects where the port cannot be had. */
export async function listen(
  listener: RequestListener,
  { host, port, tls }: Address,
  limits: Limits,
  { onEvent = () => undefined, upgrades }: Hooks = {},
): Promise<Server> {
  const underWay = new WeakMap<Socket, UnderWay[]>()
  const answers = new InFlight<ServerResponse>()
  const refuse = (error: NodeJS.ErrnoException, socket: Socket): void =>
    refuseUnparsable(error, socket, underWay.get(socket) ?? [])
  const serve: RequestListener = (request, response) => {
    // The parser takes a target that ends in a line feed for HTTP/0.9, headers and all.
    if (request.httpVersionMajor !== 1) {
      refuse(new Error('not HTTP/1'), request.socket)
      return
    }
    const exchange = { request, response }
    const others = underWay.get(request.socket) ?? []
    if (others.push(exchange) === 1) underWay.set(request.socket, others)
    const leave = answersOf.has(server) ? answers.add(response) : undefined
    if (leave === undefined) response.shouldKeepAlive = false
    response.once('close', () => {
      others.splice(others.indexOf(exchange), 1)
      leave?.()
    })
    listener(request, response)
  }
  const options: ServerOptions = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersTimeout,
    requestTimeout: limits.requestTimeout,
    connectionsCheckingInterval: 1_000,
    noDelay: true,
    ...(upgrades && upgradeOptions(upgrades, ({ socket }) => (underWay.get(socket)?.length ?? 0) === 0)),
  }
  const server: Server =
    tls === undefined ? createServer(options, serve) : openTlsServer(options, serve, listener, tls, limits, onEvent)
  answersOf.set(server, answers)
  server.maxConnections = limits.connections
  server.on('clientError', refuse)
  if (upgrades !== undefined && canUpgrade()) breakUpgradedOf.set(server, serveUpgrades(server, upgrades))
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    continueWhenRead(request, response)
    serve(request, response)
  })
  await new Promise<void>((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => reject(cannotListen(host, port, error))
    server.once('error', fail).listen(port, host, () => {
      server.off('error', fail)
      resolve()
    })
  })
  return server
}

/** HTTPS: HTTP/1.1 as without TLS, and HTTP/2 for those who choose it in the handshake (ALPN). */
function openTlsServer(
  options: ServerOptions,
  serve: RequestListener,
  listener: RequestListener,
  tls: TlsFiles,
  limits: Limits,
  onEvent: (event: ListenEvent) => void,
): TlsServer {
  const context = readTlsFiles(tls)
  const handshake = { ALPNProtocols: ['h2', 'http/1.1'], handshakeTimeout: limits.headersTimeout }
  const server = createTlsServer({ ...options, ...context, ...handshake }, serve)
  const http2 = acceptHttp2(listener, limits)
  const serveHttp1 = server.listeners('secureConnection')
  server.removeAllListeners('secureConnection')
  server.on('secureConnection', (socket: TLSSocket) => {
    if (socket.alpnProtocol === 'h2') http2.take(socket)
    else for (const take of serveHttp1) take.call(server, socket)
  })
  http2Of.set(server, http2)
  const watch = watchTlsFiles(tls, {
    onChange: (renewed) => {
      server.setSecureContext(renewed)
      onEvent({ kind: 'certificateRenewed' })
    },
    onRefused: (error) => onEvent({ kind: 'certificateRefused', error }),
  })
  server.once('close', () => watch.close())
  return server
}

const REMEDIES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use; stop what listens there, or set another port (0 takes a free one)',
  EACCES: 'this user may not listen there; set a port from 1024 up',
  EADDRNOTAVAIL: 'this machine has no such address; set another host',
}

function cannotListen(host: string, port: number, cause: NodeJS.ErrnoException): Error {
  const why = REMEDIES[cause.code ?? ''] ?? cause.message
  return new Error(`Cannot listen on ${host}:${String(port)}: ${why}`, { cause })
}

export function urlOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo
  const scheme = 'setSecureContext' in server ? 'https' : 'http'
  return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${String(port)}`
}

/**
 * Tells clients that it will end, and goes on serving: each answer closes its connection (RFC 9112 section 9.6), and those of HTTP/2 are asked to open no
 * more streams (RFC 9113 section 6.8), while streams that they have opened already are still served.
 */
export function announceEnd(server: Server): void {
  // What has begun to be answered says nothing of the connection any more.
  for (const response of answersOf.get(server)?.items() ?? [])
    if (!response.headersSent) response.shouldKeepAlive = false
  answersOf.delete(server)
  http2Of.get(server)?.announceEnd()
}

/** Stops accepting; idle connections are closed as they become idle, the others after the time given. */
export async function drain(server: Server, timeMs: number): Promise<void> {
  announceEnd(server)
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  const sweep = setInterval(() => server.closeIdleConnections(), 50)
  const deadline = setTimeout(() => {
    server.closeAllConnections()
    breakUpgradedOf.get(server)?.()
    http2Of.get(server)?.destroy()
  }, timeMs)
  server.closeIdleConnections()
  http2Of.get(server)?.drain()
  await closed
  clearInterval(sweep)
  clearTimeout(deadline)
}
