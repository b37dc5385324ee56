import type { BodyCheck } from '../core/guard/decision.ts'
import type { Admitted } from './exchange.ts'
import { refusalError } from './refuse.ts'

/** @param headers what goes to the node, settled before */
type ForwardInspected = (exchange: Admitted, check: BodyCheck, headers: readonly string[]) => Promise<void>

/**
 * Sends on a request whose body may name indices, once the body has been inspected. Bodies of callers without `opensearch:admin` are refused
 * whole.
 * @throws GatewayError guardRefused, insufficientScope
 */
export const forwardInspected: ForwardInspected = (_exchange, check) => {
  const reason = `The body of this request [${check.api}] may name indices: only opensearch:admin may send one`
  return Promise.reject(refusalError({ kind: 'refuse', cause: 'unclear', reason, scope: 'opensearch:admin' }))
}
