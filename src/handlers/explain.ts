import type { RouteChoice, RouteQuestion } from '../core/choose-cluster.ts'
import { admissionOf, holds, requireScope } from '../core/access.ts'
import { backingIndexOf } from '../core/backing-index.ts'
import type { Container } from '../core/backing-index.ts'
import type { NodeState } from '../core/cluster-nodes.ts'
import { decide, decideContainer, decideIndex } from '../core/decide.ts'
import type { Refusal } from '../core/decide.ts'
import { foreseeDeleteContainer } from '../core/delete-container.ts'
import { wordRule } from '../core/explain.ts'
import type { Explanation, Stage } from '../core/explain.ts'
import { GatewayError } from '../core/failure.ts'
import { scopesOf } from '../core/memory-routes.ts'
import { MEMORY_TYPES } from '../core/memory.ts'
import type { MemoryType } from '../core/memory.ts'
import {
  checkParameters,
  layoutParametersOf,
  parseByQueryParameters,
  parseContainerParameters,
} from '../core/parameters.ts'
import type { Override, Principal, Scope } from '../core/principal.ts'
import { dialectOf, dialectOfRawTarget, isMemoryRequest, routeOf } from '../core/route.ts'
import type { MemoryRequest, Route } from '../core/route.ts'
import { parseTarget } from '../core/target.ts'
import type { Target } from '../core/target.ts'
import { answerOf } from '../wire/answer.ts'
import type { RefusedWork, Result } from '../wire/answer.ts'
import { checkedId, containerOf, legacyContainer, memoryTypeOf } from './addressed.ts'
import { requestOf } from './delete-memory.ts'
import type { ClusterParts, HandlerParts } from './exchange.ts'
import { overrideFor, whyNotAdmitted } from './forward-to-container.ts'
import type { ContainerRequest } from './forward-to-container.ts'
import { decideWithTable, isEnforced } from './guard.ts'
import { refusalError } from './refuse.ts'

/** What explaining stands on: the parts of the stages themselves, but for those that count or remember. */
export interface ExplainParts extends Pick<HandlerParts, 'policy' | 'legacy' | 'guard' | 'deadlineMs'> {
  readonly authenticate: (authorization: readonly string[]) => Promise<Principal>
  readonly route: (question: RouteQuestion) => { readonly cluster: ClusterParts; readonly principal: Principal }
  readonly choose: (question: RouteQuestion) => RouteChoice
  readonly nodesOf: (cluster: string) => readonly NodeState[]
}

export interface ExplainQuestion {
  readonly method: string
  /** As in the request line: path and query. */
  readonly path: string
  readonly token?: string | undefined
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] }

/** What is found out on the way; `by` is the stage that is being asked. */
interface Findings {
  stage: Stage
  target?: Target
  route?: Route
  readonly told: Writable<Partial<Omit<Explanation, 'decision' | 'by' | 'why' | 'answer'>>>
}

/** What a request would come to; `allowed` where the gateway would do it, or pass it on. */
type Foreseen = Result | { readonly kind: 'allowed'; readonly status: number | undefined; readonly why: string }

/** Says what the gateway would make of a request, by the stages that it would go through. Nothing is removed, forwarded or counted. */
export async function explain(parts: ExplainParts, question: ExplainQuestion): Promise<Explanation> {
  const findings: Findings = { stage: 'target', told: {} }
  const foreseen = await foresee(parts, question, findings).catch((error: unknown): Result => {
    const failure = error instanceof GatewayError ? error : new GatewayError('internal', { cause: error })
    return { kind: 'failure', error: failure }
  })
  if (foreseen.kind === 'allowed') {
    const { status, why } = foreseen
    return { decision: 'allowed', why, answer: status === undefined ? {} : { status }, ...findings.told }
  }
  return { ...refusal(parts, question, findings, foreseen), ...findings.told }
}

