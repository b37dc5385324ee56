import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** How often each fault comes: a share of the chunks that pass, either way. */
export interface FaultShares {
  /** The connection breaks before the chunk. */
  readonly cut: number
  /** The connection breaks in the middle of the chunk. */
  readonly truncate: number
  /** Nothing passes any more, for as long as the connection stands. */
  readonly stall: number
  /** The chunk and all that follow come later, by up to `DELAY_MS`. */
  readonly delay: number
}

export type FaultName = keyof FaultShares

export interface RandomTcpProxy {
  readonly url: string
  /** How many of each there were. */
  readonly faults: Readonly<Record<FaultName, number>>
  /** No faults from now on. */
  calm(): void
  close(): Promise<void>
}

const DELAY_MS = 60

/** A TCP proxy in front of a server that makes faults at random points: the same seed gives the same sequence of decisions. */
export async function startRandomTcpProxy(
  clusterUrl: string,
  seed: number,
  shares: FaultShares,
): Promise<RandomTcpProxy> {
  const { hostname, port } = new URL(clusterUrl)
  const faults = { cut: 0, truncate: 0, stall: 0, delay: 0 }
  const random = randomNumbers(seed)
  const sockets = new Set<Socket>()
  let isCalm = false

  function next(): FaultName | undefined {
    if (isCalm) return undefined
    let left = random()
    for (const name of ['cut', 'truncate', 'stall', 'delay'] as const) {
      left -= shares[name]
      if (left < 0) {
        faults[name] += 1
        return name
      }
    }
    return undefined
  }

  function relay(from: Socket, to: Socket): void {
    let isStalled = false
    from.on('data', (chunk: Buffer) => {
      if (isStalled) return
      switch (next()) {
        case 'cut':
          from.destroy()
          to.destroy()
          return
        case 'truncate':
          to.write(chunk.subarray(0, Math.floor(chunk.length * random())), () => {
            from.destroy()
            to.destroy()
          })
          isStalled = true
          return
        case 'stall':
          isStalled = true
          return
        case 'delay':
          from.pause()
          setTimeout(() => {
            to.write(chunk)
            from.resume()
          }, DELAY_MS * random())
          return
        case undefined:
          to.write(chunk)
      }
    })
    from.on('error', () => to.destroy())
    from.on('close', () => to.destroy())
  }

  const server = createServer({ noDelay: true }, (caller) => {
    const cluster = connect({ host: hostname, port: Number(port), noDelay: true })
    for (const socket of [caller, cluster]) {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    }
    relay(caller, cluster)
    relay(cluster, caller)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    faults,
    calm: () => void (isCalm = true),
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** Numbers from 0 to 1 that depend on the seed alone (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
