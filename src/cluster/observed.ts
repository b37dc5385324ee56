/** Told of each batch when it has come back: how many items shared it, and how long it took in seconds. */
export type OnBatch = (
  operation: 'look' | 'remove',
  items: number,
  seconds: number,
  result: 'answered' | 'failed',
) => void

type Send<Item, Reply> = (items: readonly Item[], signal: AbortSignal) => Promise<readonly Reply[]>

/** The same way to send a batch, with somebody told of it. */
export function observed<Item, Reply>(
  operation: 'look' | 'remove',
  send: Send<Item, Reply>,
  onBatch: OnBatch,
): Send<Item, Reply> {
  return async (items, signal) => {
    const startedAt = performance.now()
    const tell = (result: 'answered' | 'failed'): void =>
      onBatch(operation, items.length, (performance.now() - startedAt) / 1000, result)
    try {
      const replies = await send(items, signal)
      tell('answered')
      return replies
    } catch (error) {
      tell('failed')
      throw error
    }
  }
}
