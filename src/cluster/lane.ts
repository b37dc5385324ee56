import { GatewayError } from '../core/failure.ts'
import { neverSent } from '../core/never-sent.ts'

/** What limits the batches of one lane. */
export interface LaneOptions {
  /** Batches under way at once, of all queues together. */
  readonly maxBatches: number
  /** While others are under way, a batch of fewer items waits for one of them to come back: fewer and larger batches cost the cluster less. */
  readonly worthwhileItems: number
  /** But not longer than this, in milliseconds: what is under way may be hung. */
  readonly patienceMs: number
  readonly maxItems: number
  /** Of one batch, by the queue's own measure; a single item may be larger. */
  readonly maxBytes: number
  /** Items waiting, of all queues together; beyond it callers are told to come back. */
  readonly maxWaiting: number
}

export interface QueueOptions<Item, Reply> {
  /**
   * Sends one batch. The replies are in the order of the items.
   * @param signal aborts when nobody waits for any of the items any more, for the reason why the last of them gave up
   */
  readonly send: (items: readonly Item[], signal: AbortSignal) => Promise<readonly Reply[]>
  readonly bytesOf: (item: Item) => number
  /** Where it is given, a batch holds items of one group only, and each group has one batch under way: a slow one delays no other. */
  readonly groupOf?: (item: Item) => string
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
  /** How many items wait, and how many of them may leave now. */
  readonly size: number
  readonly ready: number
  /** Sends the next batch of the queue. */
  leave(): Promise<void>
}

/**
 * Lets calls that are made at the same time share round trips. A batch leaves at once where none is under way, or where it is large enough beside
 * those that are; what arrives meanwhile goes with the next. A single caller waits for nobody. Queues share the lane, and the longest one goes first.
 */
