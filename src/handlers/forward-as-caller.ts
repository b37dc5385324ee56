import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

import { hasBody, isChunked } from '../forward/engine.ts'
import type { AnswerWatch } from '../forward/engine.ts'
import { settleHeaders } from '../forward/settle-headers.ts'
import { openUpload } from '../forward/upload.ts'
import type { Admitted, HandlerParts } from './exchange.ts'
import { freshIds } from './fresh-ids.ts'
import type { Asked } from './work.ts'

type Boundary = HandlerParts['boundary']

/** What was settled of a request before it goes on. */
interface Settled {
  readonly headers?: readonly string[]
  /** The bytes of its body, where they were read. */
  readonly body?: Buffer | undefined
  readonly watch?: AnswerWatch | undefined
}

/** Sends a request on to the cluster as the caller: its headers cleaned, and then ours; its bytes untouched. That it may is decided before. */
export async function forwardAsCaller(
  { boundary }: { readonly boundary: Boundary },
  exchange: Admitted,
  { headers = headersToNode(boundary, exchange), body: read, watch }: Settled = {},
): Promise<'forwarded'> {
  const { request, response, cluster } = exchange
  const body = read === undefined ? uploadOf(request, boundary) : Readable.from([read], { objectMode: false })
  // What is left of the body is read and dropped: see openUpload.
  await exchange.waited
    .during(() => cluster.forward(request, response, headers, body, watch))
    .finally(() => body?.destroy())
  return 'forwarded'
}

function uploadOf(request: IncomingMessage, { maxBodyBytes }: Boundary): Readable | undefined {
  return hasBody(request) ? openUpload(request, maxBodyBytes) : undefined
}

/**
 * Whether the caller can be named to the cluster, as a request that goes on names them.
 * @throws GatewayError unsendableIdentity
 */
export function checkIdentity({ cluster, principal, notes }: Asked): void {
  notes.stage = 'identity'
  cluster.identityOf(principal)
}

/** The headers with which a request goes on, as settled at the header boundary. */
export function headersToNode(
  { isTrustedProxy }: Boundary,
  { request, requestId, cluster, principal }: Admitted,
): string[] {
  const arrival = {
    rawHeaders: request.rawHeaders,
    httpVersion: request.httpVersion,
    peer: request.socket.remoteAddress ?? '',
    isTls: 'encrypted' in request.socket,
    isChunked: isChunked(request),
    requestId,
    fresh: freshIds(),
  }
  return settleHeaders(arrival, {
    isTrustedProxy,
    allowTenantHeader: cluster.allowTenantHeader,
    identity: cluster.identityOf(principal),
  })
}
