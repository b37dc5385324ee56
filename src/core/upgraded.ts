import type { UpgradeProtocol } from './asked-upgrade.ts'
import type { Principal } from './principal.ts'

/** A connection that was upgraded, and stands for as long as nobody ends it: the request that it came by, to be judged again. */
export interface UpgradedConnection {
  readonly requestId: string
  readonly protocol: UpgradeProtocol
  /** As in its request line. */
  readonly path: string
  readonly token: string
  /** Its caller, as they came to the node. */
  readonly principal: Principal
  /** The parts of the configuration that let it in. */
  readonly parts: object
  /** Of those, the cluster that it goes to. */
  readonly cluster: object
  readonly end: () => void
}

/** Those that stand, whatever configuration they came under. */
export interface UpgradedConnections {
  /** @returns to be called when it is over */
  stand(connection: UpgradedConnection): () => void
}