async function foresee(parts: ExplainParts, question: ExplainQuestion, findings: Findings): Promise<Foreseen> {
  const { told } = findings
  const { method, path, token } = question
  const target = parseTarget(path)
  findings.target = target
  const route = routeOf(method, target)
  findings.route = route
  told.route = route.kind

  findings.stage = 'token'
  const caller = await parts.authenticate(token === undefined ? [] : [`Bearer ${token}`])
  told.principal = principalOf(caller)

  findings.stage = 'route'
  const asked = { principal: caller, segments: target.segments, containerId: containerOf(parts, route, caller) }
  const { cluster, principal } = parts.route(asked)
  const choice = parts.choose(asked)
  if (choice.kind === 'cluster') told.cluster = { name: choice.cluster, route: choice.position }
  told.nodes = nodesOf(parts.nodesOf(cluster.name))
  told.principal = principalOf(principal)
  return foreseeWork(parts, { method, target, cluster, principal, findings }, route)
}

interface Asked {
  readonly method: string
  readonly target: Target
  readonly cluster: ClusterParts
  readonly principal: Principal
  readonly findings: Findings
}

function foreseeWork(parts: ExplainParts, asked: Asked, route: Route): Foreseen | Promise<Foreseen> {
  if (isMemoryRequest(route)) return foreseeMemoryRoute(parts, asked, route)
  switch (route.kind) {
    case 'deleteLegacyMemory':
      return foreseeDelete(parts, asked, route)
    case 'deleteLegacyMemories':
      return foreseeBulk(parts, asked)
    case 'passThrough':
      return foreseePassThrough(parts, asked)
    case 'legacyOptions':
    case 'wrongMethod':
      return { kind: 'wrongMethod', allow: route.allow }
    case 'noHandler':
    case 'unknownLegacyPath':
      return { kind: route.kind }
  }
}

function foreseeMemoryRoute(parts: ExplainParts, asked: Asked, route: MemoryRequest): Foreseen | Promise<Foreseen> {
  askScope(asked, ...scopesOf(route.kind))
  switch (route.kind) {
    case 'deleteMemory':
      return foreseeDelete(parts, asked, route)
    case 'deleteByQuery':
      return foreseeByQuery(parts, asked, route)
    case 'deleteContainer':
      return foreseeContainer(parts, asked, route.containerId)
    case 'getMemory':
    case 'updateMemory':
      return foreseeOne(parts, asked, route)
    case 'searchMemories':
      return foreseeSearch(parts, asked, route)
    case 'addMemories':
    case 'getContainer':
    case 'updateContainer':
    case 'createSession':
      return foreseeWhole(parts, asked, route)
    case 'createContainer':
    case 'searchContainers':
    case 'semanticSearch':
    case 'hybridSearch':
    case 'previewRetention':
    case 'executeRetention':
    case 'unknownMemoryRoute':
      return foreseePassThrough(parts, asked)
  }
}

async function foreseeOne(
  parts: ExplainParts,
  asked: Asked,
  { kind, containerId, typeText, memoryId }: Extract<MemoryRequest, { kind: 'getMemory' | 'updateMemory' }>,
): Promise<Foreseen> {
  const { cluster, principal, target, findings } = asked
  const override = kind === 'getMemory' ? 'memory:read:any' : 'memory:write:any'
  const request = { containerId, types: [memoryTypeOf(typeText)], memoryId: checkedId(memoryId) }
  checkParameters(target)
  findings.stage = 'container'
  const look = await cluster.storeFor(AbortSignal.timeout(parts.deadlineMs)).look(request)
  tellContainer(parts, asked, { id: containerId, container: look.container, types: request.types, override })
  const decision = decide(look, principal, parts.policy, override)
  if (decision.kind !== 'granted') return refusedWork(findings, kind, containerId, decision)
  const { index } = decision.place
  return kind === 'getMemory'
    ? allowed(200, `The memory is there and the caller may read it from ${index}`)
    : allowed(undefined, `The caller may update the memory in ${index}, and the cluster ${cluster.name} answers`)
}

