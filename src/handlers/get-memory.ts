import { decide } from '../core/decide.ts'
import { checkParameters } from '../core/parameters.ts'
import type { MemoryAddress } from '../core/route.ts'
import { checkedId, memoryTypeOf } from './addressed.ts'
import { signalOf } from './exchange.ts'
import type { Admitted, Handled, HandlerParts } from './exchange.ts'

/** `GET .../memories/<type>/<id>`: what is answered was read in the round trip that decided. */
export async function handleGet(
  { policy, deadlineMs }: HandlerParts,
  exchange: Admitted,
  address: MemoryAddress,
): Promise<Handled> {
  const { cluster, principal, target } = exchange
  const { containerId } = address
  const type = memoryTypeOf(address.typeText)
  const memoryId = checkedId(address.memoryId)
  checkParameters(target)
  const store = cluster.storeFor(signalOf(exchange, deadlineMs), exchange.waited)
  const look = await store.look({ containerId, types: [type], memoryId, reads: 'everything' })
  const decision = decide(look, principal, policy, 'memory:read:any')
  if (decision.kind === 'granted') return { kind: 'memory', type, source: decision.place.memory.source }
  exchange.outcome = decision
  return { kind: 'refused', work: 'getMemory', containerId, refusal: decision }
}
