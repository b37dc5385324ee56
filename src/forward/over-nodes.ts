import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'

import type { Attempt, ClusterNodes } from '../core/cluster-nodes.ts'
import { GatewayError } from '../core/failure.ts'
import { mayHaveRun } from '../core/never-sent.ts'

/**
 * Sends a request to a node, and to another one only where provably nothing of it was sent: clients themselves repeat what they may.
 * @param send rejects only while nothing was answered
 * @throws GatewayError of the last attempt
 */
export async function overNodes(
  nodes: ClusterNodes,
  response: ServerResponse,
  body: Readable | undefined,
  send: (attempt: Attempt) => Promise<void>,
): Promise<void> {
  const tried = new Set<string>()
  for (let next = nodes.first(); ;) {
    const attempt = next
    try {
      await send(attempt)
      return
    } catch (error) {
      tried.add(attempt.node)
      // A caller who leaves in the middle of an upload breaks our request too, and must not make a node look broken.
      const isNodes = error instanceof GatewayError && !response.destroyed && (body?.errored ?? undefined) === undefined
      if (isNodes && error.code === 'upstreamUnavailable') attempt.failed()
      const other = isNodes && !mayHaveRun(error.cause) && !response.headersSent ? nodes.next(tried) : undefined
      if (other === undefined) throw error
      next = other
    } finally {
      attempt.end()
    }
  }
}