async function foreseeSearch(
  parts: ExplainParts,
  asked: Asked,
  { kind, containerId, typeText }: Extract<MemoryRequest, { kind: 'searchMemories' }>,
): Promise<Foreseen> {
  const { cluster, principal, target, findings } = asked
  const override = 'memory:read:any'
  const type = memoryTypeOf(typeText)
  checkParameters(target)
  layoutParametersOf(target, undefined)
  findings.told.bodyDecides = 'The body decides what is found, and whether it is a search that is allowed'
  findings.stage = 'container'
  const store = cluster.queryStoreFor(AbortSignal.timeout(parts.deadlineMs))
  const container = await store.findContainer(containerId)
  tellContainer(parts, asked, { id: containerId, container, types: [type], override })
  const decision = decideIndex(container, type, principal, parts.policy, override)
  if (decision.kind !== 'granted') return refusedWork(findings, kind, containerId, decision)
  const { index } = decision
  const fields = await store.fields(index, holds(principal, override))
  if (fields === undefined) return refusedWork(findings, kind, containerId, { kind: 'indexMissing', index })
  const whose = holds(principal, override) ? 'the memories of the container' : 'their own memories'
  return allowed(undefined, `The caller may search ${whose} in ${index}, and the cluster ${cluster.name} answers`)
}

async function foreseeWhole(
  parts: ExplainParts,
  asked: Asked,
  { kind, containerId }: ContainerRequest,
): Promise<Foreseen> {
  const { cluster, principal, target, findings } = asked
  checkParameters(target)
  if (kind === 'addMemories') {
    findings.told.bodyDecides = 'A body that names another memory container, or a tenant, is refused'
  }
  const container = await findContainer(parts, asked, { id: containerId, types: [], override: overrideFor(kind) })
  const refusal = whyNotAdmitted(container, principal, parts.policy, kind)
  if (refusal !== undefined) return refusedWork(findings, kind, containerId, refusal)
  return allowed(undefined, `The container admits the caller, and the cluster ${cluster.name} answers`)
}

function refusedWork(findings: Findings, work: RefusedWork, containerId: string, refusal: Refusal): Result {
  findings.stage = stageOf(refusal)
  return { kind: 'refused', work, containerId, refusal }
}

async function foreseeDelete(
  parts: ExplainParts,
  asked: Asked,
  route: Extract<Route, { kind: 'deleteMemory' | 'deleteLegacyMemory' }>,
): Promise<Foreseen> {
  const { cluster, principal, findings } = asked
  askScope(asked, ...scopesOf('deleteMemory'))
  const request = requestOf(parts, asked, route)
  findings.stage = 'container'
  const look = await cluster.storeFor(AbortSignal.timeout(parts.deadlineMs)).look(request)
  const { containerId: id, types } = request
  tellContainer(parts, asked, { id, container: look.container, types, override: 'memory:delete:any' })
  const decision = decide(look, principal, parts.policy, 'memory:delete:any')
  if (decision.kind !== 'granted') {
    findings.stage = stageOf(decision)
    return { kind: 'outcome', outcome: decision }
  }
  return allowed(200, `The memory is there and the caller may delete it from ${decision.place.index}`)
}

async function foreseeContainer(parts: ExplainParts, asked: Asked, containerId: string): Promise<Foreseen> {
  const { cluster, principal, target, findings } = asked
  const { allMemories, memories } = parseContainerParameters(target)
  const types = allMemories ? MEMORY_TYPES : [...new Set(memories.map(memoryTypeOf))]
  findings.stage = 'container'
  const store = cluster.containerStoreFor(AbortSignal.timeout(parts.deadlineMs))
  const outcome = await foreseeDeleteContainer(store, principal, { containerId, types })
  if (outcome.kind !== 'granted') return { kind: 'containerOutcome', outcome }
  const indices = outcome.indices.length === 0 ? '' : ` with ${outcome.indices.join(', ')}`
  tellContainer(parts, asked, { id: containerId, container: outcome.container, types, override: 'memory:delete:any' })
  return allowed(200, `The caller may delete the container${indices}`)
}

