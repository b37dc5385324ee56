import type { ClusterNodes } from '../core/cluster-nodes.ts'
import type { ClusterClient } from './client.ts'

interface Options {
  readonly client: Pick<ClusterClient, 'isWell'>
  readonly nodes: ClusterNodes
  /** How often it is seen whether a node is to be asked. */
  readonly intervalMs: number
  /** How long a node has for its answer. */
  readonly timeoutMs: number
  readonly onChange: (change: { readonly node: string; readonly isUp: boolean }) => void
}

export interface NodeChecks {
  start(): void
  close(): void
}

/** Asks ejected nodes whether they are back, and quiet ones whether they hang. A cluster of one node is never asked. */
export function checkNodes({ client, nodes, intervalMs, timeoutMs, onChange }: Options): NodeChecks {
  const closed = new AbortController()
  const running = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  let seen = new Map(nodes.states().map(({ node, state }) => [node, state]))

  async function check(node: string): Promise<void> {
    running.add(node)
    try {
      nodes.checked(node, await client.isWell(node, AbortSignal.any([closed.signal, AbortSignal.timeout(timeoutMs)])))
    } catch {
      if (!closed.signal.aborted) nodes.checked(node, false)
    } finally {
      running.delete(node)
    }
    tellChanges()
  }

  function tellChanges(): void {
    const now = new Map(nodes.states().map(({ node, state }) => [node, state]))
    for (const [node, state] of now) if (seen.get(node) !== state) onChange({ node, isUp: state === 'up' })
    seen = now
  }

  return {
    start() {
      timer ??= setInterval(() => {
        tellChanges()
        for (const node of nodes.toCheck()) if (!running.has(node)) void check(node)
      }, intervalMs).unref()
    },
    close() {
      clearInterval(timer)
      closed.abort()
    },
  }
}
