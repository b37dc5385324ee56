import { Agent as HttpAgent } from 'node:http'
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { Duplex } from 'node:stream'

import { createProxyMiddleware } from 'http-proxy-middleware'

import type { Attempt } from '../core/cluster-nodes.ts'
import { GatewayError } from '../core/failure.ts'
import { mayHaveRun, neverSent } from '../core/never-sent.ts'
import type { Engine, ForwardOptions } from './engine.ts'
import { pairsOf, responseHeaders } from './headers.ts'
import type { RawHeaders } from './headers.ts'
import { overNodes } from './over-nodes.ts'
import { watchUnreadAnswers } from './unread-answer.ts'

type Middleware = ReturnType<typeof createProxyMiddleware>
/** What belongs to a request under way, by what the middleware takes for it. */
type UnderWay = WeakMap<IncomingMessage, { readonly target: string; readonly fail: (error: unknown) => void }>

/** The other engine: for operators who know this middleware, by setting. */
export function forwardWithHttpProxyMiddleware(options: ForwardOptions): Engine {
  const agents: (HttpAgent | HttpsAgent)[] = []
  const underWay: UnderWay = new WeakMap()
  const attempts = new WeakMap<ServerResponse, Attempt>()
  const openProxy = (node: string): Middleware => {
    const agent = openAgent(node, options)
    agents.push(agent)
    return createProxyMiddleware({
      target: node,
      agent,
      changeOrigin: true,
      // The middleware reads a target as a reference to a URL (pathFilter), and does not send on `//`, which is none. It sees every one as `/` up to here.
      pathRewrite: (path, source) => underWay.get(source)?.target ?? path,
      // The default plugins answer errors in words of their own, and log with the console. Without them the option `on` has no effect.
      ejectPlugins: true,
      plugins: [
        (server) => {
          server.on('proxyReq', (outgoing, source, response) => {
            endWhenSilent(outgoing, response, options.silenceTimeoutMs)
            // A body that is given up is an error of the source, which the middleware reports and then forgets what it had begun.
            if (source.errored) outgoing.destroy()
            else source.once('error', () => outgoing.destroy())
          })
          server.on('proxyRes', (answer, _source, response) => {
            attempts.get(response)?.heard(answer.statusCode ?? 0)
            answer.headers = grouped(responseHeaders(answer.rawHeaders))
            // It would write keep-alive otherwise, whatever the caller asked for.
            answer.headers.connection = response.shouldKeepAlive ? 'keep-alive' : 'close'
            // Before the middleware's own listener, which ends the answer.
            answer.once('end', () => response.addTrailers(pairsOf(responseHeaders(answer.rawTrailers))))
          })
          server.on('error', (error, request, response) => {
            if (response !== undefined && 'headersSent' in response && response.headersSent) response.destroy()
            if (request !== undefined) underWay.get(request)?.fail(error)
          })
        },
      ],
    })
  }
  const unread = watchUnreadAnswers(options.silenceTimeoutMs)
  const proxies = new Map(options.nodes.map((node) => [node, openProxy(node)]))
  return {
    async forward(request, response, headers, body) {
      unread.watch(response)
      await overNodes(options.choice, response, body, async (attempt) => {
        const proxy = proxies.get(attempt.node)
        if (proxy === undefined) throw new GatewayError('upstreamUnavailable')
        attempts.set(response, attempt)
        await relay(proxy, underWay, request, response, headers, body)
      })
    },
    close() {
      for (const agent of agents) agent.destroy()
      unread.close()
      return Promise.resolve()
    },
  }
}

/** An agent whose new connections, TLS and all, stand within the connect timeout or not at all. */
function openAgent(node: string, options: ForwardOptions): HttpAgent {
  const { ca, clientCertificate, maxConnections, idleTimeoutMs, connectTimeoutMs } = options
  const isTls = node.startsWith('https:')
  // Not `timeout`: that would also end a connection whose node thinks about an answer, or is still shaking hands.
  const keepAlive = { keepAlive: true, maxSockets: maxConnections }
  const agent = isTls
    ? new HttpsAgent({ ...keepAlive, ...(ca === undefined ? {} : { ca }), ...clientCertificate })
    : new HttpAgent(keepAlive)
  const create = agent.createConnection.bind(agent)
  agent.createConnection = (target, callback) => {
    const socket = create(target, callback)
    const timer = setTimeout(() => socket?.destroy(neverSent(new Error('no connection in time'))), connectTimeoutMs)
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
function endWhenSilent(outgoing: ClientRequest, response: ServerResponse, silenceTimeoutMs: number): void {
  const end = (): unknown => outgoing.destroy(Object.assign(new Error('the node was silent'), { code: 'ETIMEDOUT' }))
  outgoing.setTimeout(silenceTimeoutMs).on('timeout', () => {
    // The node is not asked for more while the caller has yet to read: that is not its silence.
    if (response.writableNeedDrain) outgoing.socket?.setTimeout(silenceTimeoutMs)
    else end()
  })
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
  underWay: UnderWay,
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
      reject(failureOf(body.errored, true))
      return
    }
    const { method, url: target = '/', httpVersion, httpVersionMajor, socket } = request
    const isChunked = body !== undefined && request.headers['content-length'] === undefined
    // Without this a chunked DELETE would go out as `content-length: 0` with its body behind it: a smuggled request.
    const framed = { ...grouped(headers), ...(isChunked ? { 'transfer-encoding': 'chunked' } : {}) }
    const parts = { method, url: '/', httpVersion, httpVersionMajor, socket, headers: framed }
    const source = Object.assign(body ?? emptyBody(), parts) as unknown as IncomingMessage
    const fail = (error: unknown): void => reject(failureOf(error, body !== undefined))
    underWay.set(source, {
      target,
      fail(error) {
        if (response.headersSent || response.destroyed) resolve()
        else fail(error)
      },
    })
    response.sendDate = false
    proxy(source, response, fail).catch(fail)
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

/** @param isBodyUsed the middleware reads a body before it has a connection, so that it cannot be sent to another node */
function failureOf(error: unknown, isBodyUsed: boolean): GatewayError {
  if (error instanceof GatewayError) return error
  const { code, syscall } = (typeof error === 'object' && error !== null ? error : {}) as {
    code?: unknown
    syscall?: unknown
  }
  if (syscall === 'connect' || syscall === 'getaddrinfo' || !mayHaveRun(error)) {
    const cause = new Error('No connection', { cause: error })
    return new GatewayError('upstreamUnavailable', { cause: isBodyUsed ? cause : neverSent(cause) })
  }
  return new GatewayError(code === 'ETIMEDOUT' ? 'upstreamTimeout' : 'upstreamUnavailable', { cause: error })
}
