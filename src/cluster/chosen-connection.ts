import { ConnectionPool } from './official-client.ts'
import type { Connection } from './official-client.ts'

/**
 * The client's pool of connections, with all choice taken from it: a request's id is the address of its node. Which nodes are well is known
 * in core/cluster-nodes.ts, which pass-through shares.
 */
export class ChosenConnectionPool extends ConnectionPool {
  override getConnection(options?: Parameters<ConnectionPool['getConnection']>[0]): Connection | null {
    const node = options?.requestId
    return this.connections.find(({ url }) => url.origin === node) ?? null
  }
}
