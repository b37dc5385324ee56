import type { Agent, IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'

import { createProxyMiddleware } from 'http-proxy-middleware'

import type { Attempt } from '../core/cluster-nodes.ts'
import { GatewayError } from '../core/failure.ts'
import { endWhenSilent } from './end-when-silent.ts'
import type { AnswerWatch, ForwardOptions, ForwardUpgrade, UpgradingEngine } from './engine.ts'
import { grouped } from './grouped-headers.ts'
import { pairsOf, reasonPhrase, responseHeaders } from './headers.ts'
import type { RawHeaders } from './headers.ts'
import { holdCaller } from './held-caller.ts'
import { failureOf } from './middleware-failure.ts'
import { openAgent } from './open-agent.ts'
import { overNodes } from './over-nodes.ts'
import { relayUpgrade } from './relay-upgrade.ts'
import type { RelayedUpgrade } from './relay-upgrade.ts'
import { promisedTrailers } from './trailers.ts'
import { watchUnreadAnswers } from './unread-answer.ts'
import { watchAnswer } from './watch-answer.ts'

type Middleware = ReturnType<typeof createProxyMiddleware>
/** What belongs to a request under way, by what the middleware takes for it. */
type UnderWay = WeakMap<IncomingMessage, Relayed>

interface Relayed {
  readonly target: string
  /** Known once the body has ended. */
  readonly trailers?: () => [name: string, value: string][]
  readonly sent?: RelayedUpgrade['sent']
  readonly watch?: AnswerWatch | undefined
  readonly fail: (error: unknown) => void
}

const TOO_MANY_UPGRADED = 'The gateway has too many upgraded connections to this cluster; try again later'

/** The other engine: for operators who know this middleware, by setting, and for what undici cannot do. */
export function forwardWithHttpProxyMiddleware(options: ForwardOptions): UpgradingEngine {
  const agents: Agent[] = []
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
            // Before the middleware's own listener, which ends the request.
            source.once('end', () => outgoing.addTrailers(underWay.get(source)?.trailers?.() ?? []))
          })
          server.on('proxyReqWs', (outgoing, source) => underWay.get(source)?.sent?.(outgoing))
          server.on('proxyRes', (answer, source, response) => {
            attempts.get(response)?.heard(answer.statusCode ?? 0)
            if ((answer.statusCode ?? 0) < 100) {
              // Said again it would end the process: nobody catches what the middleware's pipe throws. Nothing of the answer is taken.
              Object.assign(answer, { statusCode: 502, statusMessage: '', headers: {}, pipe: () => answer.resume() })
              underWay.get(source)?.fail(new Error('the node answered with a status that is none'))
              return
            }
            answer.statusMessage = reasonPhrase(answer.statusMessage)
            answer.headers = grouped(responseHeaders(answer.rawHeaders))
            watchAnswer(answer, underWay.get(source)?.watch)
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
  const proxyOf = ({ node }: Attempt): Middleware => {
    const proxy = proxies.get(node)
    if (proxy === undefined) throw new GatewayError('upstreamUnavailable')
    return proxy
  }
  const upgraded = new Set<ServerResponse>()
  const forwardUpgrade: ForwardUpgrade = (request, response, headers, asked) => {
    // Those that are upgraded stand beside the connections of the agent.
    if (upgraded.size >= options.maxConnections) {
      return Promise.reject(new GatewayError('overloaded', { reason: TOO_MANY_UPGRADED, retryAfterSeconds: 1 }))
    }
    unread.watch(response)
    const caller = holdCaller(asked.socket)
    return new Promise((resolve, reject) => {
      const closed = overNodes(options.choice, response, undefined, async (attempt) => {
        const onAnswer = (isSwitched: boolean): void => {
          if (isSwitched) response.once('close', () => upgraded.delete(response))
          if (isSwitched) upgraded.add(response)
          resolve({ closed })
        }
        const upgrading = { request, response, headers, asked, caller, attempt, onAnswer, ...options }
        const begin = (source: IncomingMessage, relayed: RelayedUpgrade): unknown =>
          underWay.set(source, { target: request.url ?? '/', ...relayed })
        await relayUpgrade(proxyOf(attempt), begin, upgrading)
      })
      closed.then(() => resolve({ closed }), reject)
    })
  }
  return {
    async forward(request, response, headers, body, watch) {
      unread.watch(response)
      await overNodes(options.choice, response, body, async (attempt) => {
        attempts.set(response, attempt)
        await relay(proxyOf(attempt), underWay, request, response, headers, body, watch)
      })
    },
    forwardUpgrade,
    upgraded: () => upgraded.size,
    close() {
      for (const agent of agents) agent.destroy()
      unread.close()
      return Promise.resolve()
    },
  }
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
  watch: AnswerWatch | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const tidy = rememberListeners(response)
    // The stages, the middleware and its pipe have eleven between them where there are traces: Node would warn of each request.
    response.setMaxListeners(20)
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
    const isInChunks = body !== undefined && request.headers['content-length'] === undefined
    // Without this a chunked DELETE would go out as `content-length: 0` with its body behind it: a smuggled request.
    const framed = { ...grouped(headers), ...(isInChunks ? { 'transfer-encoding': 'chunked' } : {}) }
    const parts = { method, url: '/', httpVersion, httpVersionMajor, socket, headers: framed }
    const source = Object.assign(body ?? emptyBody(), parts) as unknown as IncomingMessage
    const fail = (error: unknown): void => {
      tidy()
      reject(failureOf(error, body !== undefined))
    }
    underWay.set(source, {
      target,
      watch,
      trailers: () => promisedTrailers(request, headers),
      fail(error) {
        if (response.headersSent || response.destroyed) resolve()
        else fail(error)
      },
    })
    response.sendDate = false
    proxy(source, response, fail).catch(fail)
  })
}

/** Takes off, once, what was hung on the answer since: the next attempt hangs listeners of its own there. */
function rememberListeners(response: ServerResponse): () => void {
  const others = new Set(response.listeners('close'))
  let isDone = false
  return () => {
    // The middleware may report a failure again when the next attempt is under way. Of an answer that is begun, or over, the listeners have work to do.
    if (isDone || response.headersSent || response.destroyed) return
    isDone = true
    for (const listener of response.listeners('close') as (() => void)[]) {
      if (!others.has(listener)) response.off('close', listener)
    }
  }
}

function emptyBody(): Readable {
  const empty = new Readable({ read: () => undefined })
  empty.push(null)
  return empty
}
