import { holds } from '../access.ts'
import type { Principal } from '../principal.ts'
import type { Target } from '../target.ts'
import type { BodyCheck, Refusal } from './decision.ts'

/** What the guard makes of a request that goes through to the cluster. */
export interface Decision {
  readonly refusal: Refusal | undefined
  /** How its body has to be inspected, where it has one. */
  readonly body: BodyCheck | undefined
}

/** Decides on a request from its method, its path and its query; what its body names is for `Decision.body` to tell. */
export function decideTarget(_method: string, _target: Target, principal: Principal): Decision {
  if (holds(principal, 'opensearch:admin')) return { refusal: undefined, body: undefined }
  const reason = 'The bearer token lacks the scope for this request: opensearch:admin'
  return {
    refusal: { kind: 'refuse', cause: 'missingScope', reason, scope: 'opensearch:admin' },
    body: undefined,
  }
}
