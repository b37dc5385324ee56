import { requireScope } from '../core/access.ts'
import { requestHeaders } from '../forward/headers.ts'
import type { Admitted, Handled } from './exchange.ts'

/** What goes on to the cluster as the caller: its headers cleaned, and then ours; its bytes untouched. */
export async function handlePassThrough({
  request,
  response,
  requestId,
  principal,
  cluster,
}: Admitted): Promise<Handled> {
  requireScope(principal, 'opensearch:admin')
  const headers = requestHeaders(request.rawHeaders, { 'x-request-id': requestId })
  await cluster.forward(request, response, headers)
  return 'forwarded'
}
