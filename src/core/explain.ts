import type { Admission } from './access.ts'
import type { QuotaLeft } from './delete-quota.ts'
import type { GuardRule } from './guard/rules.ts'

/** Which stage refused a request, or could not tell. */
export type Stage =
  | 'target'
  | 'token'
  | 'route'
  | 'scope'
  | 'guard'
  | 'request'
  | 'idempotencyKey'
  | 'quota'
  | 'container'
  | 'memory'
  | 'owner'
  | 'identity'

/** What the gateway would make of a request, and why: found out without removing or forwarding anything. */
export interface Explanation {
  /** `unknown`: a part that decides could not be asked, as when the cluster is away. */
  readonly decision: 'allowed' | 'refused' | 'unknown'
  /** Absent where it is allowed. */
  readonly by?: Stage
  /** In one sentence. */
  readonly why: string
  /** What the caller would read; without a status where the cluster answers. */
  readonly answer: { readonly status?: number; readonly reason?: string }
  /** What only the body can tell; the decision stands on method, path and query. */
  readonly bodyDecides?: string
  /** The kind of request that the gateway takes it for. */
  readonly route?: string
  /** As the caller is on the cluster: never the token. */
  readonly principal?: { readonly subject: string; readonly issuer: string; readonly scopes: readonly string[] }
  /** Any of them would do. */
  readonly scopesNeeded?: readonly string[]
  /** `route`: the position, from 0, of the operator's route that chose it. */
  readonly cluster?: { readonly name: string; readonly route: number }
  /** `next`: where the next request may go; several where they are equally busy. */
  readonly nodes?: { readonly next: readonly string[]; readonly ejected: readonly string[] }
  readonly guard?: ExplainedGuard
  /** What becomes of the request's wish to upgrade its connection; absent where it has none, or is refused. */
  readonly upgrade?: ExplainedUpgrade
  readonly container?: ExplainedContainer
  /** The limits on deletes that count for this caller, and what is left of them in this minute; counted by each gateway for itself where none is shared. */
  readonly quota?: ExplainedQuota
  /** Absent where the request would have no `Idempotency-Key`. */
  readonly idempotencyKey?: ExplainedKey
}

/** `leftOut`: the request goes on without it, as any other. */
export type ExplainedUpgrade = 'passes' | 'leftOut'

export type ExplainedQuota = readonly QuotaLeft[]

/** `used`: whether for the same request, and with which answer, is said by the decision, or only the body could tell. */
export type ExplainedKey = 'unused' | 'used' | 'replayed'

export interface ExplainedGuard {
  /** The API's name in the server's specification; absent for a route that the gateway does not know. */
  readonly api?: string
  readonly class: string
  /** The position, from 0, of the rule that applied, and what it says. */
  readonly rule?: { readonly position: number; readonly says: string }
  /** Refusals that are only told, since the guard observes. */
  readonly observed: readonly string[]
}

export interface ExplainedContainer {
  readonly id: string
  readonly found: boolean
  /** Absent where nothing admits the caller. */
  readonly admittedBy?: Admission
  /** The backing indices that the request would touch. */
  readonly indices: readonly string[]
}

/** A rule of the guard in one line, as in `GET /logs-*: opensearch:read`. */
export function wordRule({ methods, paths, classes, indices, scopes, upgrade = [] }: GuardRule): string {
  const conditions = [
    ...(methods === undefined ? [] : [`methods ${methods.join(', ')}`]),
    ...(paths === undefined ? [] : [`paths ${paths.join(', ')}`]),
    ...(classes === undefined ? [] : [`classes ${classes.join(', ')}`]),
    ...(indices === undefined ? [] : [`indices ${indices.join(', ')}`]),
  ]
  const asks = scopes.length === 0 ? 'closed to everybody' : `needs ${scopes.join(' or ')}`
  const upgrades = upgrade.length === 0 ? '' : `, and may upgrade to ${upgrade.join(' or ')}`
  return `${conditions.length === 0 ? 'every request' : conditions.join('; ')}: ${asks}${upgrades}`
}

