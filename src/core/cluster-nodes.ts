import { openEjection } from './ejection.ts'
import type { Ejection, EjectionOptions } from './ejection.ts'
import { InFlight } from './in-flight.ts'
import { openRetryBudget } from './retry-budget.ts'
import type { RetryBudgetOptions } from './retry-budget.ts'

export interface ClusterNodesOptions extends EjectionOptions {
  /** Addresses, as in `https://os1:9200`. */
  readonly nodes: readonly string[]
  readonly retries: Omit<RetryBudgetOptions, 'now'>
}

/** One request on its way to one node. Whoever took it tells what became of it, and ends it in any case. */
export interface Attempt {
  readonly node: string
  /** The node answered, with this status. */
  heard(status: number): void
  /** No connection, or one that broke. */
  failed(): void
  /** It said nothing for so long that it counts as hung. */
  silent(): void
  /** Is called when the node turned out to be hung while this was under way. */
  onHung(callback: () => void): void
  /** Gives the place back; may be called again. */
  end(): void
}

export interface NodeState {
  readonly node: string
  readonly state: 'up' | 'ejected'
  /** For how long it has been so, in milliseconds. */
  readonly forMs: number
  /** Requests under way. */
  readonly outstanding: number
  /** Consecutive ones. */
  readonly failures: number
}

export interface NodeCounters {
  readonly requests: number
  readonly retries: number
  /** Retries that there was no budget for. */
  readonly retriesRefused: number
  readonly ejections: number
}

/** The nodes of one cluster: which of them the next request goes to. Shared by all that send requests to the cluster. */
export interface ClusterNodes {
  /** The node for a request: of those that are up, the one with the fewest under way. */
  first(): Attempt
  /**
   * Another node than those already tried, for the same request; `undefined` where there is none, or no budget for it.
   * @param evenTried one that was tried will do where no other is up
   */
  next(tried: ReadonlySet<string>, evenTried?: boolean): Attempt | undefined
  /** Whether some other node is up. */
  hasOther(node: string): boolean
  /** The nodes to be asked now whether they are well: ejected ones whose time has come, and ones that have gone quiet. */
  toCheck(): readonly string[]
  /** What came of asking. */
  checked(node: string, isWell: boolean): void
  states(): readonly NodeState[]
  counters(): NodeCounters
}

interface Place {
  hung: () => void
  isHeard: boolean
}

interface Node extends Ejection {
  readonly node: string
  readonly underWay: InFlight<Place>
}

export function openClusterNodes(options: ClusterNodesOptions): ClusterNodes {
  const { now } = options
  const budget = openRetryBudget({ ...options.retries, now })
  const counters = { requests: 0, retries: 0, retriesRefused: 0, ejections: 0 }
  const nodes: readonly Node[] = options.nodes.map((node) => ({
    node,
    underWay: new InFlight(),
    ...openEjection(options, () => {
      // Never all of them: whatever ails the last one, there is no better choice.
      if (!hasOther(node)) return false
      counters.ejections += 1
      return true
    }),
  }))
  let turn = 0

  const hasOther = (node: string): boolean => nodes.some((other) => other.node !== node && other.isUp())

  function leastBusy(candidates: readonly Node[]): Node | undefined {
    if (candidates.length === 0) return undefined
    const start = turn++ % candidates.length
    return [...candidates.slice(start), ...candidates.slice(0, start)].reduce((best, node) =>
      node.underWay.size < best.underWay.size ? node : best,
    )
  }

  function giveUp({ underWay }: Node): void {
    for (const one of underWay.items()) one.hung()
  }

  /** Whatever it has answered: as long as others wait for it, it may go quiet again. */
  function waitOn(node: Node): void {
    if (node.underWay.some(({ isHeard }) => !isHeard)) node.asked()
  }

  function begin(node: Node): Attempt {
    const startedAt = now()
    const place: Place = { hung: () => undefined, isHeard: false }
    const leave = node.underWay.add(place)
    node.asked()
    return {
      node: node.node,
      heard(status) {
        place.isHeard = true
        node.answered(!UNAVAILABLE.has(status))
        waitOn(node)
      },
      failed: () => node.failed(),
      silent() {
        // A node that answers others meanwhile is not hung; this one request is slow.
        if (node.heardSince(startedAt)) node.failed()
        else if (node.eject()) giveUp(node)
      },
      onHung: (callback) => void (place.hung = callback),
      end: leave,
    }
  }

  return {
    first() {
      counters.requests += 1
      budget.request()
      const node = leastBusy(nodes.filter((one) => one.isUp()))
      if (node === undefined) throw new Error('a cluster has a node, and one is always up')
      return begin(node)
    },
    next(tried, evenTried = false) {
      const untried = nodes.filter(({ node }) => !tried.has(node))
      const up = (candidates: readonly Node[]): readonly Node[] => candidates.filter((one) => one.isUp())
      const node =
        leastBusy(up(untried)) ??
        (evenTried ? leastBusy(up(nodes)) : undefined) ??
        // An ejected one is better than none: it may be back already.
        leastBusy(untried)
      if (node === undefined) return undefined
      if (!budget.take()) {
        counters.retriesRefused += 1
        return undefined
      }
      counters.retries += 1
      return begin(node)
    },
    hasOther,
    toCheck: () => (nodes.length === 1 ? [] : nodes.filter((one) => one.needsCheck()).map(({ node }) => node)),
    checked(name, isWell) {
      const node = nodes.find((one) => one.node === name)
      if (node === undefined) return
      if (node.checked(isWell)) giveUp(node)
      waitOn(node)
    },
    states: () =>
      nodes.map((one) => ({
        node: one.node,
        state: one.isUp() ? 'up' : 'ejected',
        forMs: Math.round(now() - one.since()),
        outstanding: one.underWay.size,
        failures: one.failures(),
      })),
    counters: () => ({ ...counters }),
  }
}

/** What a node, or a balancer before it, answers when it cannot serve. */
export const UNAVAILABLE: ReadonlySet<number> = new Set([502, 503, 504])
