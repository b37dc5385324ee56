import type { IncomingMessage, ServerResponse } from 'node:http'

import { Pool, errors } from 'undici'
import type { Dispatcher } from 'undici'

import { GatewayError } from '../core/failure.ts'
import { hasBody } from './engine.ts'
import type { Engine, ForwardOptions } from './engine.ts'
import { responseHeaders } from './headers.ts'
import type { RawHeaders } from './headers.ts'

/** The default engine: undici's `dispatch`, with the raw headers and back-pressure both ways. */
export function forwardWithUndici(options: ForwardOptions): Engine {
  const pools = options.nodes.map(
    (node) =>
      new Pool(node, {
        connections: options.maxConnections,
        pipelining: 1,
        allowH2: false,
        keepAliveTimeout: options.idleTimeoutMs,
        keepAliveMaxTimeout: options.idleTimeoutMs,
        headersTimeout: options.silenceTimeoutMs,
        bodyTimeout: options.silenceTimeoutMs,
        connect: { ...(options.ca === undefined ? {} : { ca: options.ca }), timeout: options.connectTimeoutMs },
      }),
  )
  let turn = 0
  return {
    async forward(request, response, headers) {
      const pool = pools[turn++ % pools.length]
      if (pool === undefined) throw new GatewayError('upstreamUnavailable')
      await dispatch(pool, request, response, headers)
    },
    async close() {
      await Promise.all(pools.map((pool) => pool.close()))
    },
  }
}

function dispatch(pool: Pool, request: IncomingMessage, response: ServerResponse, headers: RawHeaders): Promise<void> {
  return new Promise((resolve, reject) => {
    pool.dispatch(
      {
        method: request.method ?? 'GET',
        path: request.url ?? '/',
        headers: withoutEmptyLength(headers),
        body: hasBody(request) ? request : null,
      },
      relay(response, resolve, reject),
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
function relay(response: ServerResponse, done: () => void, fail: (error: unknown) => void): Dispatcher.DispatchHandler {
  let stopListening = (): void => undefined
  return {
    onRequestStart(controller) {
      const onClose = (): void => {
        if (!response.writableFinished) controller.abort(new Error('The caller has gone'))
      }
      const onDrain = (): void => controller.resume()
      response.on('close', onClose).on('drain', onDrain)
      stopListening = () => response.off('close', onClose).off('drain', onDrain)
      if (response.destroyed) onClose()
    },
    onResponseStart(controller, statusCode, _headers, statusMessage) {
      if (statusCode < 200) return
      response.sendDate = false
      response.writeHead(statusCode, statusMessage ?? '', responseHeaders(rawStrings(controller.rawHeaders)))
      response.flushHeaders()
    },
    onResponseData(controller, chunk) {
      if (!response.write(chunk)) controller.pause()
    },
    onResponseEnd(controller) {
      stopListening()
      const trailers = rawStrings(controller.rawTrailers)
      if (trailers.length > 0) response.addTrailers(pairsOf(trailers))
      response.end()
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
  const isTimeout = error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError
  return new GatewayError(isTimeout ? 'upstreamTimeout' : 'upstreamUnavailable', { cause: error })
}

function rawStrings(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  return Array.isArray(raw) ? raw.map((item) => (typeof item === 'string' ? item : item.toString('latin1'))) : []
}

function pairsOf(flat: readonly string[]): [string, string][] {
  return flat.flatMap((name, position) =>
    position % 2 === 0 ? [[name, flat[position + 1] ?? ''] satisfies [string, string]] : [],
  )
}