const ADMISSIONS: Readonly<Record<Admission, string>> = {
  scope: 'a scope that opens every container',
  ownerless: 'memory.containersWithoutOwner: allow, since the container names no owner',
  containersClaim: 'the claim containers of the token, since the container names no owner',
  owner: 'being its owner',
  backendRole: 'a backend role that the container names',
}

const EXIT_CODES = { allowed: 0, refused: 3, unknown: 1 } as const

/** The exit code of the command that explains. */
export function exitCodeOf({ decision }: Explanation): number {
  return EXIT_CODES[decision]
}

/** An explanation in lines for people: the decision first, then what it stands on. */
export function wordExplanation(explanation: Explanation): string {
  const { decision, by, why, answer, bodyDecides } = explanation
  const title = decision === 'unknown' ? 'could not tell' : decision
  const status = answer.status === undefined ? "the cluster's own answer" : String(answer.status)
  const rows: readonly (readonly [name: string, text: string | undefined])[] = [
    ['decision', by === undefined ? title : `${title} (${by})`],
    ['why', why],
    ['answer', answer.reason === undefined ? status : `${status}: ${answer.reason}`],
    ['body', bodyDecides],
    ...wordCaller(explanation),
    ...wordPlace(explanation),
    ...wordLimits(explanation),
  ]
  return rows
    .flatMap(([name, text]) => (text === undefined ? [] : [`${name.padEnd(10)} ${printable(text)}\n`]))
    .join('')
}

type Rows = readonly (readonly [name: string, text: string | undefined])[]

function wordCaller({ route, principal, scopesNeeded }: Explanation): Rows {
  const scopes = principal === undefined || principal.scopes.length === 0 ? 'no scopes' : principal.scopes.join(' ')
  return [
    ['request', route],
    ['caller', principal && `${principal.subject} of ${principal.issuer}, with ${scopes}`],
    ['scope', scopesNeeded && `needs ${scopesNeeded.join(' or ')}`],
  ]
}

const UPGRADES: Readonly<Record<ExplainedUpgrade, string>> = {
  passes: 'goes on to the cluster',
  leftOut: 'is left out: the request goes on without it',
}

function wordPlace({ cluster, nodes, guard, upgrade, container }: Explanation): Rows {
  const ejected = nodes === undefined || nodes.ejected.length === 0 ? '' : `; out: ${nodes.ejected.join(', ')}`
  const rule = guard?.rule === undefined ? 'no rule' : `rules[${String(guard.rule.position)}], ${guard.rule.says}`
  return [
    ['cluster', cluster && `${cluster.name}, by routes[${String(cluster.route)}]`],
    ['node', nodes && `${nodes.next.join(' or ')}${ejected}`],
    ['guard', guard && `${guard.api ?? 'a route that the gateway does not know'} (${guard.class}): ${rule}`],
    ['observed', guard === undefined || guard.observed.length === 0 ? undefined : guard.observed.join('; ')],
    ['upgrade', upgrade && UPGRADES[upgrade]],
    ['container', container && wordContainer(container)],
  ]
}

const KEYS: Readonly<Record<ExplainedKey, string>> = {
  unused: 'not used before: the answer to this call would be kept',
  used: 'used before',
  replayed: 'used before for the same: the answer is kept',
}

function wordLimits({ quota = [], idempotencyKey }: Explanation): Rows {
  const limits = quota.map(({ limit, of, left }) => `${limit}: ${String(left)} of ${String(of)} left in this minute`)
  return [
    ['limits', limits.length === 0 ? undefined : limits.join('; ')],
    ['key', idempotencyKey && KEYS[idempotencyKey]],
  ]
}

function wordContainer({ id, found, admittedBy, indices }: ExplainedContainer): string {
  if (!found) return `${id} is not there`
  const admission =
    admittedBy === undefined ? 'does not admit the caller' : `admits the caller by ${ADMISSIONS[admittedBy]}`
  return `${id} ${admission}${indices.length === 0 ? '' : `; memories in ${indices.join(', ')}`}`
}

/** Names come from tokens and paths: none may steer a terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?')
}