async function foreseeByQuery(
  parts: ExplainParts,
  asked: Asked,
  { containerId, typeText }: Extract<Route, { kind: 'deleteByQuery' }>,
): Promise<Foreseen> {
  const { principal, target, findings } = asked
  const type = memoryTypeOf(typeText)
  parseByQueryParameters(target)
  findings.told.bodyDecides = 'The query in the body decides which memories go, and whether it is one that is allowed'
  const container = await findContainer(parts, asked, {
    id: containerId,
    types: [type],
    override: 'memory:delete:any',
  })
  const decision = decideIndex(container, type, principal, parts.policy, 'memory:delete:any')
  if (decision.kind === 'granted') {
    return allowed(200, `The caller may delete their own memories in ${decision.index}, those that the query finds`)
  }
  findings.stage = stageOf(decision)
  const outcome = decision.kind === 'indexNotFound' ? ({ kind: 'typeDisabled', type } as const) : decision
  return { kind: 'byQueryOutcome', outcome, tookMs: 0 }
}

async function foreseeBulk(parts: ExplainParts, asked: Asked): Promise<Foreseen> {
  askScope(asked, ...scopesOf('deleteMemory'))
  const containerId = legacyContainer(asked.principal, parts.legacy)
  asked.findings.told.bodyDecides = 'The ids in the body decide: each memory is answered for itself'
  const container = await findContainer(parts, asked, {
    id: containerId,
    types: parts.legacy.types,
    override: 'memory:delete:any',
  })
  const admission = decideContainer(container, asked.principal, parts.policy, 'memory:delete:any')
  const none = admission.kind === 'granted' ? '' : '; of this container none would be deleted for this caller'
  return allowed(200, `The gateway answers for each memory in the body by itself${none}`)
}

interface Addressed {
  readonly id: string
  readonly types: readonly MemoryType[]
  /** The scope that opens every container to this work. */
  readonly override: Override
}

async function findContainer(parts: ExplainParts, asked: Asked, addressed: Addressed): Promise<Container | undefined> {
  asked.findings.stage = 'container'
  const container = await asked.cluster.storeFor(AbortSignal.timeout(parts.deadlineMs)).findContainer(addressed.id)
  tellContainer(parts, asked, { ...addressed, container })
  return container
}

async function foreseePassThrough({ guard }: ExplainParts, asked: Asked): Promise<Foreseen> {
  const { method, target, principal, cluster, findings } = asked
  findings.stage = 'guard'
  const decision = await decideWithTable({ method, target, principal }, guard, cluster.indexTables)
  const rule = decision.rule === undefined ? undefined : guard.policy.rules[decision.rule]
  const refused = decision.refusals.find((refusal) => isEnforced(guard, refusal))
  if (rule !== undefined && rule.scopes.length > 0) findings.told.scopesNeeded = rule.scopes
  if (refused?.scope !== undefined && refused.cause !== 'missingScope') findings.told.scopesNeeded = [refused.scope]
  findings.told.guard = {
    ...(decision.api === undefined ? {} : { api: decision.api }),
    class: decision.class,
    ...(rule === undefined ? {} : { rule: { position: decision.rule ?? 0, says: wordRule(rule) } }),
    observed: decision.refusals.filter((refusal) => !isEnforced(guard, refusal)).map(({ reason }) => reason),
  }
  if (refused !== undefined) {
    if (refused.cause === 'missingScope') findings.stage = 'scope'
    throw refusalError(refused)
  }
  if (decision.body !== undefined) {
    const without = decision.body.unnamed.find((refusal) => isEnforced(guard, refusal))
    const else_ = without === undefined ? '' : `; one that names no index is refused: ${without.reason}`
    findings.told.bodyDecides = `What the body names is judged while it is sent (${decision.body.kind})${else_}`
  }
  return allowed(undefined, `The guard lets it through, and the cluster ${cluster.name} answers`)
}

