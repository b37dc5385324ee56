import type { ClusterClient } from './client.ts'
import { asObject, asString, failureOf } from './reading.ts'

/** An index to which a name leads. */
export interface IndexBehind {
  readonly index: string
  /** What the alias routes its documents by. */
  readonly routing: string | undefined
  /** What is written by that name goes there: it is the only one, or chosen. */
  readonly isWritten: boolean
}

/** To which indices a name, which is no pattern, leads at this moment; `undefined` where that cannot be told: nothing has that name, or this identity may not ask. */
export type IndicesBehind = (name: string, signal: AbortSignal) => Promise<readonly IndexBehind[] | undefined>

/** @throws GatewayError where the cluster cannot be asked (the promise) */
export function createIndicesBehind(client: ClusterClient): IndicesBehind {
  return async (name, signal) => {
    const path = `/${encodeURIComponent(name)}/_alias`
    const answer = await client.request({ method: 'GET', path, isRepeatable: true }, signal)
    if (answer.status === 404 || answer.status === 403) return undefined
    if (answer.status !== 200) throw failureOf(answer)
    const found = Object.entries(asObject(answer.body))
    const isAlone = found.length === 1
    const behind = found.map(([index, settings]): IndexBehind | undefined => {
      if (index === name) return { index, routing: undefined, isWritten: true }
      const all = asObject(asObject(settings)['aliases'])
      // A data stream leads to indices that do not have its name.
      if (!Object.hasOwn(all, name)) return undefined
      const { is_write_index: isChosen, index_routing: routing } = asObject(all[name])
      return {
        index,
        routing: routing === undefined ? undefined : asString(routing),
        isWritten: isChosen === true || isAlone,
      }
    })
    return behind.length === 0 || behind.includes(undefined) ? undefined : behind.filter((one) => one !== undefined)
  }
}
