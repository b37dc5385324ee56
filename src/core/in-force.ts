/** What one request works with, from its beginning to its end. */
export interface Lease<Value> {
  readonly value: Value
  readonly end: () => void
}

interface Closable {
  close(): Promise<void>
}

/** One thing of which there is always exactly one in force, and which can be replaced while it is in use. */
export interface InForce<Value> {
  now(): Value
  /** Whoever takes it has it until they end the lease, whatever comes into force meanwhile. */
  take(): Lease<Value>
  /** What was in force before is closed when its last lease has ended. */
  replace(next: Value): void
  /** Closes whatever is open, in use or not. */
  close(): Promise<void>
}

interface Place<Value> {
  readonly value: Value
  leases: number
}

export function openInForce<Value extends Closable>(first: Value): InForce<Value> {
  let current: Place<Value> = { value: first, leases: 0 }
  const open = new Set([current])
  const closing = new Set<Promise<void>>()

  function closePlace(place: Place<Value>): void {
    if (!open.delete(place)) return
    const closed = place.value.close().finally(() => closing.delete(closed))
    closing.add(closed)
  }

  return {
    now: () => current.value,
    take() {
      const place = current
      place.leases += 1
      let isOver = false
      return {
        value: place.value,
        end() {
          if (isOver) return
          isOver = true
          place.leases -= 1
          if (place !== current && place.leases === 0) closePlace(place)
        },
      }
    },
    replace(next) {
      const before = current
      current = { value: next, leases: 0 }
      open.add(current)
      if (before.leases === 0) closePlace(before)
    },
    async close() {
      for (const place of [...open]) closePlace(place)
      await Promise.all(closing)
    },
  }
}
