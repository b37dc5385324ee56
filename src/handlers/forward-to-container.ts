import { namesCaller } from '../core/access.ts'
import type { AccessPolicy } from '../core/access.ts'
import { checkAddition } from '../core/add-memories.ts'
import type { Container } from '../core/backing-index.ts'
import { decide, decideContainer } from '../core/decide.ts'
import type { Refusal } from '../core/decide.ts'
import { checkParameters } from '../core/parameters.ts'
import type { Override, Principal } from '../core/principal.ts'
import type { MemoryAddress, MemoryRequest } from '../core/route.ts'
import type { RefusedWork } from '../wire/answer.ts'
import { checkedId, memoryTypeOf } from './addressed.ts'
import { signalOf } from './exchange.ts'
import type { Admitted, Handled, HandlerParts } from './exchange.ts'
import { forwardAsCaller } from './forward-as-caller.ts'
import { readJsonBody } from './read-body.ts'

export type ContainerRequest = Extract<
  MemoryRequest,
  { kind: 'getContainer' | 'updateContainer' | 'addMemories' | 'createSession' }
>

/** Sends on what concerns a container as a whole, or puts something into it, once its caller is admitted to it. */
export async function forwardToContainer(
  parts: HandlerParts,
  exchange: Admitted,
  { kind, containerId }: ContainerRequest,
): Promise<Handled> {
  // The plugin reads the path's parts as parameters: one of the same name in the query must not be taken for it.
  checkParameters(exchange.target)
  // Only this one's body can say another container than the path.
  const body = kind === 'addMemories' ? await checkedAddition(parts, exchange, containerId) : undefined
  const { cluster, principal } = exchange
  const store = cluster.storeFor(signalOf(exchange, parts.deadlineMs), exchange.waited)
  const container = await store.findContainer(containerId)
  const refusal = whyNotAdmitted(container, principal, parts.policy, kind)
  return refusal === undefined
    ? forwardAsCaller(parts, exchange, { body })
    : refuse(exchange, kind, containerId, refusal)
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
export function overrideFor(kind: ContainerRequest['kind']): Override {
  return kind === 'getContainer' ? 'memory:read:any' : 'memory:write:any'
}

/** Why a caller may not have a request on a container as a whole; `undefined` where they may. */
export function whyNotAdmitted(
  container: Container | undefined,
  principal: Principal,
  policy: AccessPolicy,
  kind: ContainerRequest['kind'],
): Refusal | undefined {
  const override = overrideFor(kind)
  const decision = decideContainer(container, principal, policy, override)
  if (decision.kind !== 'granted') return decision
  // Where a container names nobody all may use it, but whoever changed it could make it theirs, and lock the others out.
  const mayChange = kind !== 'updateContainer' || namesCaller(decision.container, principal, override)
  return mayChange ? undefined : { kind: 'denied', by: 'container' }
}

/** `PUT .../memories/<type>/<id>`: looked at and decided as the delete is, and then sent on. */
export async function forwardUpdate(parts: HandlerParts, exchange: Admitted, address: MemoryAddress): Promise<Handled> {
  const { cluster, principal, target } = exchange
  const { containerId } = address
  const types = [memoryTypeOf(address.typeText)]
  const memoryId = checkedId(address.memoryId)
  checkParameters(target)
  const store = cluster.storeFor(signalOf(exchange, parts.deadlineMs), exchange.waited)
  const look = await store.look({ containerId, types, memoryId })
  const decision = decide(look, principal, parts.policy, 'memory:write:any')
  return decision.kind === 'granted'
    ? forwardAsCaller(parts, exchange)
    : refuse(exchange, 'updateMemory', containerId, decision)
}

function refuse(exchange: Admitted, work: RefusedWork, containerId: string, refusal: Refusal): Handled {
  exchange.outcome = refusal
  return { kind: 'refused', work, containerId, refusal }
}
