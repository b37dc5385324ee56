import { randomBytes } from 'node:crypto'

import { hasBody } from '../forward/engine.ts'
import { settleHeaders } from '../forward/settle-headers.ts'
import { openUpload } from '../forward/upload.ts'
import type { Admitted, Handled, HandlerParts } from './exchange.ts'
import { forwardInspected } from './forward-inspected.ts'
import { guardRequest } from './guard.ts'
import { refusalError } from './refuse.ts'

/** What goes on to the cluster as the caller, where the guard lets it: its headers cleaned, and then ours; its bytes untouched. */
export async function handlePassThrough({ boundary, guard }: HandlerParts, exchange: Admitted): Promise<Handled> {
  const check = await guardRequest(guard, exchange)
  const headers = headersOf(boundary, exchange)
  if (check !== undefined && hasBody(exchange.request))
    await forwardInspected(exchange, check, headers, boundary.maxBodyBytes)
  else if (check?.unnamed !== undefined) throw refusalError(check.unnamed)
  else await forwardWhole(boundary, exchange, headers)
  return 'forwarded'
}

type Boundary = HandlerParts['boundary']

async function forwardWhole(
  { maxBodyBytes }: Boundary,
  { request, response, cluster }: Admitted,
  headers: readonly string[],
): Promise<void> {
  const body = hasBody(request) ? openUpload(request, maxBodyBytes) : undefined
  // What is left of the body is read and dropped: see openUpload.
  await cluster.forward(request, response, headers, body).finally(() => body?.destroy())
}

function headersOf({ isTrustedProxy }: Boundary, { request, requestId, cluster, principal }: Admitted): string[] {
  const arrival = {
    rawHeaders: request.rawHeaders,
    httpVersion: request.httpVersion,
    peer: request.socket.remoteAddress ?? '',
    isTls: 'encrypted' in request.socket,
    requestId,
    fresh: { traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex') },
  }
  return settleHeaders(arrival, {
    isTrustedProxy,
    allowTenantHeader: cluster.allowTenantHeader,
    identity: cluster.identityOf(principal),
  })
}
