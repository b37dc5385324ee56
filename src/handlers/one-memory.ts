import { decide } from '../core/decide.ts'
import type { LookQuestion } from '../core/look.ts'
import type { MemoryType } from '../core/memory.ts'
import { checkParameters } from '../core/parameters.ts'
import type { Override } from '../core/principal.ts'
import type { MemoryAddress } from '../core/route.ts'
import { checkedId, memoryTypeOf } from './addressed.ts'
import type { HandlerParts } from './exchange.ts'
import type { Subject } from './work.ts'

/** One memory that a request addresses, checked. */
export interface OneMemory {
  readonly type: MemoryType
  readonly question: LookQuestion
}

/** @throws GatewayError invalidMemoryType, invalidMemoryId, unrecognizedParameter */
export function checkOne({ target }: Subject, { containerId, typeText, memoryId }: MemoryAddress): OneMemory {
  const type = memoryTypeOf(typeText)
  const question = { containerId, types: [type], memoryId: checkedId(memoryId) }
  checkParameters(target)
  return { type, question }
}

/** Looks at one memory, and decides whether the caller may read or change it. @throws GatewayError unusableContainer; from the store */
export async function decideOne(
  { policy }: Pick<HandlerParts, 'policy'>,
  { cluster, principal, waited }: Subject,
  question: LookQuestion,
  override: Override,
  signal: AbortSignal,
): Promise<ReturnType<typeof decide>> {
  return decide(await cluster.storeFor(signal, waited).look(question), principal, policy, override)
}
