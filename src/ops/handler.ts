import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'

import type { OpsAccess } from './access.ts'
import { answerExplain } from './explain.ts'
import type { Explain } from './explain.ts'
import { readiness } from './health.ts'
import type { ReadChecks } from './health.ts'
import type { Metrics } from './metrics.ts'

interface OpsParts {
  readonly checks: ReadChecks
  readonly metrics: Pick<Metrics, 'expose'>
  readonly explain: Explain
  readonly access: OpsAccess
}

/** Answers on the ops port: `/livez`, `/readyz`, `/metrics`, and what is asked of `/explain`. */
export function createOpsHandler({ checks, metrics, explain, access }: OpsParts): RequestListener {
  return (request, response) => {
    const path = (request.url ?? '').split('?')[0]
    if (path === '/explain') {
      void answerExplain(request, access, explain).then(({ status, body, headers }) => {
        for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value)
        sendJson(request, response, status, body)
      })
      return
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      sendJson(request, response, 405, { error: 'Method not allowed' })
      return
    }
    switch (path) {
      case '/livez':
        sendJson(request, response, 200, { status: 'live' })
        return
      case '/readyz': {
        const { status, body } = readiness(checks)
        sendJson(request, response, status, body)
        return
      }
      case '/metrics':
        metrics.expose().then(
          ({ contentType, text }) => send(request, response, 200, contentType, text),
          () => sendJson(request, response, 500, { error: 'The metrics could not be read' }),
        )
        return
      default:
        sendJson(request, response, 404, { error: 'Not found' })
    }
  }
}

function sendJson(request: IncomingMessage, response: ServerResponse, status: number, body: unknown): void {
  send(request, response, status, 'application/json', `${JSON.stringify(body)}\n`)
}

function send(
  { method }: IncomingMessage,
  response: ServerResponse,
  status: number,
  contentType: string,
  text: string,
): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(text) })
  response.end(method === 'HEAD' ? undefined : text)
}
