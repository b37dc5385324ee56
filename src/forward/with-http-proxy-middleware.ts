import { Agent as HttpAgent } from 'node:http'
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { Duplex } from 'node:stream'

import { createProxyMiddleware } from 'http-proxy-middleware'

import { GatewayError } from '../core/failure.ts'
import type { Engine, ForwardOptions } from './engine.ts'
import { pairsOf, responseHeaders } from './headers.ts'
import type { RawHeaders } from './headers.ts'

type Middleware = ReturnType<typeof createProxyMiddleware>

/** The other engine: for operators who know this middleware, by setting. */
export function forwardWithHttpProxyMiddleware(options: ForwardOptions): Engine {
  const agents: (HttpAgent | HttpsAgent)[] = []
  const failures = new WeakMap<IncomingMessage, (error: GatewayError) => void>()
  const proxies = options.nodes.map((node) => {
    const agent = openAgent(node, options)
    agents.push(agent)
    return createProxyMiddleware({
      target: node,
      agent,
      changeOrigin: true,
      // The default plugins answer errors in words of their own, and log with the console. Without them the option `on` has no effect.
      ejectPlugins: true,
      plugins: [
        (server) => {
          server.on('proxyReq', (outgoing, source) => {
            endWhenSilent(outgoing, options.silenceTimeoutMs)
            // A body that is given up is an error of the source, which the middleware reports and then forgets what it had begun.
            if (source.errored) outgoing.destroy()
            else source.once('error', () => outgoing.destroy())
          })
          server.on('proxyRes', (answer, _source, response) => {
            answer.headers = grouped(responseHeaders(answer.rawHeaders))
            // It would write keep-alive otherwise, whatever the caller asked for.
            answer.headers.connection = response.shouldKeepAlive ? 'keep-alive' : 'close'
            // Before the middleware's own listener, which ends the answer.
            answer.once('end', () => response.addTrailers(pairsOf(responseHeaders(answer.rawTrailers))))
          })
          server.on('error', (error, request, response) => {
            if (response !== undefined && 'headersSent' in response && response.headersSent) response.destroy()
            if (request !== undefined) failures.get(request)?.(failureOf(error))
          })
        },
      ],
    })
  })
  let turn = 0
  return {
    async forward(request, response, headers, body) {
      const proxy = proxies[turn++ % proxies.length]
      if (proxy === undefined) throw new GatewayError('upstreamUnavailable')
      await relay(proxy, failures, request, response, headers, body)
    },
    close() {
      for (const agent of agents) agent.destroy()
      return Promise.resolve()
    },
  }
}

/** An agent whose new connections, TLS and all, stand within the connect timeout or not at all. */
function openAgent(node: string, { ca, maxConnections, idleTimeoutMs, connectTimeoutMs }: ForwardOptions): HttpAgent {
  const isTls = node.startsWith('https:')
  // Not `timeout`: that would also end a connection whose node thinks about an answer, or is still shaking hands.
  const keepAlive = { keepAlive: true, maxSockets: maxConnections }
  const agent = isTls ? new HttpsAgent({ ...keepAlive, ...(ca === undefined ? {} : { ca }) }) : new HttpAgent(keepAlive)
  const create = agent.createConnection.bind(agent)
  agent.createConnection = (options, callback) => {
    const socket = create(options, callback)
    const timer = setTimeout(() => socket?.destroy(new Error('no connection in time')), connectTimeoutMs)
    for (const event of [isTls ? 'secureConnect' : 'connect', 'close']) socket?.once(event, () => clearTimeout(timer))
    return socket
  }
  // Node's types keep quiet about what it returns: whether the connection is kept at all.
  const keep: (socket: Duplex) => unknown = agent.keepSocketAlive.bind(agent)
  const reuse = agent.reuseSocket.bind(agent)
  agent.keepSocketAlive = (socket) => {
    const isKept = keep(socket)
    if (socket instanceof Socket) socket.setTimeout(idleTimeoutMs)
    return isKept
  }
  agent.reuseSocket = (socket, request) => {
    if (socket instanceof Socket) socket.setTimeout(0)
    reuse(socket, request)
  }
  return agent
}

/** In place of the middleware's own timeout, whose error looks like any broken connection. Headers that drip are silence too. */
function endWhenSilent(outgoing: ClientRequest, silenceTimeoutMs: number): void {
  const end = (): unknown => outgoing.destroy(Object.assign(new Error('the node was silent'), { code: 'ETIMEDOUT' }))
  outgoing.setTimeout(silenceTimeoutMs, end)
  outgoing.once('finish', () => {
    const timer = setTimeout(end, silenceTimeoutMs)
    for (const event of ['response', 'close']) outgoing.once(event, () => clearTimeout(timer))
  })
}

/**
 * Headers are settled before the middleware is called: its `proxyReq` event does not fire under `Expect: 100-continue`. What it takes for the
 * caller's request is the body with those headers, so that it neither changes the request itself nor ends its connection.
 */
function relay(
  proxy: Middleware,
  failures: WeakMap<IncomingMessage, (error: GatewayError) => void>,
  request: IncomingMessage,
  response: ServerResponse,
  headers: RawHeaders,
  body: Readable | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    response.once('close', resolve)
    if (response.destroyed) {
      resolve()
      return
    }
    if (body?.errored) {
      reject(failureOf(body.errored))
      return
    }
    const { method, url, httpVersion, httpVersionMajor, socket } = request
    const isChunked = body !== undefined && request.headers['content-length'] === undefined
    // Without this a chunked DELETE would go out as `content-length: 0` with its body behind it: a smuggled request.
    const framed = { ...grouped(headers), ...(isChunked ? { 'transfer-encoding': 'chunked' } : {}) }
    const parts = { method, url, httpVersion, httpVersionMajor, socket, headers: framed }
    const source = Object.assign(body ?? emptyBody(), parts) as unknown as IncomingMessage
    failures.set(source, (error) => {
      if (response.headersSent || response.destroyed) resolve()
      else reject(error)
    })
    response.sendDate = false
    proxy(source, response, (error: unknown) => reject(failureOf(error))).catch((error: unknown) =>
      reject(failureOf(error)),
    )
  })
}

function emptyBody(): Readable {
  return new Readable({
    read() {
      this.push(null)
    },
  })
}

// What the middleware itself looks for, in lower case: it would add a second one beside another spelling.
const FRAMING = new Set(['content-length', 'transfer-encoding', 'connection', 'host'])

/** Headers as Node takes them from a middleware: each name once, as it was first spelt, with its values in order. */
function grouped(headers: RawHeaders): Record<string, string | string[]> {
  const spelling = new Map<string, string>()
  const groups = Object.create(null) as Record<string, string | string[]>
  for (const [name, value] of pairsOf(headers)) {
    const lower = name.toLowerCase()
    const key = spelling.get(lower) ?? (FRAMING.has(lower) ? lower : name)
    spelling.set(lower, key)
    const before = groups[key]
    groups[key] = before === undefined ? value : [before, value].flat()
  }
  return groups
}

function failureOf(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return new GatewayError(code === 'ETIMEDOUT' ? 'upstreamTimeout' : 'upstreamUnavailable', { cause: error })
}
