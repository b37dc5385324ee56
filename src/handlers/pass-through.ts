import { wordRule } from '../core/explain.ts'
import { GatewayError } from '../core/failure.ts'
import type { Decision } from '../core/guard/decide.ts'
import type { BodyCheck } from '../core/guard/decision.ts'
import { isStreamedBulk, removalIn } from '../core/guard/removal.ts'
import type { Route } from '../core/route.ts'
import { hasBody } from '../forward/engine.ts'
import type { Handled } from './exchange.ts'
import { forwardBulk } from './audited-bulk.ts'
import { forwardRemoval } from './audited-removal.ts'
import { checkIdentity, forwardAsCaller, headersToNode } from './forward-as-caller.ts'
import { forwardInspected } from './forward-inspected.ts'
import type { Watches } from './forward-inspected.ts'
import type { Guard } from './guard-settings.ts'
import { decideRequest, firstEnforced, guardRequest, isEnforced, upgradeOf } from './guard.ts'
import { refusalError } from './refuse.ts'
import { upgradeAsCaller } from './upgrade-as-caller.ts'
import { allowed } from './work.ts'
import type { Asked, Work } from './work.ts'

/** The body of somebody who may do all: it is read for what it removes, and goes on whatever that is. */
const UNREAD_BULK: BodyCheck = {
  kind: 'bulk',
  api: 'bulk',
  class: 'write',
  unnamed: undefined,
  judge: () => undefined,
  unclear: () => undefined,
}

/** What goes on to the cluster as the caller, where the guard lets it. */
export const passThrough: Work<Route> = {
  async handle(parts, exchange): Promise<Handled> {
    const { boundary, guard, audit } = parts
    const { body: check, mayUpgrade } = await guardRequest(guard, exchange)
    refuseUnrecorded(guard, exchange)
    const headers = headersToNode(boundary, exchange)
    if (mayUpgrade) {
      await upgradeAsCaller(parts, exchange, headers)
      return 'forwarded'
    }
    const forward = async (watches: Watches = {}): Promise<void> => {
      const read = check ?? (watches.bulk && UNREAD_BULK)
      if ((read !== undefined || watches.body !== undefined) && hasBody(exchange.request)) {
        await forwardInspected(exchange, read, headers, boundary.maxBodyBytes, guard.bodies, watches)
      } else if (check?.unnamed !== undefined) throw refusalError(check.unnamed)
      else await forwardAsCaller(parts, exchange, { headers, watch: watches.answer })
    }
    const removal = audit && removalIn(exchange)
    if (audit === undefined || removal === undefined) await forward()
    else await (removal.inBody === 'lines' ? forwardBulk : forwardRemoval)(audit, guard, exchange, removal, forward)
    return 'forwarded'
  },

  async foresee({ guard }, asked) {
    const { cluster, notes } = asked
    notes.stage = 'guard'
    const decision = await decideRequest(guard, asked)
    note(guard, asked, decision)
    const refusal = firstEnforced(guard, decision.refusals)
    if (refusal !== undefined) {
      if (refusal.cause === 'missingScope') notes.stage = 'scope'
      throw refusalError(refusal)
    }
    if (decision.body !== undefined) {
      const without = firstEnforced(guard, decision.body.unnamed)
      const else_ = without === undefined ? '' : `; one that names no index is refused: ${without.reason}`
      notes.bodyDecides = `What the body names is judged while it is sent (${decision.body.kind})${else_}`
    }
    refuseUnrecorded(guard, asked)
    foreseeUpgrade(guard, asked, decision)
    checkIdentity(asked)
    return allowed(undefined, `The guard lets it through, and the cluster ${cluster.name} answers`)
  },
}

const UNRECORDED = 'The audit cannot record a streamed bulk before the server runs its lines: send it to [_bulk]'

/** @throws GatewayError guardRefused */
function refuseUnrecorded({ isAudited }: Guard, asked: Pick<Asked, 'method' | 'target'>): void {
  if (isAudited && isStreamedBulk(asked)) throw new GatewayError('guardRefused', { reason: UNRECORDED })
}

/** @throws GatewayError insufficientScope, guardRefused */
function foreseeUpgrade(guard: Guard, asked: Asked, decision: Decision): void {
  const { upgrade: protocol, notes } = asked
  if (protocol === undefined) return
  const verdict = upgradeOf(guard, asked, { protocol }, decision, decision.refusals.length === 0)
  notes.upgrade = verdict === 'pass' ? 'passes' : 'leftOut'
  const refusal = typeof verdict === 'string' ? undefined : firstEnforced(guard, [verdict])
  if (refusal?.scope !== undefined) notes.scopesNeeded = [refusal.scope]
  if (refusal !== undefined) throw refusalError(refusal)
}

/** What the guard stood on, in the words of an explanation. */
function note(guard: Guard, { notes }: Asked, { api, class: level, rule: position, refusals }: Decision): void {
  const rule = position === undefined ? undefined : guard.policy.rules[position]
  const refusal = firstEnforced(guard, refusals)
  if (rule !== undefined && rule.scopes.length > 0) notes.scopesNeeded = rule.scopes
  if (refusal?.scope !== undefined && refusal.cause !== 'missingScope') notes.scopesNeeded = [refusal.scope]
  notes.guard = {
    ...(api === undefined ? {} : { api }),
    class: level,
    ...(rule === undefined ? {} : { rule: { position: position ?? 0, says: wordRule(rule) } }),
    observed: refusals.filter((one) => !isEnforced(guard, one)).map(({ reason }) => reason),
  }
}