const allowed = (status: number | undefined, why: string): Foreseen => ({ kind: 'allowed', status, why })

function askScope({ principal, findings }: Asked, ...scopes: readonly [Scope, ...Scope[]]): void {
  findings.stage = 'scope'
  findings.told.scopesNeeded = scopes
  requireScope(principal, ...scopes)
  findings.stage = 'request'
}

function tellContainer(
  { policy }: ExplainParts,
  { principal, findings }: Asked,
  { id, container, types, override }: Addressed & { readonly container: Container | undefined },
): void {
  const admittedBy = container && admissionOf(container, principal, policy, override)
  const named = container === undefined ? [] : types.map((type) => backingIndexOf(container.naming, type))
  findings.told.container = {
    id,
    found: container !== undefined,
    ...(admittedBy === undefined ? {} : { admittedBy }),
    // Whom the container does not admit is told nothing else of it.
    indices: admittedBy === undefined ? [] : named.flatMap((one) => (one.kind === 'index' ? [one.index] : [])),
  }
}

function stageOf(refused: { readonly kind: string; readonly by?: 'container' | 'owner' }): Stage {
  if (refused.kind === 'denied') return refused.by ?? 'container'
  return refused.kind === 'memoryNotFound' ? 'memory' : 'container'
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

type Ending = Pick<Explanation, 'decision' | 'by' | 'why' | 'answer'>

function refusal(
  { legacy }: ExplainParts,
  { method, path }: ExplainQuestion,
  findings: Findings,
  result: Result,
): Ending {
  const { route, target, stage } = findings
  const { status, body } = answerOf(result, {
    dialect: route === undefined ? dialectOfRawTarget(path) : dialectOf(route),
    method,
    uri: path,
    decodedPath: target?.decodedPath ?? path,
    presentation: { pretty: false, filterPaths: { includes: [], excludes: [] }, format: 'json' },
    requestId: '',
    opaqueId: undefined,
    versionHeader: undefined,
    legacyMissing: legacy.missing,
    isReplayed: false,
    corsOrigin: undefined,
  })
  const reason = reasonIn(body)
  const by = isOfPath(result) ? 'target' : stage
  const answer = { status, ...(reason === undefined ? {} : { reason }) }
  if (status < 400) return { decision: 'allowed', why: reason ?? 'The gateway answers this itself', answer }
  if (status === 429 || status >= 500) {
    return { decision: 'unknown', by, why: `It could not be decided: ${reason ?? String(status)}`, answer }
  }
  return { decision: 'refused', by, why: `${REFUSED_BY[by]}: ${reason ?? String(status)}`, answer }
}

const REFUSED_BY: Readonly<Record<Stage, string>> = {
  target: 'The method or the path is not one that the gateway takes',
  token: 'The token is not accepted',
  route: 'The routes lead this caller to no cluster',
  scope: 'The token lacks a scope',
  guard: 'The guard keeps this caller from it',
  request: 'The request asks for it in a way that is not allowed',
  container: 'The memory container is not open to this caller, or not there',
  memory: 'There is no such memory',
  owner: 'The memory is not the caller’s own',
}

function isOfPath({ kind }: Result): boolean {
  return kind === 'wrongMethod' || kind === 'noHandler' || kind === 'unknownLegacyPath'
}

/** Every dialect has its own place for it. */
function reasonIn(body: string): string | undefined {
  if (body === '') return undefined
  const { error, message } = JSON.parse(body) as { error?: string | { reason?: string }; message?: string }
  return typeof error === 'object' ? error.reason : (error ?? message)
}
