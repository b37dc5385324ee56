import type { Route } from '../core/route.ts'
import { signalOf } from './exchange.ts'
import { checkOne, decideOne } from './one-memory.ts'
import { allowed, refused, signalFor } from './work.ts'
import type { Work } from './work.ts'

const OVERRIDE = 'memory:read:any'

/** `GET .../memories/<type>/<id>`: what is answered was read in the round trip that decided. */
export const getOne: Work<Extract<Route, { kind: 'getMemory' }>> = {
  async handle(parts, exchange, address) {
    const { containerId } = address
    const { type, question } = checkOne(exchange, address)
    const everything = { ...question, reads: 'everything' } as const
    const signal = signalOf(exchange, parts.deadlineMs)
    const decision = await decideOne(parts, exchange, everything, OVERRIDE, signal)
    if (decision.kind === 'granted') return { kind: 'memory', type, source: decision.place.memory.source }
    exchange.outcome = decision
    return { kind: 'refused', work: 'getMemory', containerId, refusal: decision }
  },

  async foresee(parts, asked, address) {
    const { containerId } = address
    const { type, question } = checkOne(asked, address)
    asked.notes.concerns = { id: containerId, types: [type], override: OVERRIDE }
    const decision = await decideOne(parts, asked, question, OVERRIDE, signalFor(parts))
    return decision.kind === 'granted'
      ? allowed(200, `The memory is there and the caller may read it from ${decision.place.index}`)
      : refused(asked, 'getMemory', containerId, decision)
  },
}
