import { admissionOf } from '../core/access.ts'
import { askedUpgrade } from '../core/asked-upgrade.ts'
import type { UpgradeProtocol } from '../core/asked-upgrade.ts'
import { backingIndexOf } from '../core/backing-index.ts'
import type { NodeState } from '../core/cluster-nodes.ts'
import type { Explanation } from '../core/explain.ts'
import { GatewayError } from '../core/failure.ts'
import type { Principal } from '../core/principal.ts'
import type { Result } from '../wire/answer.ts'
import { chooseFor, readRoute } from './admit.ts'
import type { AdmitParts, Arrived } from './admit.ts'
import type { HandlerParts } from './exchange.ts'
import { wordResult } from './explain-result.ts'
import { lookingOnly } from './looking-only.ts'
import { requireScopeFor, scopesFor, workOf } from './work-of.ts'
import type { Foreseen, Notes } from './work.ts'

/** What explaining stands on: the parts of the stages themselves. */
export interface ExplainParts extends HandlerParts, AdmitParts {
  readonly nodesOf: (cluster: string) => readonly NodeState[]
}

export interface ExplainQuestion {
  readonly method: string
  /** As in the request line: path and query. */
  readonly path: string
  readonly token?: string | undefined
  /** The value of the header that the request would have. */
  readonly idempotencyKey?: string | undefined
  /** The value of the `Upgrade` header that it would have, beside `Connection: Upgrade`. */
  readonly upgrade?: string | undefined
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] }

/** What is found out on the way. */
interface Findings extends Arrived {
  /** As they are on the chosen cluster. */
  caller?: Principal
  readonly notes: Notes
  readonly told: Writable<Pick<Explanation, 'route' | 'principal' | 'cluster' | 'nodes'>>
}

/** Says what the gateway would make of a request, by the stages that it would go through. Nothing is removed, forwarded or counted. */
export async function explain(parts: ExplainParts, question: ExplainQuestion): Promise<Explanation> {
  const { method, path: uri } = question
  const findings: Findings = { method, uri, notes: { stage: 'target' }, told: {} }
  const foreseen = await runStages(parts, question, findings).catch((error: unknown): Result => {
    const failure = error instanceof GatewayError ? error : new GatewayError('internal', { cause: error })
    return { kind: 'failure', error: failure }
  })
  const { scopesNeeded, bodyDecides, guard, quota, idempotencyKey } = findings.notes
  const noted = { scopesNeeded, bodyDecides, guard, quota, idempotencyKey }
  const hasWish = foreseen.kind === 'allowed' && question.upgrade !== undefined
  return {
    ...endingOf(parts, findings, foreseen),
    ...findings.told,
    ...(hasWish ? { upgrade: findings.notes.upgrade ?? 'leftOut' } : {}),
    ...Object.fromEntries(Object.entries(noted).filter(([, value]) => value !== undefined)),
    ...containerIn(parts, findings),
  }
}

async function runStages(parts: ExplainParts, question: ExplainQuestion, findings: Findings): Promise<Foreseen> {
  const { notes, told, method, uri } = findings
  const { token, idempotencyKey } = question
  const { target, route } = readRoute(findings)
  told.route = route.kind

  notes.stage = 'token'
  const caller = await parts.authenticate(token === undefined ? [] : [`Bearer ${token}`])
  told.principal = principalOf(caller)

  notes.stage = 'route'
  const { cluster, principal, position } = chooseFor(parts, target, route, caller)
  told.cluster = { name: cluster.name, route: position }
  told.nodes = nodesOf(parts.nodesOf(cluster.name))
  told.principal = principalOf(principal)
  findings.caller = principal

  notes.stage = 'scope'
  const scopes = scopesFor(route)
  if (scopes !== undefined) notes.scopesNeeded = scopes
  requireScopeFor(route, principal)

  notes.stage = 'request'
  const upgrade = upgradeIn(parts, question)
  const looked = lookingOnly(cluster, notes)
  const asked = { method, uri, target, route, principal, cluster: looked, idempotencyKey, upgrade, notes }
  return workOf(route).foresee(parts, asked, route)
}

/** As the server that listens reads it. */
function upgradeIn({ guard }: ExplainParts, { method, upgrade }: ExplainQuestion): UpgradeProtocol | undefined {
  if (upgrade === undefined || !guard.canUpgrade) return undefined
  return askedUpgrade({ method, httpVersion: '1.1', rawHeaders: ['Connection', 'Upgrade', 'Upgrade', upgrade] })
}

type Ending = Pick<Explanation, 'decision' | 'by' | 'why' | 'answer'>

function endingOf({ legacy }: ExplainParts, findings: Findings, foreseen: Foreseen): Ending {
  if (foreseen.kind !== 'allowed') return wordResult(foreseen, findings, findings.notes.stage, legacy.missing)
  const { status, why } = foreseen
  return { decision: 'allowed', why, answer: status === undefined ? {} : { status } }
}

/** Of a container that does not admit the caller is told nothing else than that it is there. */
function containerIn(
  { policy }: ExplainParts,
  { notes: { concerns, seen }, caller }: Findings,
): Pick<Explanation, 'container'> {
  if (concerns === undefined || seen === undefined || caller === undefined) return {}
  const { id, types, override } = concerns
  const { container } = seen
  const admittedBy = container && admissionOf(container, caller, policy, override)
  if (container === undefined || admittedBy === undefined) {
    return { container: { id, found: container !== undefined, indices: [] } }
  }
  const named = types.map((type) => backingIndexOf(container.naming, type))
  const indices = named.flatMap((one) => (one.kind === 'index' ? [one.index] : []))
  return { container: { id, found: true, admittedBy, indices } }
}

function principalOf({ subject, issuer, scopes }: Principal): NonNullable<Explanation['principal']> {
  return { subject, issuer, scopes: [...scopes].sort() }
}

function nodesOf(states: readonly NodeState[]): NonNullable<Explanation['nodes']> {
  const up = states.filter(({ state }) => state === 'up')
  const least = Math.min(...up.map(({ outstanding }) => outstanding))
  return {
    next: up.filter(({ outstanding }) => outstanding === least).map(({ node }) => node),
    ejected: states.filter(({ state }) => state === 'ejected').map(({ node }) => node),
  }
}
