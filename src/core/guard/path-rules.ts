import type { Principal } from '../principal.ts'
import { MEMORY_PREFIX } from '../memory-routes.ts'
import type { Refusal } from './decision.ts'
import { applyRules } from './rules.ts'
import type { GuardRule } from './rules.ts'

/** Of requests for memories that the gateway serves or checks itself: as the ml-commons plugin's other routes are in the table. */
const CLASS = 'admin'

/** With which words the paths begin under which the gateway's own routes lie. */
const FIRST_WORDS = ['/_plugins/', '/api/']

/** Where the type of a memory stands. It may be written in any case: to a rule it is what it means. */
const TYPE_POSITION = MEMORY_PREFIX.length + 2

/**
 * Applies the operator's rules to a request for memories, which has scopes of its own. Only a rule that names such paths counts: one of classes is for what
 * goes to the cluster, as is one for every path (`/**`), and no rule need open what the scopes open.
 * @returns the position of the rule that fits, and what it refuses
 */
export function applyPathRules(
  rules: readonly GuardRule[],
  method: string,
  segments: readonly string[],
  principal: Principal,
): { readonly rule: number | undefined; readonly refusal: Refusal | undefined } {
  const asked = { method, segments: segments.map(asMeant), class: CLASS, named: { kind: 'none' } } as const
  for (const [position, rule] of rules.entries()) {
    const paths = (rule.paths ?? []).filter((path) => FIRST_WORDS.some((words) => path.startsWith(words)))
    if (paths.length === 0) continue
    const ruling = applyRules([{ ...rule, paths }], asked, principal, undefined)
    if (ruling.rule !== undefined) {
      return { rule: position, refusal: ruling.refusal && { ...ruling.refusal, rule: position } }
    }
  }
  return { rule: undefined, refusal: undefined }
}

function asMeant(segment: string, position: number): string {
  return position === TYPE_POSITION ? segment.toLowerCase() : segment
}
