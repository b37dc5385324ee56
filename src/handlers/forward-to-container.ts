import { namesCaller } from '../core/access.ts'
import { checkAddition } from '../core/add-memories.ts'
import { decideContainer } from '../core/decide.ts'
import type { Refusal } from '../core/decide.ts'
import { checkParameters } from '../core/parameters.ts'
import type { Override } from '../core/principal.ts'
import type { MemoryRequest, Route } from '../core/route.ts'
import type { RefusedWork } from '../wire/answer.ts'
import { signalOf } from './exchange.ts'
import type { Admitted, Handled, HandlerParts } from './exchange.ts'
import { checkIdentity, forwardAsCaller } from './forward-as-caller.ts'
import { checkOne, decideOne } from './one-memory.ts'
import { readJsonBody } from './read-body.ts'
import { allowed, refused, signalFor } from './work.ts'
import type { Foreseen, Asked, Subject, Work } from './work.ts'

type ContainerRequest = Extract<
  MemoryRequest,
  { kind: 'getContainer' | 'updateContainer' | 'addMemories' | 'createSession' }
>

/** Sends on what concerns a container as a whole, or puts something into it, once its caller is admitted to it. */
export const forwardToContainer: Work<ContainerRequest> = {
  async handle(parts, exchange, { kind, containerId }) {
    checkWhole(exchange)
    // Only this one's body can say another container than the path.
    const body = kind === 'addMemories' ? await checkedAddition(parts, exchange, containerId) : undefined
    const refusal = await whyNot(parts, exchange, { kind, containerId }, signalOf(exchange, parts.deadlineMs))
    return refusal === undefined
      ? forwardAsCaller(parts, exchange, { body })
      : refuse(exchange, kind, containerId, refusal)
  },

  async foresee(parts, asked, { kind, containerId }) {
    checkWhole(asked)
    asked.notes.concerns = { id: containerId, types: [], override: overrideFor(kind) }
    if (kind === 'addMemories') {
      asked.notes.bodyDecides = 'A body that names another memory container, or a tenant, is refused'
    }
    const refusal = await whyNot(parts, asked, { kind, containerId }, signalFor(parts))
    return refusal === undefined
      ? forwarded(asked, 'The container admits the caller')
      : refused(asked, kind, containerId, refusal)
  },
}

/** The plugin reads the path's parts as parameters: one of the same name in the query must not be taken for it. @throws GatewayError unrecognizedParameter */
function checkWhole({ target }: Subject): void {
  checkParameters(target)
}

/** Memories come in messages, not in files. */
const MAX_ADDITION_BYTES = 10_485_760

/** The body's own bytes: what is valid UTF-8 is the same when it is written again. */
async function checkedAddition(
  { boundary }: HandlerParts,
  { request }: Admitted,
  containerId: string,
): Promise<Buffer> {
  const text = await readJsonBody(request, Math.min(MAX_ADDITION_BYTES, boundary.maxBodyBytes))
  checkAddition(text, containerId)
  return Buffer.from(text)
}

/** The scope that opens every container to a request on one as a whole. */
function overrideFor(kind: ContainerRequest['kind']): Override {
  return kind === 'getContainer' ? 'memory:read:any' : 'memory:write:any'
}

/** Why a caller may not have a request on a container as a whole; `undefined` where they may. */
async function whyNot(
  { policy }: HandlerParts,
  { cluster, principal, waited }: Subject,
  { kind, containerId }: Pick<ContainerRequest, 'kind' | 'containerId'>,
  signal: AbortSignal,
): Promise<Refusal | undefined> {
  const container = await cluster.storeFor(signal, waited).findContainer(containerId)
  const override = overrideFor(kind)
  const decision = decideContainer(container, principal, policy, override)
  if (decision.kind !== 'granted') return decision
  // Where a container names nobody all may use it, but whoever changed it could make it theirs, and lock the others out.
  const mayChange = kind !== 'updateContainer' || namesCaller(decision.container, principal, override)
  return mayChange ? undefined : { kind: 'denied', by: 'container' }
}

/** `PUT .../memories/<type>/<id>`: looked at and decided as the delete is, and then sent on. */
export const forwardUpdate: Work<Extract<Route, { kind: 'updateMemory' }>> = {
  async handle(parts, exchange, address) {
    const { question } = checkOne(exchange, address)
    const signal = signalOf(exchange, parts.deadlineMs)
    const decision = await decideOne(parts, exchange, question, 'memory:write:any', signal)
    return decision.kind === 'granted'
      ? forwardAsCaller(parts, exchange)
      : refuse(exchange, 'updateMemory', address.containerId, decision)
  },

  async foresee(parts, asked, address) {
    const { type, question } = checkOne(asked, address)
    asked.notes.concerns = { id: address.containerId, types: [type], override: 'memory:write:any' }
    const decision = await decideOne(parts, asked, question, 'memory:write:any', signalFor(parts))
    return decision.kind === 'granted'
      ? forwarded(asked, `The caller may update the memory in ${decision.place.index}`)
      : refused(asked, 'updateMemory', address.containerId, decision)
  },
}

function refuse(exchange: Admitted, work: RefusedWork, containerId: string, refusal: Refusal): Handled {
  exchange.outcome = refusal
  return { kind: 'refused', work, containerId, refusal }
}

function forwarded(asked: Asked, why: string): Foreseen {
  checkIdentity(asked)
  return allowed(undefined, `${why}, and the cluster ${asked.cluster.name} answers`)
}
