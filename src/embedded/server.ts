import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { WireAnswer } from './answers.ts'
import { answerRequest } from './answers.ts'
import { Store } from './store.ts'

const MAX_BODY_BYTES = 10 * 1024 * 1024
const DEFAULT_VERSION = '3.4.0'

/**
 * Starts an in-process HTTP server on 127.0.0.1 that speaks the part of OpenSearch's document API that the gateway uses. It keeps everything in
 * memory, answers anyone, and is for trying the gateway: never for data that matters.
 */
export async function startEmbeddedStore(
  options: { port?: number; version?: string } = {},
): Promise<{ url: string; close(): Promise<void> }> {
  const { port = 0, version = DEFAULT_VERSION } = options
  const store = new Store()
  const server = createServer((request, response) => void serve(request, response, { store, version }))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve())
  })
  const { port: taken } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${taken}`,
    close: async () => {
      store.close()
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  context: { store: Store; version: string },
): Promise<void> {
  try {
    const body = await readBody(request)
    send(request, response, context.version, body === 'tooLarge' ? tooLarge() : await answer(request, body, context))
  } catch (error) {
    // Either the caller went away, or there is a mistake of ours, which its own message says best: nothing here is secret.
    if (!response.headersSent) send(request, response, context.version, ownFailure(error))
  }
}

async function answer(
  request: IncomingMessage,
  body: Buffer,
  context: { store: Store; version: string },
): Promise<WireAnswer> {
  const contentTypes = request.headersDistinct['content-type'] ?? []
  return answerRequest({ method: request.method ?? '', target: request.url ?? '/', contentTypes, body }, context)
}

async function readBody(request: IncomingMessage): Promise<Buffer | 'tooLarge'> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= MAX_BODY_BYTES) chunks.push(chunk)
    else chunks.length = 0
  }
  return size > MAX_BODY_BYTES ? 'tooLarge' : Buffer.concat(chunks)
}

function tooLarge(): WireAnswer {
  return errorAnswer(
    413,
    'content_too_long_exception',
    `The embedded store takes bodies of at most ${MAX_BODY_BYTES} bytes`,
  )
}

function ownFailure(error: unknown): WireAnswer {
  return errorAnswer(500, 'embedded_store_exception', error instanceof Error ? error.message : 'unknown failure')
}

function errorAnswer(status: number, type: string, reason: string): WireAnswer {
  const cause = { type, reason }
  const body = JSON.stringify({ error: { root_cause: [cause], ...cause }, status })
  return { status, headers: { 'content-type': 'application/json; charset=UTF-8' }, body }
}

function send(request: IncomingMessage, response: ServerResponse, version: string, answer: WireAnswer): void {
  const opaqueId = request.headers['x-opaque-id']
  if (opaqueId !== undefined) response.setHeader('X-Opaque-Id', opaqueId)
  for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value)
  response.setHeader('X-OpenSearch-Version', `OpenSearch/${version} (opensearch)`)
  response.setHeader('content-length', Buffer.byteLength(answer.body, 'utf8'))
  // The server sends neither a date nor a word about keeping the connection.
  response.sendDate = false
  response.removeHeader('connection')
  response.statusCode = answer.status
  response.end(request.method === 'HEAD' ? undefined : answer.body)
}
