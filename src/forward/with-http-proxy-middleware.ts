import { Agent as HttpAgent } from 'node:http'
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

import { createProxyMiddleware } from 'http-proxy-middleware'

import { GatewayError } from '../core/failure.ts'
import type { Engine, ForwardOptions } from './engine.ts'
import { responseHeaders } from './headers.ts'
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
          server.on('proxyReq', (outgoing) => endWhenSilent(outgoing, options.silenceTimeoutMs))
          server.on('proxyRes', (answer, _request, response) => {
            dropHopHeaders(answer)
            // It would write keep-alive otherwise, whatever the caller asked for.
            answer.headers.connection = response.shouldKeepAlive ? 'keep-alive' : 'close'
          })
          server.on('error', (error, request, response) => {
            if (response !== undefined && 'headersSent' in response && response.headersSent) response.destroy()
            if (request !== undefined) failures.get(request)?.(failureOf(error))
          })
        },
      ],
      preserveHeaderKeyCase: true,
    })
  })
  let turn = 0
  return {
    async forward(request, response, headers) {
      const proxy = proxies[turn++ % proxies.length]
      if (proxy === undefined) throw new GatewayError('upstreamUnavailable')
      await relay(proxy, failures, request, response, headers)
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

/** In place of the middleware's own timeout, whose error looks like any broken connection. */
function endWhenSilent(outgoing: ClientRequest, silenceTimeoutMs: number): void {
  const error = Object.assign(new Error('the node was silent'), { code: 'ETIMEDOUT' })
  outgoing.setTimeout(silenceTimeoutMs, () => outgoing.destroy(error))
}

/**
 * Headers are settled on the request itself before the middleware is called: its `proxyReq` event does not fire under `Expect: 100-continue`.
 */
function relay(
  proxy: Middleware,
  failures: WeakMap<IncomingMessage, (error: GatewayError) => void>,
  request: IncomingMessage,
  response: ServerResponse,
  headers: RawHeaders,
): Promise<void> {
  return new Promise((resolve, reject) => {
    failures.set(request, (error) => {
      if (response.headersSent || response.destroyed) resolve()
      else reject(error)
    })
    response.once('close', resolve)
    if (response.destroyed) {
      resolve()
      return
    }
    const isChunked = request.headers['transfer-encoding'] !== undefined
    // Without this a chunked DELETE would go out as `content-length: 0` with its body behind it: a smuggled request.
    request.headers = { ...grouped(headers), ...(isChunked ? { 'transfer-encoding': 'chunked' } : {}) }
    response.sendDate = false
    proxy(request, response, (error: unknown) => reject(failureOf(error))).catch((error: unknown) =>
      reject(failureOf(error)),
    )
  })
}

function grouped(headers: RawHeaders): Record<string, string | string[]> {
  const groups = Object.create(null) as Record<string, string | string[]>
  for (let position = 0; position + 1 < headers.length; position += 2) {
    const name = (headers[position] ?? '').toLowerCase()
    const value = headers[position + 1] ?? ''
    const before = groups[name]
    groups[name] = before === undefined ? value : [before, value].flat()
  }
  return groups
}

/** The middleware passes every header of the node's answer on; those of its hop are taken out before. */
function dropHopHeaders(answer: IncomingMessage): void {
  const kept = new Set(
    responseHeaders(answer.rawHeaders).flatMap((name, at) => (at % 2 === 0 ? [name.toLowerCase()] : [])),
  )
  for (const name of Object.keys(answer.headers)) {
    if (!kept.has(name)) Reflect.deleteProperty(answer.headers, name)
  }
}

function failureOf(error: unknown): GatewayError {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return new GatewayError(code === 'ETIMEDOUT' ? 'upstreamTimeout' : 'upstreamUnavailable', { cause: error })
}
