import { GatewayError } from '../core/failure.ts'
import { neverSent } from './undici-connection.ts'

/** What limits the batches of one lane. */
export interface LaneOptions {
  /** Batches under way at once, of all queues together. */
  readonly maxBatches: number
  readonly maxItems: number
  /** Of one batch, by the queue's own measure; a single item may be larger. */
  readonly maxBytes: number
  /** Items waiting, of all queues together; beyond it callers are told to come back. */
  readonly maxWaiting: number
}

interface QueueOptions<Item, Reply> {
  /**
   * Sends one batch. The replies are in the order of the items.
   * @param signal aborts when nobody waits for any of the items any more
   */
  readonly send: (items: readonly Item[], signal: AbortSignal) => Promise<readonly Reply[]>
  readonly bytesOf: (item: Item) => number
}

/**
 * Puts one item into the next batch.
 * @throws GatewayError overloaded, upstreamTimeout (also when the caller has gone; not marked as never sent once its batch has left)
 */
export type Enqueue<Item, Reply> = (item: Item, signal: AbortSignal) => Promise<Reply>

export interface Lane {
  queue<Item, Reply>(options: QueueOptions<Item, Reply>): Enqueue<Item, Reply>
  /** How many items wait at the moment. */
  waiting(): number
}

interface Pump {
  readonly size: number
  /** Sends the next batch of the queue. */
  leave(): Promise<void>
}

/**
 * Lets calls that are made at the same time share round trips. A batch leaves as soon as the lane has room, and what arrives meanwhile goes with
 * the next: no timer, so a single caller waits for nobody. Queues share the lane, and the longest one goes first.
 */
export function openLane(options: LaneOptions): Lane {
  const pumps: Pump[] = []
  let underWay = 0
  let isScheduled = false

  const waiting = (): number => pumps.reduce((sum, { size }) => sum + size, 0)

  function fill(): void {
    isScheduled = false
    while (underWay < options.maxBatches) {
      const longest = pumps.reduce<Pump | undefined>(
        (best, pump) => (pump.size > (best?.size ?? 0) ? pump : best),
        undefined,
      )
      if (longest === undefined) return
      underWay += 1
      void longest.leave().finally(() => {
        underWay -= 1
        fill()
      })
    }
  }

  function wake(): void {
    if (underWay >= options.maxBatches || isScheduled) return
    isScheduled = true
    // After what else has arrived in this turn of the event loop, so that it goes along.
    setImmediate(fill)
  }

  return {
    waiting,
    queue<Item, Reply>({ send, bytesOf }: QueueOptions<Item, Reply>): Enqueue<Item, Reply> {
      const queue = new Queue<Item, Reply>(send, bytesOf, options)
      pumps.push(queue)
      return (item, signal) => {
        if (waiting() >= options.maxWaiting) {
          return Promise.reject(
            new GatewayError('overloaded', { retryAfterSeconds: 1, cause: neverSent(new Error('The queue is full')) }),
          )
        }
        const reply = queue.add(item, signal)
        wake()
        return reply
      }
    },
  }
}

interface Entry<Item, Reply> {
  readonly item: Item
  readonly bytes: number
  readonly settle: (reply: Reply) => void
  readonly fail: (error: unknown) => void
  /** Called when the caller gives up after the batch has left. */
  abandoned: () => void
}

class Queue<Item, Reply> implements Pump {
  readonly #send: QueueOptions<Item, Reply>['send']
  readonly #bytesOf: (item: Item) => number
  readonly #limits: LaneOptions
  /** In order of arrival; an entry whose caller has gone is taken out. */
  readonly #entries = new Set<Entry<Item, Reply>>()

  constructor(send: QueueOptions<Item, Reply>['send'], bytesOf: (item: Item) => number, limits: LaneOptions) {
    this.#send = send
    this.#bytesOf = bytesOf
    this.#limits = limits
  }

  get size(): number {
    return this.#entries.size
  }

  add(item: Item, signal: AbortSignal): Promise<Reply> {
    if (signal.aborted) return Promise.reject(outOfTime(true))
    return new Promise((resolve, reject) => {
      const stopListening = (): void => signal.removeEventListener('abort', onAbort)
      const entry: Entry<Item, Reply> = {
        item,
        bytes: this.#bytesOf(item),
        settle: (reply) => {
          stopListening()
          resolve(reply)
        },
        fail: (error) => {
          stopListening()
          reject(error instanceof Error ? error : new GatewayError('internal', { cause: error }))
        },
        abandoned: () => undefined,
      }
      const onAbort = (): void => {
        const wasWaiting = this.#entries.delete(entry)
        entry.fail(outOfTime(wasWaiting))
        if (!wasWaiting) entry.abandoned()
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#entries.add(entry)
    })
  }

  async leave(): Promise<void> {
    const batch = this.#take()
    try {
      const items = batch.map(({ item }) => item)
      const replies = await this.#send(items, abandonedByAll(batch))
      batch.forEach((entry, position) => {
        const reply = replies[position]
        if (reply === undefined) entry.fail(new GatewayError('upstreamInvalid', { cause: 'an answer is missing' }))
        else entry.settle(reply)
      })
    } catch (error) {
      for (const entry of batch) entry.fail(error)
    }
  }

  #take(): readonly Entry<Item, Reply>[] {
    const batch: Entry<Item, Reply>[] = []
    let bytes = 0
    for (const entry of this.#entries) {
      bytes += entry.bytes
      if (batch.length > 0 && (batch.length >= this.#limits.maxItems || bytes > this.#limits.maxBytes)) break
      batch.push(entry)
      this.#entries.delete(entry)
    }
    return batch
  }
}

/** A signal that aborts when every caller of the batch has given up. */
function abandonedByAll(batch: readonly { abandoned: () => void }[]): AbortSignal {
  const controller = new AbortController()
  let left = batch.length
  for (const entry of batch) {
    entry.abandoned = () => {
      left -= 1
      if (left === 0) controller.abort()
    }
  }
  return controller.signal
}

function outOfTime(wasWaiting: boolean): GatewayError {
  const cause = new Error('The deadline has passed, or the caller has gone')
  return new GatewayError('upstreamTimeout', { cause: wasWaiting ? neverSent(cause) : cause })
}
