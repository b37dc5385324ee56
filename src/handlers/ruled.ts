import { wordRule } from '../core/explain.ts'
import { applyPathRules } from '../core/guard/path-rules.ts'
import type { Route } from '../core/route.ts'
import { isEnforced, whichCounts } from './guard.ts'
import { refusalError } from './refuse.ts'
import type { Work } from './work.ts'

/** Work of the gateway's own, behind those of the operator's rules that name its path. */
export function ruled<One extends Route>(work: Work<One>): Work<One> {
  return {
    handle(parts, exchange, route) {
      const { guard } = parts
      const { method, target, principal } = exchange
      const { rule, refusal } = applyPathRules(guard.policy.rules, method, target.segments, principal)
      if (refusal !== undefined) {
        const counts = whichCounts(guard, exchange, { api: undefined, class: 'admin', rule })
        const enforced = counts([refusal])
        if (enforced !== undefined) throw refusalError(enforced)
      }
      return work.handle(parts, exchange, route)
    },

    foresee(parts, asked, route) {
      const { guard } = parts
      const { method, target, principal, notes } = asked
      const { rule: position, refusal } = applyPathRules(guard.policy.rules, method, target.segments, principal)
      const rule = position === undefined ? undefined : guard.policy.rules[position]
      if (rule !== undefined) {
        const observed = refusal === undefined || isEnforced(guard, refusal) ? [] : [refusal.reason]
        notes.guard = { class: 'admin', rule: { position: position ?? 0, says: wordRule(rule) }, observed }
      }
      if (refusal !== undefined && isEnforced(guard, refusal)) {
        notes.stage = refusal.cause === 'missingScope' ? 'scope' : 'guard'
        if (refusal.scope !== undefined) notes.scopesNeeded = rule?.scopes ?? [refusal.scope]
        throw refusalError(refusal)
      }
      return work.foresee(parts, asked, route)
    },
  }
}
