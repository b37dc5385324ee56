import { holds } from '../access.ts'
import type { Principal } from '../principal.ts'
import type { Target } from '../target.ts'
import type { InspectedBody, Refusal, RouteClass } from './decision.ts'
import { findRoute } from './find-route.ts'
import type { FoundRoute } from './find-route.ts'
import { mostReliant } from './index-table.ts'
import type { IndexTable, Reliance } from './index-table.ts'
import { indicesNamed, readExpressions, readParameters } from './named-indices.ts'
import type { Named, QueryParameter } from './named-indices.ts'
import type { Protection } from './protected-indices.ts'
import { judgeReach } from './reach.ts'
import { applyRules } from './rules.ts'
import type { GuardRule } from './rules.ts'

/** What the operator set. */
export interface GuardPolicy {
  readonly rules: readonly GuardRule[]
  readonly protection: Protection
}

export interface Question {
  readonly method: string
  readonly target: Target
  readonly principal: Principal
}

/** Refusals in order, the rules' own first: which of them counts is for the mode to say. */
export interface Judged {
  readonly refusals: readonly Refusal[]
  readonly reliesOn: Reliance
  /** The part of the rules alone: where they refuse, and are enforced, the rest does not matter. */
  readonly rulesRelyOn: Reliance
}

/** What the guard makes of a request that goes through to the cluster, as far as method, path and query tell. */
export interface Decision extends Judged {
  /** The API's name in the server's specification; `undefined` for a route that is not in the table. */
  readonly api: string | undefined
  readonly class: RouteClass
  /** `undefined` where only the body tells. */
  readonly named: Named | undefined
  /** The position of the rule that applied, from 0. */
  readonly rule: number | undefined
  /** How a body has to be inspected, where there is one. */
  readonly body: BodyQuestion | undefined
}

/** See `BodyCheck`, which is this with a table at hand. */
export interface BodyQuestion {
  readonly kind: InspectedBody
  /** What becomes of that which names no index. */
  readonly unnamed: readonly Refusal[]
  readonly judge: (expressions: readonly string[], table: IndexTable | undefined) => Judged
}

interface Facts extends Question {
  readonly policy: GuardPolicy
  readonly found: FoundRoute | undefined
  readonly class: RouteClass
  /** `undefined` where it cannot be decoded. */
  readonly query: readonly QueryParameter[] | undefined
}

/** Decides on a request from its method, its path and its query; what its body names is for `Decision.body` to tell. */
export function decideTarget(question: Question, policy: GuardPolicy, table: IndexTable | undefined): Decision {
  const found = findRoute(question.method, question.target)
  const query = readParameters(question.target.query)
  const facts: Facts = { ...question, policy, found, query, class: found?.row.class ?? 'admin' }
  const inTarget: Named =
    found === undefined || query === undefined ? { kind: 'all', byAbsence: false } : indicesNamed(found, query)
  const kind = inspectedBody(facts)
  const isInBody = kind !== undefined && inTarget.kind === 'all' && inTarget.byAbsence && bodyNamesIndices(found, kind)

  const named = isInBody ? undefined : inTarget
  const judged = judgeNamed(facts, named, table)
  const unnamed: Judged = isInBody
    ? judgeNamed(facts, inTarget, table)
    : { refusals: [], reliesOn: 'nothing', rulesRelyOn: 'nothing' }
  return {
    api: found?.row.api,
    class: facts.class,
    named,
    rule: judged.rule,
    refusals: judged.refusals,
    reliesOn: mostReliant(judged.reliesOn, unnamed.reliesOn),
    rulesRelyOn: judged.rulesRelyOn,
    body:
      kind === undefined
        ? undefined
        : {
            kind,
            unnamed: unnamed.refusals,
            judge: (expressions, current) => judgeNamed(facts, readExpressions(expressions), current),
          },
  }
}

/** Bodies of `opensearch:admin` go on unread. */
function inspectedBody({ found, principal }: Facts): InspectedBody | undefined {
  const kind = found?.row.body ?? 'opaque'
  return kind === 'none' || kind === 'opaque' || holds(principal, 'opensearch:admin') ? undefined : kind
}

/** Whether such a body may stand in for the path: a search does by naming a point in time. */
function bodyNamesIndices(found: FoundRoute | undefined, kind: InspectedBody): boolean {
  return kind !== 'query' || found?.row.api === 'search'
}

function judgeNamed(
  facts: Facts,
  named: Named | undefined,
  table: IndexTable | undefined,
): Judged & { readonly rule: number | undefined } {
  const asked = { method: facts.method, segments: facts.target.segments, class: facts.class, named }
  const ruling = applyRules(facts.policy.rules, asked, facts.principal, table)
  const reach = judgeForCaller(facts, named ?? { kind: 'none' }, table)
  const refusals = [ruling.refusal, reach.refusal].filter((refusal) => refusal !== undefined)
  const reliesOn = mostReliant(ruling.reliesOn, reach.reliesOn)
  return { refusals, reliesOn, rulesRelyOn: ruling.reliesOn, rule: ruling.rule }
}

function judgeForCaller(
  facts: Facts,
  named: Named,
  table: IndexTable | undefined,
): { readonly refusal: Refusal | undefined; readonly reliesOn: Reliance } {
  if (holds(facts.principal, 'opensearch:admin')) return { refusal: undefined, reliesOn: 'nothing' }
  const unbounded = whyUnbounded(facts)
  if (unbounded !== undefined) return { refusal: refuse('unclear', unbounded), reliesOn: 'nothing' }
  const { outOfReach, reliesOn } = judgeReach(named, table, facts.policy.protection)
  return { refusal: outOfReach && refuse(outOfReach.cause, outOfReach.reason), reliesOn }
}

function refuse(cause: Refusal['cause'], reason: string): Refusal {
  return { kind: 'refuse', cause, reason, scope: 'opensearch:admin' }
}

/** Why nothing that the request names bounds what it reaches. */
function whyUnbounded({ found, query }: Facts): string | undefined {
  if (found === undefined) return 'The gateway does not know this route: only opensearch:admin may use it'
  if (query === undefined) return 'The query holds a percent sign that is not followed by valid UTF-8 in hexadecimal'
  const { api, reach } = found.row
  if (reach === 'any') return `[${api}] may reach memories and system data: only opensearch:admin may use it`
  if (query.some(([name]) => name === 'source' || name === 'source_content_type')) {
    return 'A body in the query (source) is not inspected: send it as a body'
  }
  if (namesEverybodys(found, query)) return '[_all] means those of everybody: only opensearch:admin may end them'
  // An ingest pipeline may write a document to another index than the one that the request names.
  if (query.some(([name, value]) => name === 'pipeline' && value !== '_none')) {
    return 'An ingest pipeline may write to any index: only opensearch:admin may name one'
  }
  return undefined
}

/** Scrolls and points in time are ended by their ids, or all at once. An id is in base64: it has no underscore at its front, and no comma. */
function namesEverybodys({ row, parameters }: FoundRoute, query: readonly QueryParameter[]): boolean {
  return (row.everybodys ?? []).some((name) => {
    const texts = [parameters.get(name) ?? '', ...query.filter(([key]) => key === name).map(([, value]) => value)]
    return texts.some((text) => text.split(',').some((id) => id.trim() === '_all'))
  })
}