export function openLane(options: LaneOptions): Lane {
  const pumps: Pump[] = []
  let underWay = 0
  let isScheduled = false
  let patience: NodeJS.Timeout | undefined

  const waiting = (): number => pumps.reduce((sum, { size }) => sum + size, 0)

  /** @param isPatient whether a small batch waits for those under way */
  function fill(isPatient: boolean): void {
    isScheduled = false
    while (underWay < options.maxBatches) {
      const longest = pumps.reduce<Pump | undefined>(
        (best, pump) => (pump.ready > (best?.ready ?? 0) ? pump : best),
        undefined,
      )
      if (longest === undefined) return
      if (isPatient && underWay > 0 && longest.ready < options.worthwhileItems) {
        patience ??= setTimeout(fill, options.patienceMs, false).unref()
        return
      }
      isPatient = true
      clearTimeout(patience)
      patience = undefined
      underWay += 1
      void longest.leave().finally(() => {
        underWay -= 1
        fill(true)
      })
    }
  }

  function wake(): void {
    if (underWay >= options.maxBatches || isScheduled) return
    isScheduled = true
    // After what else has arrived in this turn of the event loop, so that it goes along.
    setImmediate(fill, true)
  }

  return {
    waiting,
    queue<Item, Reply>(queueOptions: QueueOptions<Item, Reply>): Enqueue<Item, Reply> {
      const queue = new Queue<Item, Reply>(queueOptions, options)
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
  isWaiting: boolean
  readonly settle: (reply: Reply) => void
  readonly fail: (error: unknown) => void
  /** Called when the caller gives up after the batch has left. */
  abandoned: (reason: unknown) => void
}

interface Group<Item, Reply> {
  readonly name: string
  /** In order of arrival, with those whose callers have gone. */
  entries: Entry<Item, Reply>[]
  waiting: number
  underWay: number
}

/** How many of those that are gone are kept at least, among those that wait. */
const MAX_GONE = 64

function stillWaiting<Item, Reply>({ entries }: Group<Item, Reply>): Entry<Item, Reply>[] {
  return entries.filter(({ isWaiting }) => isWaiting)
}

class Queue<Item, Reply> implements Pump {
  readonly #options: QueueOptions<Item, Reply>
  readonly #limits: LaneOptions
  readonly #groups = new Map<string, Group<Item, Reply>>()
  #size = 0

  constructor(options: QueueOptions<Item, Reply>, limits: LaneOptions) {
    this.#options = options
    this.#limits = limits
  }

  get size(): number {
    return this.#size
  }

  get ready(): number {
    return this.#longest()?.waiting ?? 0
  }

  add(item: Item, signal: AbortSignal): Promise<Reply> {
    if (signal.aborted) return Promise.reject(outOfTime(true))
    return new Promise((resolve, reject) => {
      const stopListening = (): void => signal.removeEventListener('abort', onAbort)
      const entry: Entry<Item, Reply> = {
        item,
        bytes: this.#options.bytesOf(item),
        isWaiting: true,
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
      const name = this.#options.groupOf?.(item) ?? ''
      const group = this.#groups.get(name) ?? { name, entries: [], waiting: 0, underWay: 0 }
      const onAbort = (): void => {
        const wasWaiting = entry.isWaiting
        if (wasWaiting) {
          this.#left(group, [entry])
          // Not for each of them, or ten thousand that go at once would cost the square of that.
          if (group.entries.length > 2 * group.waiting + MAX_GONE) group.entries = stillWaiting(group)
        }
        this.#forget(group)
        entry.fail(outOfTime(wasWaiting))
        if (!wasWaiting) entry.abandoned(signal.reason)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#groups.set(name, group)
      group.entries.push(entry)
      group.waiting += 1
      this.#size += 1
    })
  }

  async leave(): Promise<void> {
    const group = this.#longest()
    if (group === undefined) return
    const batch = this.#take(group)
    group.underWay += 1
    try {
      const items = batch.map(({ item }) => item)
      const replies = await this.#options.send(items, abandonedByAll(batch))
      batch.forEach((entry, position) => {
        const reply = replies[position]
        if (reply === undefined) entry.fail(new GatewayError('upstreamInvalid', { cause: 'an answer is missing' }))
        else entry.settle(reply)
      })
    } catch (error) {
      for (const entry of batch) entry.fail(error)
    } finally {
      group.underWay -= 1
      this.#forget(group)
    }
  }

  /** The group that most wait for, of those that may send. */
  #longest(): Group<Item, Reply> | undefined {
    let longest: Group<Item, Reply> | undefined
    for (const group of this.#groups.values()) {
      const mayLeave = this.#options.groupOf === undefined || group.underWay === 0
      if (mayLeave && group.waiting > (longest?.waiting ?? 0)) longest = group
    }
    return longest
  }

  #forget(group: Group<Item, Reply>): void {
    const isIdle = group.waiting === 0 && group.underWay === 0
    if (isIdle && this.#groups.get(group.name) === group) this.#groups.delete(group.name)
  }

  #take(group: Group<Item, Reply>): readonly Entry<Item, Reply>[] {
    const waiting = stillWaiting(group)
    let bytes = 0
    const end = waiting.findIndex((entry, position) => {
      bytes += entry.bytes
      return position > 0 && (position >= this.#limits.maxItems || bytes > this.#limits.maxBytes)
    })
    const batch = end === -1 ? waiting : waiting.slice(0, end)
    group.entries = end === -1 ? [] : waiting.slice(end)
    this.#left(group, batch)
    return batch
  }

  #left(group: Group<Item, Reply>, entries: readonly Entry<Item, Reply>[]): void {
    for (const entry of entries) entry.isWaiting = false
    group.waiting -= entries.length
    this.#size -= entries.length
  }
}

/** A signal that aborts when every caller of the batch has given up. */
function abandonedByAll(batch: readonly { abandoned: (reason: unknown) => void }[]): AbortSignal {
  const controller = new AbortController()
  let left = batch.length
  for (const entry of batch) {
    entry.abandoned = (reason) => {
      left -= 1
      if (left === 0) controller.abort(reason)
    }
  }
  return controller.signal
}

function outOfTime(wasWaiting: boolean): GatewayError {
  const cause = new Error('The deadline has passed, or the caller has gone')
  return new GatewayError('upstreamTimeout', { cause: wasWaiting ? neverSent(cause) : cause })
}
