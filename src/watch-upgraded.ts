import { InFlight } from './core/in-flight.ts'
import type { InForce } from './core/in-force.ts'
import type { UpgradedConnection, UpgradedConnections } from './core/upgraded.ts'
import { explain } from './handlers/explain.ts'
import type { Parts } from './open-parts.ts'

/** What a connection that was let in has come to; `unknown` where a part that decides could not be asked. */
type Verdict = 'stays' | 'ends' | 'unknown'

export type WhyEnded = 'its token was revoked' | 'the configuration lets it in no more'

/** Ends upgraded connections whose request would be refused by now. */
export interface UpgradedWatch extends UpgradedConnections {
  /** Ends those whose token is on the deny list. */
  endRevoked(): void
  /** Judges all of them by the configuration in force. */
  review(): void
  close(): void
}

interface Options {
  readonly isRevoked: (connection: UpgradedConnection) => boolean
  readonly isInForce: (parts: object) => boolean
  readonly judge: (connection: UpgradedConnection) => Promise<Verdict>
  readonly onEnd: (connection: UpgradedConnection, why: WhyEnded) => void
}

interface Standing {
  readonly connection: UpgradedConnection
  isOver: boolean
}

const REVIEW_AGAIN_MS = 5_000

export function watchUpgraded({ isRevoked, isInForce, judge, onEnd }: Options): UpgradedWatch {
  const all = new InFlight<Standing>()
  let again: NodeJS.Timeout | undefined

  function end(one: Standing, why: WhyEnded): void {
    if (one.isOver) return
    one.isOver = true
    onEnd(one.connection, why)
    one.connection.end()
  }

  function endIfRevoked(one: Standing): void {
    // check: upgraded-revoked
    if (isRevoked(one.connection)) end(one, 'its token was revoked')
  }

  /** One after the other: there may be many, and requests have their turn between them. */
  async function reviewThese(some: readonly Standing[]): Promise<void> {
    const unsure: Standing[] = []
    for (const one of some) {
      const verdict = one.isOver ? 'stays' : await judge(one.connection)
      if (verdict === 'ends') end(one, 'the configuration lets it in no more')
      else if (verdict === 'unknown') unsure.push(one)
    }
    if (unsure.length > 0) again ??= setTimeout(reviewAgain, REVIEW_AGAIN_MS).unref()
  }

  function reviewAgain(): void {
    again = undefined
    void reviewThese(all.items())
  }

  return {
    stand(connection) {
      const one: Standing = { connection, isOver: false }
      const leave = all.add(one)
      // What changed while the node made up its mind was told to those that stood.
      endIfRevoked(one)
      if (!isInForce(connection.parts)) void reviewThese([one])
      return () => {
        one.isOver = true
        leave()
      }
    },
    endRevoked: () => all.items().forEach(endIfRevoked),
    review: () => void reviewThese(all.items()),
    close: () => clearTimeout(again),
  }
}

/** Asks about the request of an upgraded connection as anybody may ask about one, by the configuration in force: it stays where it would be let in again, as the same caller, to the same nodes. */
export async function judgeAgain(
  inForce: InForce<Parts>,
  { protocol, path, token, principal, cluster }: UpgradedConnection,
): Promise<Verdict> {
  const { value, end } = inForce.take()
  try {
    const told = await explain(value.explain, { method: 'GET', path, token, upgrade: protocol })
    if (told.decision === 'unknown') return 'unknown'
    const isSame = told.principal?.subject === principal.subject && isCluster(value, told.cluster?.name, cluster)
    return told.upgrade === 'passes' && isSame ? 'stays' : 'ends'
  } finally {
    end()
  }
}

/** A cluster whose settings changed is another one. */
function isCluster({ clusters }: Parts, name: string | undefined, cluster: object): boolean {
  return name !== undefined && clusters.get(name)?.parts === cluster
}
