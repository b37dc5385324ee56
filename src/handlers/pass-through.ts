import { decideTarget } from '../core/guard/decide.ts'
import { hasBody } from '../forward/engine.ts'
import { requestHeaders } from '../forward/headers.ts'
import type { Admitted, Handled } from './exchange.ts'
import { forwardInspected } from './forward-inspected.ts'
import { refusalError } from './refuse.ts'

/** What goes on to the cluster as the caller, where the guard lets it: its headers cleaned, and then ours; its bytes untouched. */
export async function handlePassThrough(exchange: Admitted): Promise<Handled> {
  const { request, response, requestId, method, target, principal, cluster } = exchange
  const { refusal, body } = decideTarget(method, target, principal)
  if (refusal !== undefined) throw refusalError(refusal)
  const headers = requestHeaders(request.rawHeaders, { 'x-request-id': requestId })
  if (body === undefined) await cluster.forward(request, response, headers)
  else if (hasBody(request)) await forwardInspected(exchange, body, headers)
  else if (body.unnamed !== undefined) throw refusalError(body.unnamed)
  else await cluster.forward(request, response, headers)
  return 'forwarded'
}
