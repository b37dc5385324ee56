import type { Duplex } from 'node:stream'

/** A caller who has asked for an upgrade, and has no business sending anything before it is answered. */
export interface HeldCaller {
  /** Lets all that came, and comes, go on. */
  release(to: Duplex): void
}

/** How much of what comes early is read: enough to see a caller leave who has sent what a protocol begins with. */
const EARLY_BYTES = 65_536

/** Reads what a caller sends early, up to a bound, and keeps it, so as to see the caller leave. @param socket is destroyed when it ends */
export function holdCaller(socket: Duplex): HeldCaller {
  const early: Buffer[] = []
  let bytes = 0
  const onData = (chunk: Buffer): void => {
    // check: upgrade-early
    early.push(chunk)
    bytes += chunk.length
    if (bytes >= EARLY_BYTES) socket.pause()
  }
  const onEnd = (): unknown => socket.destroy()
  socket.on('data', onData).once('end', onEnd)
  return {
    release(to) {
      socket.off('data', onData).off('end', onEnd)
      for (const chunk of early.splice(0)) to.write(chunk)
      socket.pipe(to)
    },
  }
}
