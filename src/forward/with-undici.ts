import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'

import { buildConnector, Pool, errors } from 'undici'
import type { Dispatcher } from 'undici'

import type { Attempt } from '../core/cluster-nodes.ts'
import { GatewayError } from '../core/failure.ts'
import { neverSent } from '../core/never-sent.ts'
import type { AnswerWatch, Engine, ForwardOptions } from './engine.ts'
import { pairsOf, reasonPhrase, responseHeaders } from './headers.ts'
import type { RawHeaders } from './headers.ts'
import { inFewWrites } from './in-few-writes.ts'
import { overNodes } from './over-nodes.ts'
import { watchUnreadAnswers } from './unread-answer.ts'

/** The default engine: undici's `dispatch`, with the raw headers and back-pressure both ways. */
export function forwardWithUndici(options: ForwardOptions): Engine {
  const unread = watchUnreadAnswers(options.silenceTimeoutMs)
  const pools = new Map(options.nodes.map((node) => [node, openPool(node, options)]))
  return {
    async forward(request, response, headers, body, watch) {
      unread.watch(response)
      await overNodes(options.choice, response, body, async (attempt) => {
        const pool = pools.get(attempt.node)
        if (pool === undefined) throw new GatewayError('upstreamUnavailable')
        await dispatch(pool, attempt, request, response, headers, body, watch)
      })
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.close()))
      unread.close()
    },
  }
}

function openPool(node: string, options: ForwardOptions): Pool {
  return new Pool(node, {
    connections: options.maxConnections,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: options.idleTimeoutMs,
    keepAliveMaxTimeout: options.idleTimeoutMs,
    headersTimeout: options.silenceTimeoutMs,
    bodyTimeout: options.silenceTimeoutMs,
    connect: markingConnector(options),
  })
}

/** Of what fails before a connection stands, TLS and all, nothing was sent, and undici has not touched the body. */
function markingConnector({ ca, clientCertificate, connectTimeoutMs }: ForwardOptions): buildConnector.connector {
  const connect = buildConnector({
    ...(ca === undefined ? {} : { ca }),
    ...clientCertificate,
    timeout: connectTimeoutMs,
    allowH2: false,
  })
  return (target, callback) => {
    connect(target, (error, socket) => {
      if (error === null) callback(null, socket)
      else callback(neverSent(error), null)
    })
  }
}

function dispatch(
  pool: Pool,
  attempt: Attempt,
  request: IncomingMessage,
  response: ServerResponse,
  headers: RawHeaders,
  body: Readable | undefined,
  watch: AnswerWatch | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (response.destroyed) {
      resolve()
      return
    }
    if (body?.errored) {
      reject(failureOf(body.errored))
      return
    }
    pool.dispatch(
      {
        method: request.method ?? 'GET',
        path: request.url ?? '/',
        headers: withoutEmptyLength(headers),
        body: body ?? null,
        // Else a connection ends with each HEAD, and with each GET or DELETE that has a body.
        reset: false,
      },
      relay(attempt, response, body, watch, resolve, reject),
    )
  })
}

/** undici frames a request without a body itself. */
function withoutEmptyLength(headers: RawHeaders): string[] {
  return headers.flatMap((name, position) => {
    if (position % 2 === 1) return []
    const value = headers[position + 1] ?? ''
    return name.toLowerCase() === 'content-length' && Number(value) === 0 ? [] : [name, value]
  })
}

/** Passes an answer on as it comes, and ends the upstream request when the caller has gone. */
function relay(
  attempt: Attempt,
  response: ServerResponse,
  body: Readable | undefined,
  watch: AnswerWatch | undefined,
  done: () => void,
  fail: (error: unknown) => void,
): Dispatcher.DispatchHandler {
  let begun: Dispatcher.DispatchController | undefined
  const writes = inFewWrites(response)
  const onClose = (): void => {
    if (response.writableFinished) return
    begun?.abort(new Error('The caller has gone'))
    done()
  }
  const onDrain = (): void => begun?.resume()
  response.on('close', onClose).on('drain', onDrain)
  const stopListening = (): unknown => response.off('close', onClose).off('drain', onDrain)
  return {
    onRequestStart(controller) {
      // It waited for a connection. Thrown and not aborted: that would end a connection on which nothing was sent.
      if (response.destroyed) throw new Error('The caller has gone')
      if (body?.errored) throw body.errored
      begun = controller
    },
    onResponseStart(controller, statusCode, _headers, statusMessage) {
      if (statusCode < 200) return
      attempt.heard(statusCode)
      response.sendDate = false
      const headers = responseHeaders(rawStrings(controller.rawHeaders))
      watch?.begun(statusCode, headers)
      writes.head(statusCode, reasonPhrase(statusMessage), headers)
    },
    onResponseData(controller, chunk) {
      watch?.take(chunk)
      if (!writes.body(chunk)) controller.pause()
    },
    onResponseEnd(controller) {
      stopListening()
      const trailers = responseHeaders(rawStrings(controller.rawTrailers))
      if (trailers.length > 0) response.addTrailers(pairsOf(trailers))
      watch?.ended()
      writes.end()
      done()
    },
    onResponseError(_controller, error) {
      stopListening()
      if (response.headersSent || response.destroyed) {
        // Half an answer must not look like a whole one.
        response.destroy()
        done()
        return
      }
      fail(failureOf(error))
    },
  }
}

function failureOf(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error
  const isTimeout = error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError
  return new GatewayError(isTimeout ? 'upstreamTimeout' : 'upstreamUnavailable', { cause: error })
}

function rawStrings(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  return Array.isArray(raw) ? raw.map((item) => (typeof item === 'string' ? item : item.toString('latin1'))) : []
}
