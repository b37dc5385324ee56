import { holds } from '../access.ts'
import type { UpgradeProtocol } from '../asked-upgrade.ts'
import type { Principal } from '../principal.ts'
import type { Refusal, RouteClass } from './decision.ts'
import { fitsGlob, fitsPath } from './glob.ts'
import { mostReliant } from './index-table.ts'
import type { IndexTable, Reliance } from './index-table.ts'
import { isExclusion } from './named-indices.ts'
import type { Named } from './named-indices.ts'

/** One of the operator's rules. A request fits it when it fits everything that the rule has. */
export interface GuardRule {
  readonly methods?: readonly string[] | undefined
  /** As in `/logs-*\/_search` or `/_plugins/**`: compared with the path's decoded segments. */
  readonly paths?: readonly string[] | undefined
  readonly classes?: readonly RouteClass[] | undefined
  /** A rule with scopes fits where all that the request names is covered; one without where anything that it names is. */
  readonly indices?: readonly string[] | undefined
  /** Any of them will do. None: the rule is closed to everybody. */
  readonly scopes: readonly string[]
  /** To which protocols what it lets through may upgrade its connection; see `decideUpgrade`. No part of what fits. */
  readonly upgrade?: readonly UpgradeProtocol[] | undefined
}

/** What a rule is compared with. */
export interface Asked {
  readonly method: string
  readonly segments: readonly string[]
  readonly class: RouteClass
  /** `undefined` where only the body tells. */
  readonly named: Named | undefined
}

export interface Ruling {
  /** The position of the first rule that fits, from 0. */
  readonly rule: number | undefined
  readonly refusal: Refusal | undefined
  readonly reliesOn: Reliance
}

/** First match wins; what fits no rule is refused. `opensearch:admin` counts as any scope that a rule asks for. */
export function applyRules(
  rules: readonly GuardRule[],
  asked: Asked,
  principal: Principal,
  table: IndexTable | undefined,
): Ruling {
  let reliesOn: Reliance = 'nothing'
  for (const [position, rule] of rules.entries()) {
    if (!fitsRequest(rule, asked)) continue
    const fit = fitsIndices(rule, asked.named, table)
    reliesOn = mostReliant(reliesOn, fit.reliesOn)
    if (fit.fits) return { rule: position, refusal: refusalOf(rule, position, principal), reliesOn }
  }
  const reason = 'No rule of the gateway lets this request through'
  return { rule: undefined, refusal: { kind: 'refuse', cause: 'noRule', reason, scope: undefined }, reliesOn }
}

function refusalOf({ scopes }: GuardRule, rule: number, principal: Principal): Refusal | undefined {
  const [first] = scopes
  if (first === undefined) {
    const reason = 'A rule of the gateway closes this to everybody'
    return { kind: 'refuse', cause: 'closedByRule', reason, scope: undefined, rule }
  }
  if (holds(principal, 'opensearch:admin') || scopes.some((scope) => principal.scopes.has(scope))) return undefined
  const reason = `The bearer token lacks the scope for this request: ${scopes.join(' or ')}`
  return { kind: 'refuse', cause: 'missingScope', reason, scope: first, rule }
}

function fitsRequest({ methods, paths, classes }: GuardRule, asked: Asked): boolean {
  if (methods !== undefined && !methods.includes(asked.method)) return false
  if (classes !== undefined && !classes.includes(asked.class)) return false
  return paths === undefined || paths.some((path) => fitsPath(cutPath(path), asked.segments))
}

function cutPath(path: string): readonly string[] {
  return path.split('/').filter((segment) => segment !== '')
}

interface Fit {
  readonly fits: boolean
  readonly reliesOn: Reliance
}

const certainly = (fits: boolean): Fit => ({ fits, reliesOn: 'nothing' })

function fitsIndices({ indices, scopes }: GuardRule, named: Named | undefined, table: IndexTable | undefined): Fit {
  if (indices === undefined) return certainly(true)
  const isClosed = scopes.length === 0
  if (named === undefined) return certainly(!isClosed)
  if (named.kind === 'none') return certainly(false)
  if (named.kind === 'all') return certainly(isClosed || indices.some((pattern) => /^\*+$/.test(pattern)))
  const included = named.expressions.filter((expression) => !isExclusion(expression))
  if (!isClosed) return certainly(included.every((text) => indices.some((pattern) => fitsGlob(pattern, text))))
  return touches(indices, included, table)
}

/** Whether anything behind the expressions fits: what cannot be told does. */
function touches(patterns: readonly string[], expressions: readonly string[], table: IndexTable | undefined): Fit {
  const isMeant = (name: string): boolean => patterns.some((pattern) => fitsGlob(pattern, name))
  if (expressions.some((text) => isMeant(text) || /[<>:]/.test(text))) return certainly(true)
  if (table === undefined) return { fits: true, reliesOn: 'unknown' }
  const names = new Set(expressions.flatMap((expression) => namesBehind(expression, table)))
  const isKnown = expressions.every((expression) => table.indices.has(expression))
  return { fits: [...names].some(isMeant), reliesOn: isKnown ? 'known' : 'unknown' }
}

function namesBehind(expression: string, { indices, targets }: IndexTable): readonly string[] {
  const all = expression.includes('*')
    ? [...indices, ...targets.keys()].filter((name) => fitsGlob(expression, name))
    : [expression]
  return all.flatMap((name) => [name, ...(targets.get(name) ?? [])])
}
