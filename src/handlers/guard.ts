import type { IndexTables, TableInUse } from '../cluster/index-table.ts'
import type { BodyCheck, Refusal } from '../core/guard/decision.ts'
import { decideTarget } from '../core/guard/decide.ts'
import type { BodyQuestion, Decision, Judged, Question } from '../core/guard/decide.ts'
import type { Reliance } from '../core/guard/index-table.ts'
import { decideUpgrade } from '../core/guard/upgrade.ts'
import type { AskedUpgrade } from '../forward/engine.ts'
import type { Admitted } from './exchange.ts'
import type { Subject } from './work.ts'
import type { Guard } from './guard-settings.ts'
import { refusalError } from './refuse.ts'

/** Names that the table does not hold are looked up anew, but no more often than this within one body. */
const LOOK_UP_EVERY_MS = 1_000

/**
 * What the guard finds about a request, its body aside.
 * @throws GatewayError indicesUnknown
 */
export function decideRequest(guard: Guard, { method, target, principal, cluster }: Subject): Promise<Decision> {
  return decideWithTable({ method, target, principal }, guard, cluster.indexTables)
}

/** Decides with a table that is young enough for what the decision stands on. */
async function decideWithTable(question: Question, guard: Guard, tables: IndexTables): Promise<Decision> {
  const inUse = tables.use(Date.now())
  for (;;) {
    const decision = decideTarget(question, guard.policy, inUse.table)
    if (await inUse.isEnough(relianceOf(guard, decision))) return decision
  }
}

/** What is refused by its scopes needs no table. */
function relianceOf(guard: Guard, { refusals, reliesOn, rulesRelyOn }: Judged): Reliance {
  const [first] = refusals
  return first !== undefined && isOfRules(first) && guard.mode === 'enforce' ? rulesRelyOn : reliesOn
}

/** The refusal that ends a request; those that are only observed do not. */
export function firstEnforced(guard: Guard, refusals: readonly Refusal[]): Refusal | undefined {
  return refusals.find((refusal) => isEnforced(guard, refusal))
}

/** Whether a refusal is one to refuse by, or only to tell of. */
export function isEnforced(guard: Pick<Guard, 'mode' | 'protectedMode'>, refusal: Refusal): boolean {
  return (isOfRules(refusal) ? guard.mode : guard.protectedMode) === 'enforce'
}

function isOfRules({ cause }: Refusal): boolean {
  return cause === 'missingScope' || cause === 'noRule' || cause === 'closedByRule'
}

/**
 * Lets a request that goes through to the cluster pass, or throws its refusal.
 * @throws GatewayError insufficientScope, guardRefused, indicesUnknown
 */
export async function guardRequest(guard: Guard, exchange: Admitted): Promise<Passed> {
  const arrivedAt = Date.now()
  const { cluster } = exchange
  const decision = await decideRequest(guard, exchange)
  exchange.guarded = { class: decision.class, isClean: true }
  const counts = whichCounts(guard, exchange, decision)
  const refusal = counts(decision.refusals)
  if (refusal !== undefined) throw refusalError(refusal)
  const body =
    decision.body && bodyCheckOf(guard, decision, decision.body, { counts, tables: cluster.indexTables, arrivedAt })
  return { body, mayUpgrade: exchange.upgrade !== undefined && mayUpgrade(guard, exchange, exchange.upgrade, decision) }
}

/** What becomes of a request's wish to upgrade. @param isClean whether nothing was said against the request */
export function upgradeOf(
  guard: Guard,
  { route, principal, cluster }: Subject,
  { protocol }: Pick<AskedUpgrade, 'protocol'>,
  decision: Decision,
  isClean: boolean,
): ReturnType<typeof decideUpgrade> {
  // Not on routes of memories that only administrators use, whose paths a rule for others may name.
  if (route?.kind !== 'passThrough') return 'strip'
  const rule = decision.rule === undefined ? undefined : guard.policy.rules[decision.rule]
  return decideUpgrade({ protocol, rule, principal, isClean, isService: cluster.forwardUpgrade === undefined })
}

/** What the guard says of a request that it lets through. */
interface Passed {
  /** How its body has to be inspected. */
  readonly body: BodyCheck | undefined
  /** Whether it upgrades its connection; else its wish to is not passed on. */
  readonly mayUpgrade: boolean
}

function mayUpgrade(guard: Guard, exchange: Admitted, asked: AskedUpgrade, decision: Decision): boolean {
  const verdict = upgradeOf(guard, exchange, asked, decision, exchange.guarded?.isClean === true)
  if (verdict === 'pass' || verdict === 'strip') return verdict === 'pass'
  const refusal = whichCounts(guard, exchange, decision)([verdict])
  if (refusal !== undefined) throw refusalError(refusal)
  return false
}

type WhichCounts = (refusals: readonly Refusal[]) => Refusal | undefined

/** The first refusal that is enforced; those before it, which are only observed, are told. */
export function whichCounts(
  guard: Guard,
  exchange: Admitted,
  target: Pick<Decision, 'api' | 'class' | 'rule'>,
): WhichCounts {
  const { requestId, method } = exchange
  const { api, class: level } = target
  const told = new Set<string>()
  return (refusals) => {
    const enforced = firstEnforced(guard, refusals)
    const toTell = enforced === undefined ? refusals : refusals.slice(0, refusals.indexOf(enforced) + 1)
    for (const refusal of toTell) {
      const { cause, reason, rule = target.rule } = refusal
      const outcome = refusal === enforced ? 'refused' : 'observed'
      if (!told.has(reason)) guard.onRefusal({ requestId, outcome, method, api, class: level, rule, cause, reason })
      told.add(reason)
      exchange.guarded = { class: level, isClean: false, ...(refusal === enforced ? { refusedBy: cause } : {}) }
    }
    return enforced
  }
}

function bodyCheckOf(
  guard: Guard,
  decision: Decision,
  { kind, unnamed, judge }: BodyQuestion,
  { counts, tables, arrivedAt }: { counts: WhichCounts; tables: IndexTables; arrivedAt: number },
): BodyCheck {
  const judgeWith = (expressions: readonly string[], inUse: TableInUse): ReturnType<BodyCheck['judge']> => {
    const judged: Judged = judge(expressions, inUse.table)
    const isEnough = inUse.isEnough(relianceOf(guard, judged))
    if (isEnough === true) return counts(judged.refusals)
    return isEnough.then((still) => (still ? counts(judged.refusals) : judgeWith(expressions, inUse)))
  }
  return {
    kind,
    api: decision.api ?? '',
    class: decision.class,
    // Told only where something in the body turns out to name no index.
    get unnamed() {
      return counts(unnamed)
    },
    judge: (expressions) => judgeWith(expressions, tables.use(Math.max(arrivedAt, Date.now() - LOOK_UP_EVERY_MS))),
    unclear: (reason) => counts([{ kind: 'refuse', cause: 'unclear', reason, scope: 'opensearch:admin' }]),
  }
}
