import { hasBody } from '../forward/engine.ts'
import type { Admitted, Handled, HandlerParts } from './exchange.ts'
import { forwardAsCaller, headersToNode } from './forward-as-caller.ts'
import { forwardInspected } from './forward-inspected.ts'
import { guardRequest } from './guard.ts'
import { refusalError } from './refuse.ts'

/** What goes on to the cluster as the caller, where the guard lets it. */
export async function handlePassThrough(parts: HandlerParts, exchange: Admitted): Promise<Handled> {
  const { boundary, guard } = parts
  const check = await guardRequest(guard, exchange)
  const headers = headersToNode(boundary, exchange)
  if (check !== undefined && hasBody(exchange.request)) {
    await forwardInspected(exchange, check, headers, boundary.maxBodyBytes, guard.bodies)
  } else if (check?.unnamed !== undefined) throw refusalError(check.unnamed)
  else await forwardAsCaller(parts, exchange, { headers })
  return 'forwarded'
}
