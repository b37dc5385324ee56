import type { BatchMember, Tracing } from '../core/tracing.ts'
import type { Enqueue, Lane, QueueOptions } from './lane.ts'

/** A queue of a lane whose items and batches are spans, where anybody collects them; else the queue itself. */
export function tracedQueue<Item extends object, Reply>(
  lane: Lane,
  operation: 'look' | 'remove',
  options: QueueOptions<Item, Reply>,
  cluster: string,
  tracing: Tracing | undefined,
): Enqueue<Item, Reply> {
  if (tracing === undefined) return lane.queue(options)
  const members = new WeakMap<Item, BatchMember>()
  const enqueue = lane.queue({
    ...options,
    send(items, signal) {
      const attributes = {
        'db.system.name': 'opensearch',
        'db.operation.name': operation === 'look' ? 'mget' : 'bulk',
        'db.operation.batch.size': items.length,
        'memory_gateway.cluster': cluster,
      }
      const sharing = items.flatMap((item) => members.get(item) ?? [])
      return tracing.batch(`${operation} batch`, sharing, attributes, () => options.send(items, signal))
    },
  })
  return (item, signal) =>
    tracing.queued(operation, (member) => {
      members.set(item, member)
      return enqueue(item, signal)
    })
}
