import type { IncomingMessage, ServerResponse } from 'node:http'

/** One cause of not being ready, told apart from the others. */
export interface HealthCheck {
  readonly ok: boolean
  readonly [detail: string]: unknown
}

export interface Health {
  /** Every check by name; read anew for each request. */
  readonly checks: () => Readonly<Record<string, HealthCheck>>
}

/** Answers `/livez` and `/readyz` on the ops port. */
export function createHealthHandler({ checks }: Health): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const path = (request.url ?? '').split('?')[0]
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      send(request, response, 405, { error: 'Method not allowed' })
    } else if (path === '/livez') {
      send(request, response, 200, { status: 'live' })
    } else if (path === '/readyz') {
      const now = checks()
      const isReady = Object.values(now).every(({ ok }) => ok)
      send(request, response, isReady ? 200 : 503, { status: isReady ? 'ready' : 'not ready', checks: now })
    } else {
      send(request, response, 404, { error: 'Not found' })
    }
  }
}

function send(request: IncomingMessage, response: ServerResponse, status: number, body: unknown): void {
  const text = `${JSON.stringify(body)}\n`
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  response.end(request.method === 'HEAD' ? undefined : text)
}
