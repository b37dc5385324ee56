import { GatewayError } from '../core/failure.ts'
import type { Refusal } from '../core/guard/decision.ts'

/** What the guard refuses, as a failure: with the scope in the challenge where a token with that scope would pass. */
export function refusalError({ reason, scope }: Refusal): GatewayError {
  return scope === undefined
    ? new GatewayError('guardRefused', { reason })
    : new GatewayError('insufficientScope', { reason, scope })
}
