import type { RouteQuestion } from '../core/choose-cluster.ts'
import type { Principal } from '../core/principal.ts'
import { routeOf } from '../core/route.ts'
import type { Route } from '../core/route.ts'
import { parseTarget } from '../core/target.ts'
import type { Target } from '../core/target.ts'
import { containerOf } from './addressed.ts'
import type { ClusterParts, HandlerParts } from './exchange.ts'

/** What the first stages stand on. */
export interface AdmitParts extends Pick<HandlerParts, 'legacy'> {
  readonly authenticate: (authorization: readonly string[]) => Promise<Principal>
  /**
   * The cluster that a request goes to, and its caller as they are there.
   * @throws GatewayError noRoute, claimRequired
   */
  readonly route: (question: RouteQuestion) => Chosen
}

/** @property position from 0, of the operator's route that chose it */
export interface Chosen {
  readonly cluster: ClusterParts
  readonly principal: Principal
  readonly position: number
}

/** What is known so far of a request, also where a later stage refuses it. */
export interface Arrived {
  readonly method: string
  /** As in the request line: path and query. */
  readonly uri: string
  target?: Target
  route?: Route
}

/** What a request asks for; it also fixes the dialect of every answer from here on. @throws GatewayError ambiguousTarget */
export function readRoute(arrived: Arrived): { readonly target: Target; readonly route: Route } {
  const target = parseTarget(arrived.uri)
  arrived.target = target
  const route = routeOf(arrived.method, target)
  arrived.route = route
  return { target, route }
}

/** The cluster that takes the request of a caller. @throws GatewayError noRoute, claimRequired */
export function chooseFor(parts: AdmitParts, target: Target, route: Route, caller: Principal): Chosen {
  return parts.route({
    principal: caller,
    segments: target.segments,
    containerId: containerOf(parts, route, caller),
  })
}
